"""A Pulumi monitor that keeps every request as the SDK sends it, and computes URNs as the engine does.

Pulumi's own Mocks see neither parents, dependencies, aliases nor protect, and let duplicate URNs pass
(docs/facts/pulumi.md §2). Tests read `Recording`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from pulumi.runtime import mocks, settings, stack
from pulumi.runtime.config import set_all_config

PROJECT = "slipway"
_SECRET = "4dabf18193072939515e22adb298388d"  # the SDK's envelope key  # noqa: S105
_COMPUTED: dict[str, Callable[[str, dict[str, Any]], dict[str, Any]]] = {
    "aws:eks/cluster:Cluster": lambda name, _: {
        "name": f"{name}-0a1b2c3",
        "endpoint": "https://cluster.example",
        "certificateAuthority": {"data": "Q0E="},
    },
}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One registration."""

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    inputs: dict[str, Any]
    """Without secret envelopes."""
    secrets: frozenset[str]
    """Top-level inputs that came as secrets."""
    dependencies: frozenset[str]
    provider: str
    protect: bool
    ignore_changes: tuple[str, ...]
    request: Any


@dataclass
class Recording:
    """All that a program or a component registered."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """URN → registered outputs."""
    output_registrations: list[str] = field(default_factory=list)
    """URNs in the order of their register_outputs."""
    invokes: list[str] = field(default_factory=list)

    def of_type(self, type_: str) -> list[Recorded]:
        """Registrations of one type."""
        return [resource for resource in self.resources if resource.type == type_]

    def one(self, type_: str, name: str | None = None) -> Recorded:
        """The only registration of a type (and name)."""
        found = [r for r in self.of_type(type_) if name in (None, r.name)]
        assert len(found) == 1, f"{len(found)} of {type_} {name or ''}: {[r.name for r in self.resources]}"
        return found[0]

    def by_urn(self, urn: str) -> Recorded:
        """The registration with this URN."""
        return next(resource for resource in self.resources if resource.urn == urn)

    @property
    def stack_outputs(self) -> dict[str, Any]:
        """What the program exported."""
        return self.outputs[next(urn for urn in self.outputs if "pulumi:pulumi:Stack" in urn)]


class _Mocks(mocks.Mocks):
    def __init__(self, stack_references: dict[str, dict[str, Any]]) -> None:
        self._stack_references = stack_references

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            name = args.inputs["name"]
            return name, {"name": name, "outputs": self._stack_references[name], "secretOutputNames": []}
        computed = {"arn": f"arn:mock:{args.name}", **args.inputs}
        computed |= _COMPUTED.get(args.typ, lambda _name, _inputs: {})(args.name, args.inputs)  # type: ignore[no-untyped-call]
        if args.typ.startswith("kubernetes:"):
            metadata = dict(computed.get("metadata") or {})
            metadata.setdefault("name", f"{args.name}-0a1b2c3")
            computed["metadata"] = metadata
        elif "name" not in computed:
            computed["name"] = f"{args.name}-0a1b2c3"
        return f"{args.name}-id", computed

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return {"token": args.token}, []


class RecordingMonitor(mocks.MockMonitor):
    """See the module."""

    def __init__(self, stack_name: str, stack_references: dict[str, dict[str, Any]]) -> None:
        super().__init__(_Mocks(stack_references))
        self.recording = Recording()
        self._stack_name = stack_name

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The engine's rule: the whole chain of parent types, without the stack's."""
        chain = parent.split("::")[2] if parent else ""
        if chain and chain != "pulumi:pulumi:Stack":
            type_ = f"{chain}${type_}"
        return "::".join([f"urn:pulumi:{self._stack_name}", PROJECT, type_, name])

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        urn = self.make_urn(request.parent, request.type, request.name)
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        raw = json_format.MessageToDict(request.object)
        self.recording.resources.append(
            Recorded(
                urn=urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                custom=request.custom,
                inputs=_plain(raw),
                secrets=frozenset(key for key, value in raw.items() if _is_secret(value)),
                dependencies=frozenset(request.dependencies),
                provider=request.provider or request.providers.get(request.type.split(":")[0], ""),
                protect=request.protect,
                ignore_changes=tuple(request.ignoreChanges),
                request=request,
            )
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        self.recording.outputs[request.urn] = _plain(json_format.MessageToDict(request.outputs))
        self.recording.output_registrations.append(request.urn)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        self.recording.invokes.append(request.tok)
        return super().Invoke(request)  # type: ignore[no-untyped-call]


def record(
    program: Callable[[], None],
    *,
    stack_name: str = "test",
    config: dict[str, str] | None = None,
    preview: bool = False,
    stack_references: dict[str, dict[str, Any]] | None = None,
) -> Recording:
    """Run a program to its end and return all that it registered.

    `stack_references` are the outputs of the stacks that it refers to, by organization/project/stack.

    Raises AssertionError for duplicate URNs and for look-ups, which would make a preview need the cloud.
    """
    monitor = RecordingMonitor(stack_name, stack_references or {})
    settings.reset_options(project=PROJECT, stack=stack_name, preview=preview)
    settings.configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            feature_support={},
            engine=mocks.MockEngine(None),
            project=PROJECT,
            stack=stack_name,
            dry_run=preview,
            organization="organization",
        )
    )
    set_all_config(config or {}, [])
    with _event_loop() as loop:
        loop.run_until_complete(stack.run_in_stack(program))
    _refuse(monitor.recording)
    return monitor.recording


def _refuse(recording: Recording) -> None:
    """What the engine, or a preview without a cloud, would not take. Raised here and not in the monitor: an
    exception on the SDK's worker threads is reported many times and lost now and then."""
    counts = Counter(resource.urn for resource in recording.resources)
    duplicates = sorted(urn for urn, count in counts.items() if count > 1)
    assert not duplicates, f"duplicate URN {', '.join(duplicates)}"
    assert not recording.invokes, f"the program invokes {', '.join(recording.invokes)}"


@contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop whose worker threads have loops of their own, as the mock monitor needs, and which leaves none
    of them open: the SDK would make them and never close them."""
    loops = [asyncio.new_event_loop()]

    def give_the_thread_a_loop() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    executor = ThreadPoolExecutor(max_workers=2, initializer=give_the_thread_a_loop)
    loops[0].set_default_executor(executor)
    asyncio.set_event_loop(loops[0])
    try:
        yield loops[0]
    finally:
        executor.shutdown()
        asyncio.set_event_loop(None)
        for loop in loops:
            loop.close()


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and _SECRET in value


def _plain(value: Any) -> Any:
    if _is_secret(value):
        return _plain(value["value"])
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
