"""Serves a :class:`Provider` to the Pulumi engine over gRPC.

Written on the SDK's protocol stubs rather than on `pulumi.provider.experimental`, which (3.259) does not pass
the old inputs to a diff, cannot report a resource that exists but failed to become ready, and runs every call
on one thread, so that one slow await would block all others.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from plugin_server import provider as api
from plugin_server.lifetime import engine_address, serve_until_ended
from plugin_server.secret_values import marked_as, secret_names, secret_texts, without_secrets
from plugin_server.values import from_struct, path_of, to_struct

_THREADS: Final = 64
"""Calls served at once; most of them wait for a pod or an HTTP answer."""

_MESSAGE_LIMIT: Final = 400 * 1024 * 1024
"""The engine's own gRPC message limit in bytes (sdk/go/common/util/rpcutil, 2026-11)."""

_ROOT: Final = re.compile(r"[.\[]")
"""Ends the first part of a property path."""

Refusal = Callable[[str | None], str | None]
"""Takes a resource's URN; returns the reason to refuse calls about it, or None to serve them."""

_CHANGE_KINDS: Final = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def _refuse_nothing(_: str | None) -> None:
    return None


class EngineLog:
    """Messages shown by the engine beside the resource that they are about."""

    def __init__(self, engine_address: str) -> None:
        channel = grpc.insecure_channel(engine_address)
        self._engine = engine_pb2_grpc.EngineStub(channel)

    def status(self, urn: str, message: str) -> None:
        """A passing remark on the resource's own line, replaced by the next one."""
        self._send(engine_pb2.INFO, urn, message, ephemeral=True)

    def info(self, urn: str, message: str) -> None:
        """A remark that stays in the output."""
        self._send(engine_pb2.INFO, urn, message, ephemeral=False)

    def warning(self, urn: str, message: str) -> None:
        """A warning that stays in the output."""
        self._send(engine_pb2.WARNING, urn, message, ephemeral=False)

    def _send(
        self, severity: engine_pb2.LogSeverity.ValueType, urn: str, message: str, *, ephemeral: bool
    ) -> None:
        request = engine_pb2.LogRequest(severity=severity, urn=urn, message=message, ephemeral=ephemeral)
        try:
            self._engine.Log(request, timeout=5)
        except grpc.RpcError:
            logging.getLogger(__name__).debug("the engine did not take a log line: %s", message)


class ProviderServicer(provider_pb2_grpc.ResourceProviderServicer):
    """The wire side: unpacks requests, calls the provider, packs answers and failures."""

    def __init__(self, provider: api.Provider, version: str, refusal: Refusal) -> None:
        self._provider = provider
        self._version = version
        self._refusal = refusal

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return proto.PluginInfo(version=self._version)

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answering(context, request.urn, request.news):
            checked = self._provider.check_config(from_struct(request.news))
            return _check_response(checked, request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answering(context, request.urn, request.old_inputs, request.news):
            return _diff_response(
                self._provider.diff_config(from_struct(request.old_inputs), from_struct(request.news))
            )

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answering(context, None, request.args):
            self._provider.configure(from_struct(request.args))
            return provider_pb2.ConfigureResponse(
                # Else the engine unmarks secrets before each call, and nobody here knows what a message must not echo.
                acceptSecrets=True,
                supportsPreview=True,
                acceptResources=False,
                acceptOutputs=False,
            )

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answering(context, None, request.args):
            answer = to_struct(self._provider.invoke(request.tok, from_struct(request.args)))
            response = provider_pb2.InvokeResponse()
            getattr(response, "return").CopyFrom(answer)  # a keyword in Python
            return response

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answering(context, request.urn, request.olds, request.news):
            checked = self._provider.check(
                api.Check(
                    urn=request.urn,
                    old_inputs=from_struct(request.olds),
                    new_inputs=from_struct(request.news),
                    random_seed=request.randomSeed,
                )
            )
            return _check_response(checked, request.news)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answering(context, request.urn, request.old_inputs, request.olds, request.news):
            return _diff_response(
                self._provider.diff(
                    api.Diff(
                        urn=request.urn,
                        id=request.id,
                        old_inputs=from_struct(request.old_inputs),
                        old_state=from_struct(request.olds),
                        new_inputs=from_struct(request.news),
                    )
                )
            )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answering(context, request.urn, request.properties):
            created = self._provider.create(
                api.Create(
                    urn=request.urn,
                    inputs=from_struct(request.properties),
                    timeout=request.timeout or None,
                    preview=request.preview,
                )
            )
            state = marked_as(to_struct(created.state), request.properties)
            return provider_pb2.CreateResponse(id=created.id, properties=state)

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answering(context, request.urn, request.inputs, request.properties):
            found = self._provider.read(
                api.Read(
                    urn=request.urn,
                    id=request.id,
                    inputs=from_struct(request.inputs),
                    state=from_struct(request.properties),
                )
            )
            if found is None:
                return provider_pb2.ReadResponse()
            given = request.inputs, request.properties
            return provider_pb2.ReadResponse(
                id=found.id,
                inputs=marked_as(to_struct(found.inputs), *given),
                properties=marked_as(to_struct(found.state), *given),
            )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answering(context, request.urn, request.old_inputs, request.olds, request.news):
            state = self._provider.update(
                api.Update(
                    urn=request.urn,
                    id=request.id,
                    old_inputs=from_struct(request.old_inputs),
                    old_state=from_struct(request.olds),
                    new_inputs=from_struct(request.news),
                    timeout=request.timeout or None,
                    preview=request.preview,
                )
            )
            return provider_pb2.UpdateResponse(properties=marked_as(to_struct(state), request.news))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answering(context, request.urn, request.old_inputs, request.properties):
            self._provider.delete(
                api.Delete(
                    urn=request.urn,
                    id=request.id,
                    inputs=from_struct(request.old_inputs),
                    state=from_struct(request.properties),
                    timeout=request.timeout or None,
                )
            )
            return empty_pb2.Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._provider.cancel()
        return empty_pb2.Empty()

    @contextmanager
    def _answering(
        self, context: grpc.ServicerContext, urn: str | None, *given: struct_pb2.Struct
    ) -> Iterator[None]:
        """Turns what is raised into the call's failure, in which no secret of what was given stands."""
        if reason := self._refusal(urn):
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, reason)
        secrets = secret_texts(*given)
        try:
            yield
        except api.InitFailed as failure:
            _abort_init_failed(context, failure, given)
        except api.ProviderError as error:
            context.abort(grpc.StatusCode.UNKNOWN, without_secrets(str(error), secrets))
        except Exception as error:  # noqa: BLE001 (the boundary: a bug must reach the user as its resource's error)
            sys.stderr.write(without_secrets(traceback.format_exc(), secrets))
            message = f"a fault in the provider, not in your program: {type(error).__name__}: {error}"
            context.abort(grpc.StatusCode.INTERNAL, without_secrets(message, secrets))


