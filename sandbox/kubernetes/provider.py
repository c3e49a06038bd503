"""The emulated Kubernetes provider: the engine's calls, each in terms of the rooms beside this file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from plugin_server import (
    Change,
    Check,
    Checked,
    CheckFailure,
    Create,
    Created,
    Delete,
    Diff,
    Difference,
    Found,
    InitFailed,
    Properties,
    ProviderError,
    Read,
    Update,
    contains_unknown,
    differences,
)
from sandbox.kubernetes import release, settings
from sandbox.kubernetes.apply import Target, apply, explain, is_managed_by, manager_of
from sandbox.kubernetes.awaiting import NotReadyError, await_deleted, await_ready, check_ready
from sandbox.kubernetes.awaiting.readiness import timeout_of
from sandbox.kubernetes.client import ApiError, Json, UnreachableError
from sandbox.kubernetes.cluster import Cluster
from sandbox.kubernetes.credentials import ClusterGoneError
from sandbox.kubernetes.discovery import Kind
from sandbox.kubernetes.immutability import immutable_paths, replaces
from sandbox.kubernetes.lost import lost, mark_replaced
from sandbox.kubernetes.messages import Messages
from sandbox.kubernetes.naming import name_failures, with_name
from sandbox.kubernetes.objects import (
    AUTONAMED,
    DELETION_PROPAGATION,
    SKIP_AWAIT,
    WITHOUT_EFFECT,
    annotation,
    from_api,
    id_of,
    is_annotated,
    name_of,
    namespace_of,
    parse_id,
    text,
    without_server_fields,
)
from sandbox.kubernetes.preview import NotValidatedError, preview_create, preview_update
from sandbox.kubernetes.projection import imported, project
from sandbox.kubernetes.types import HELM_RELEASE, api_version_and_kind, not_emulated

_PROPAGATION = {"orphan": "Orphan", "background": "Background"}

_GONE_AT_ONCE = frozenset({"DaemonSet", "Deployment", "Job", "Namespace", "Pod", "StatefulSet"})
"""Kinds whose deletion is not waited for under skipAwait, as in the real provider; others always are."""


class KubernetesProvider:
    """Serves ``kubernetes:*`` resources on one cluster; see :class:`plugin_server.Provider`."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._configured: Cluster | None = None
        self._known: defaultdict[str, set[str]] = defaultdict(set)
        """URN to the ids that the engine spoke of: these are not lost."""

    def check_config(self, inputs: Properties) -> Checked:
        return Checked(inputs=inputs, failures=tuple(settings.failures(inputs)))

    def diff_config(self, old_inputs: Properties, new_inputs: Properties) -> Difference:
        return settings.difference(old_inputs, new_inputs)

    def configure(self, inputs: Properties) -> None:
        self._configured = Cluster(settings.Settings.of(inputs))

    def invoke(self, token: str, arguments: Properties) -> Properties:  # noqa: ARG002 (the protocol's form)
        raise ProviderError(f"the function {token} is not emulated")

    def cancel(self) -> None:
        if self._configured:
            self._configured.client.cancel()

    def close(self) -> None:
        """Ends the connections that are kept for reuse."""
        if self._configured:
            self._configured.client.close()

    def check(self, request: Check) -> Checked:
        if reason := not_emulated(request.type, request.new_inputs):
            return Checked(inputs=request.new_inputs, failures=(CheckFailure("", reason),))
        if request.type == HELM_RELEASE:
            return release.check(request, self._cluster.settings.namespace)
        version, kind = api_version_and_kind(request.type, request.new_inputs)
        given = {"apiVersion": version, "kind": kind, **_without_nulls(request.new_inputs)}
        unnamed = self._with_namespace(request, without_server_fields(given))
        inputs = with_name(request, unnamed, partial(self._lost_name, request, unnamed))
        for name in WITHOUT_EFFECT:
            if annotation(inputs, name):
                self._messages.warning(request.urn, f"the annotation {name} has no effect in the sandbox")
        return Checked(inputs=inputs, failures=tuple(name_failures(inputs, request.name)))

    def diff(self, request: Diff) -> Difference:
        if request.type == HELM_RELEASE:
            return release.diff(request)
        self._known[request.urn].add(request.id)
        old = self._comparable(request.type, request.old_inputs)
        new = self._comparable(request.type, request.new_inputs)
        immutable = immutable_paths(
            old,
            new,
            config_maps_mutable=self._cluster.settings.config_maps_mutable,
            secrets_mutable=self._cluster.settings.secrets_mutable,
        )
        changes = tuple(
            Change(path=path, kind=kind, replaces=replaces(path, immutable))  # type: ignore[arg-type] # differences' words
            for path, kind in differences(old, new)
        )
        return Difference(
            changes=changes,
            delete_before_replace=any(change.replaces for change in changes)
            and _keeps_its_name(request.old_state, old, new),
        )

    def create(self, request: Create) -> Created:
        if request.type == HELM_RELEASE:
            self._messages.info(request.urn, release.note(request.inputs))
            return release.create(self._cluster, request)
        if request.preview:
            return self._preview_create(request)
        say = self._say(request.urn)
        kind = self._cluster.awaited_kind(request.type, request.inputs, say)
        target = self._cluster.target(request.urn, kind, request.inputs)
        self._retire(request.urn, kind, target)
        self._clear_lost(request, kind, target)
        live = self._cluster.in_order(partial(self._make, request.urn, target), say)
        self._known[request.urn].add(id_of(live))
        state = self._settle(request.urn, target, live, request.inputs, request.timeout)
        return Created(id=id_of(live), state=state)

    def read(self, request: Read) -> Found | None:
        self._known[request.urn].add(request.id)
        try:
            return self._read(request)
        except ClusterGoneError as gone:
            self._messages.status(request.urn, str(gone))
            return None
        except UnreachableError:
            if self._cluster.settings.delete_unreachable:
                self._messages.info(request.urn, "the cluster does not answer; forgotten (deleteUnreachable)")
                return None
            raise

    def update(self, request: Update) -> Properties:
        if request.type == HELM_RELEASE:
            return release.update(self._cluster, request)
        if request.preview:
            return self._preview_update(request)
        self._known[request.urn].add(request.id)
        kind = self._cluster.awaited_kind(request.type, request.new_inputs, self._say(request.urn))
        target = self._cluster.target(request.urn, kind, request.new_inputs, _manager(request.old_state))
        try:
            if self._cluster.client.find(target.path) is None:
                raise ProviderError(f"{target} does not exist any more; run `pulumi refresh`")
            live = apply(self._cluster.client, target, dry_run=False)
        except ApiError as error:
            raise explain(target, error) from error
        return self._settle(request.urn, target, live, request.new_inputs, request.timeout)

    def delete(self, request: Delete) -> None:
        try:
            self._delete(request)
        except ClusterGoneError as gone:
            self._messages.status(request.urn, str(gone))

    def _delete(self, request: Delete) -> None:
        if request.type == HELM_RELEASE:
            release.delete(self._cluster, request)
            return
        kind = self._cluster.kind(request.type, request.inputs or request.state)
        if kind is None:
            return  # a definition takes its objects with it
        namespace, name = parse_id(request.id)
        target = Target(
            kind=kind, namespace=namespace, name=name, body=request.inputs, manager="", force=False
        )
        policy = _PROPAGATION.get(annotation(request.inputs, DELETION_PROPAGATION).lower(), "Foreground")
        try:
            answer = self._cluster.client.delete(target.path, {"propagationPolicy": policy})
        except ApiError as error:
            if error.status == 404:
                return
            raise explain(target, error) from error
        if kind.name == "CustomResourceDefinition":
            self._cluster.kinds.forget_group(text(request.state, "spec", "group"))
        if is_annotated(request.inputs, SKIP_AWAIT) and kind.name in _GONE_AT_ONCE:
            return
        uid = text(answer, "metadata", "uid") or text(request.state, "metadata", "uid")
        timeout = timeout_of(request.timeout, request.inputs)
        self._known[request.urn].discard(request.id)
        await_deleted(self._cluster.client, target, uid, timeout, self._say(request.urn))

    @property
    def _cluster(self) -> Cluster:
        if self._configured is None:
            raise ProviderError("the kubernetes provider was not configured: its kubeconfig is not known yet")
        return self._configured

    def _say(self, urn: str) -> Callable[[str], None]:
        return partial(self._messages.status, urn)

    def _with_namespace(self, request: Check, inputs: Properties) -> Properties:
        """Inputs with the default namespace where the kind has one and the program names none."""
        metadata = inputs.get("metadata")
        kind = self._cluster.kind_if_reachable(request.type, inputs)
        if not isinstance(metadata, dict) or kind is None:
            return inputs
        if kind.namespaced and "namespace" not in metadata:
            return {**inputs, "metadata": {**metadata, "namespace": self._cluster.settings.namespace}}
        if not kind.namespaced and "namespace" in metadata:
            kept = {key: value for key, value in metadata.items() if key != "namespace"}
            return {**inputs, "metadata": kept}
        return inputs

    def _comparable(self, token: str, inputs: Properties) -> Properties:
        """Inputs in which a namespace left out is the default one, so that learning it is no change."""
        metadata = inputs.get("metadata")
        kind = self._cluster.kind_if_reachable(token, inputs)
        if not isinstance(metadata, dict) or (kind is not None and not kind.namespaced):
            return inputs
        return {**inputs, "metadata": {"namespace": self._cluster.settings.namespace, **metadata}}

    def _preview_create(self, request: Create) -> Created:
        try:
            target = self._dry_target(request.urn, request.type, request.inputs)
            made = preview_create(self._cluster.client, target)
            return Created(id="", state=_state(made, target.manager, request.inputs))
        except NotValidatedError as reason:
            self._messages.status(request.urn, f"not validated: {reason}")
            return Created(id="", state=request.inputs)

    def _preview_update(self, request: Update) -> Properties:
        manager = _manager(request.old_state)
        try:
            target = self._dry_target(request.urn, request.type, request.new_inputs, manager)
            changed = preview_update(self._cluster.client, target)
            return _state(changed, target.manager, request.new_inputs)
        except NotValidatedError as reason:
            self._messages.status(request.urn, f"not validated: {reason}")
            return request.new_inputs

    def _dry_target(self, urn: str, token: str, inputs: Properties, manager: str = "") -> Target:
        if contains_unknown(inputs):
            raise NotValidatedError("an input is not known yet")
        try:
            kind = self._cluster.kind(token, inputs)
        except (UnreachableError, ClusterGoneError) as error:
            raise NotValidatedError(str(error)) from error
        if kind is None:
            version, name = api_version_and_kind(token, inputs)
            raise NotValidatedError(f"the cluster does not know {version} {name} yet")
        return self._cluster.target(urn, kind, inputs, manager)

    def _lost(self, urn: str, kind: Kind, namespace: str) -> Iterator[Json]:
        """What an update that was cut off made for a resource, and the engine never heard of."""
        return lost(self._cluster.client, urn, kind, namespace, frozenset(self._known[urn]))

    def _lost_name(self, request: Check, inputs: Properties) -> str:
        """The generated name of a lost object that can become what the inputs say; empty when there is none."""
        kind = self._cluster.kind_if_reachable(request.type, inputs)
        namespace = namespace_of(inputs)
        if kind is None or contains_unknown(inputs) or (kind.namespaced and not namespace):
            return ""
        for item in self._lost(request.urn, kind, namespace):
            if is_annotated(item, AUTONAMED) and self._becomes(
                item, with_name(request, inputs, partial(name_of, item))
            ):
                return name_of(item)
        return ""

    def _becomes(self, live: Json, inputs: Properties) -> bool:
        """Whether a live object can be changed into what the inputs say, without replacement."""
        present = project(inputs, live)
        immutable = immutable_paths(
            {**present, "immutable": live.get("immutable")},
            inputs,
            config_maps_mutable=self._cluster.settings.config_maps_mutable,
            secrets_mutable=self._cluster.settings.secrets_mutable,
        )
        if _data_keys(live) != _data_keys(inputs) and replaces(("data",), immutable):
            return False
        return not any(replaces(path, immutable) for path, _ in differences(present, inputs))

    def _retire(self, urn: str, kind: Kind, target: Target) -> None:
        """Marks the objects that the engine knows of: one of them is about to be replaced."""
        for known in sorted(self._known[urn]):
            if known != id_of(target.body):
                mark_replaced(self._cluster.client, kind.path(*parse_id(known)))

    def _clear_lost(self, request: Create, kind: Kind, target: Target) -> None:
        """Removes lost objects that cannot be taken over, so that exactly one remains."""
        for item in self._lost(request.urn, kind, target.namespace):
            if name_of(item) == target.name and self._becomes(item, request.inputs):
                self._messages.status(
                    request.urn, f"taking over {target}, made by an update that was cut off"
                )
                continue
            self._messages.status(request.urn, f"removing {id_of(item)}, left by an update that was cut off")
            self.delete(
                Delete(
                    urn=request.urn,
                    id=id_of(item),
                    inputs=request.inputs,
                    state=item,
                    timeout=request.timeout,
                )
            )

    def _make(self, urn: str, target: Target) -> Json:
        """Makes an object that does not exist, or finds the one that an earlier try made.

        Raises:
            ApiError: 404 when its namespace does not exist.
            ProviderError: the server refuses it, or it exists and is not this resource's.
        """
        live = self._cluster.client.find(target.path)
        if live is not None and not is_managed_by(live, manager_of(urn)):
            raise ProviderError(
                f"{target} already exists. Import it (`pulumi import`) or delete it; where a resource was "
                "renamed in the program, give it an alias"
            )
        try:
            return apply(self._cluster.client, target, dry_run=False)
        except ApiError as error:
            if error.status == 404:
                raise
            raise explain(target, error) from error

    def _settle(
        self, urn: str, target: Target, live: Json, inputs: Properties, timeout: float | None
    ) -> Properties:
        """Waits until a written object is ready; its state."""
        client, seconds = self._cluster.client, timeout_of(timeout, target.body)
        try:
            ready = await_ready(client, target, live, seconds, self._say(urn))
        except NotReadyError as failure:
            raise InitFailed(
                id=id_of(live),
                state=_state(failure.live, target.manager, inputs),
                inputs=inputs,
                reasons=failure.reasons,
            ) from failure
        self._messages.status(urn, "")
        return _state(ready, target.manager, inputs)

    def _read(self, request: Read) -> Found | None:
        if request.type == HELM_RELEASE:
            return release.read(self._cluster, request)
        kind = self._cluster.kind(request.type, request.inputs or request.state)
        if kind is None:
            return None
        namespace, name = parse_id(request.id)
        if kind.namespaced and not namespace:
            namespace = namespace_of(request.state) or self._cluster.settings.namespace
        live = self._cluster.client.find(kind.path(namespace, name))
        if live is None:
            return None
        if "metadata" not in request.inputs:
            inputs = imported(live)
            return Found(id=id_of(live), inputs=inputs, state=_state(live, manager_of(request.urn), inputs))
        inputs = project(request.inputs, live)
        manager = _manager(request.state) or manager_of(request.urn)
        found = Found(id=request.id, inputs=inputs, state=_state(live, manager, inputs))
        try:
            target = self._cluster.target(request.urn, kind, inputs, manager)
            check_ready(self._cluster.client, target, live)
        except NotReadyError as failure:
            raise InitFailed(found.id, found.state, found.inputs, failure.reasons) from failure
        return found


def _state(live: Json, manager: str, inputs: Properties) -> Properties:
    """A live object as the resource's outputs, with the two keys that the real provider keeps beside it."""
    metadata = {key: value for key, value in live.get("metadata", {}).items() if key != "managedFields"}
    return {
        **from_api({**live, "metadata": metadata}),
        "__fieldManager": manager,
        "__initialApiVersion": inputs.get("apiVersion", ""),
    }


def _data_keys(obj: Properties) -> set[str]:
    """Keys of a ConfigMap's or Secret's data, which a projection onto other inputs does not show."""
    return {key for field in ("data", "stringData", "binaryData") for key in obj.get(field) or ()}


def _manager(state: Properties) -> str:
    return str(state.get("__fieldManager") or "")


def _keeps_its_name(old_state: Properties, old: Properties, new: Properties) -> bool:
    """Whether a replacement would have the old object's very name, so that the old one must go first."""
    named = bool(name_of(new)) and not is_annotated(new, AUTONAMED)
    same_name = name_of(new) == (name_of(old_state) or name_of(old))
    return named and same_name and namespace_of(new) == namespace_of(old)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