def serve(
    build: Callable[[EngineLog], api.Provider],
    version: str,
    arguments: list[str] | None = None,
    *,
    refusal: Refusal = _refuse_nothing,
) -> None:
    """Runs a provider plugin until the engine ends it or is gone.

    Args:
        build: makes the provider, given where to send messages for the user.
        version: semantic version announced to the engine; at least the one that the SDK asks for.
        arguments: the engine's command line without the program name; its last word is the engine's address.
        refusal: asked before every call.
    """
    address = engine_address(sys.argv[1:] if arguments is None else arguments, "provider plugin")
    provider = build(EngineLog(address))
    options = [
        ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
        ("grpc.max_send_message_length", _MESSAGE_LIMIT),
    ]
    server = grpc.server(ThreadPoolExecutor(max_workers=_THREADS), options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(
        ProviderServicer(provider, version, refusal), server
    )
    serve_until_ended(server, address)
    provider.cancel()
    server.stop(grace=1).wait()
    # A call that still waits on a remote answer must not keep the process: its pool thread is not a daemon.
    os._exit(0)


def _abort_init_failed(
    context: grpc.ServicerContext, failure: api.InitFailed, given: Sequence[struct_pb2.Struct]
) -> NoReturn:
    secrets = secret_texts(*given)
    message = without_secrets(str(failure), secrets)
    detail = provider_pb2.ErrorResourceInitFailed(
        id=failure.id,
        properties=marked_as(to_struct(failure.state), *given),
        inputs=marked_as(to_struct(failure.inputs), *given),
        reasons=[without_secrets(reason, secrets) for reason in failure.reasons],
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, message)


def _check_response(checked: api.Checked, given: struct_pb2.Struct) -> Any:
    """The engine shows the value of the property that a failure names, a secret's too: such a failure names none."""
    secrets, hidden = secret_texts(given), secret_names(given)
    failures = []
    for failure in checked.failures:
        reason = without_secrets(failure.reason, secrets)
        if _ROOT.split(failure.property, maxsplit=1)[0] in hidden:
            failures.append(provider_pb2.CheckFailure(reason=f"{failure.property} {reason}"))
        else:
            failures.append(provider_pb2.CheckFailure(property=failure.property, reason=reason))
    return provider_pb2.CheckResponse(inputs=marked_as(to_struct(checked.inputs), given), failures=failures)


def _diff_response(difference: api.Difference) -> Any:
    detailed: dict[str, Any] = {}
    for change in difference.changes:
        kind = _CHANGE_KINDS[change.kind, change.replaces]
        detailed[path_of(change.path)] = provider_pb2.PropertyDiff(kind=kind, inputDiff=True)
    replaces = sorted({path_of(change.path) for change in difference.changes if change.replaces})
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME
        if difference.changes
        else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=replaces,
        diffs=sorted({str(change.path[0]) for change in difference.changes if change.path}),
        deleteBeforeReplace=difference.delete_before_replace,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )
