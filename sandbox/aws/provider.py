"""The resource life cycle, the same for every type; what is particular to a type is in its :class:`Kind`.

How an object whose create answer was lost is found again: every taggable object bears its resource's URN. A
create looks for an object with that URN that the engine does not know of; the engine names each object that it
does know in a call (diff, read, update, delete) before it asks for a replacement of it. An object that is
being replaced loses the URN tag before its replacement is made, so that it is not taken for a lost one in a
later run either. The found object is taken over when no input differs that would force a replacement, and is
left alone, with a warning, when one does.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from plugin_server import provider as api
from plugin_server.server import EngineLog
from plugin_server.values import UNKNOWN, Properties, contains_unknown, differences
from sandbox.aws import config, contradictions, invokes, schema, views
from sandbox.aws.calls import REPLACED_TAG, URN_TAG, Call, Clients
from sandbox.aws.cluster_api import ClusterApi
from sandbox.aws.kinds import KINDS
from sandbox.aws.recorded import RECORDED_ONLY, Records
from sandbox.aws.table import Autoname, Kind, comparable, policy_text
from sandbox.paths import SandboxPaths

_DOCS: Final = "docs/sandbox-aws.md"


class AwsProvider:
    """The emulated ``aws`` package."""

    def __init__(
        self, log: EngineLog, environment: Mapping[str, str], clients: Clients | None = None
    ) -> None:
        paths = SandboxPaths.of_environment(dict(environment))
        self._log = log
        self._clients = clients or Clients(environment["AWS_ENDPOINT_URL"])
        self._records = Records(paths.root / "recorded")
        self._paths = paths
        self._environment_region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        self._settings = config.Settings()
        self._cancelled = threading.Event()
        self._known: defaultdict[str, set[str]] = defaultdict(set)

    def check_config(self, inputs: Properties) -> api.Checked:
        return api.Checked(inputs=inputs, failures=tuple(config.failures(inputs, self._environment_region)))

    def diff_config(self, old_inputs: Properties, new_inputs: Properties) -> api.Difference:
        changes = differences(old_inputs, new_inputs)
        return api.Difference(changes=tuple(api.Change(path=p, kind=k) for p, k in changes))  # type: ignore[arg-type]

    def configure(self, inputs: Properties) -> None:
        self._settings = config.settings(inputs, self._environment_region)

    def invoke(self, token: str, arguments: Properties) -> Properties:
        return invokes.answer(self._call("", arguments), token, arguments)

    def check(self, request: api.Check) -> api.Checked:
        kind = _kind(request.type)
        shape = schema.inputs_of(kind.token)
        inputs: Properties = {
            key: policy_text(value) if key in kind.policies else value
            for key, value in request.new_inputs.items()
            if value is not None
        }
        inputs = {**kind.defaults, **schema.tidied(shape, inputs)}
        failures = [*schema.problems(shape, inputs), *contradictions.contradictions(kind, inputs)]
        if not failures:
            failures += self._name(kind, request, inputs)
        if kind.taggable and not failures:
            views.merge_default_tags(inputs, self._settings.default_tags)
        if not failures:
            failures += kind.check(inputs)
            failures += contradictions.wrong_choices(kind, inputs)
        return api.Checked(inputs=inputs, failures=tuple(failures))

    def diff(self, request: api.Diff) -> api.Difference:
        kind = _kind(request.type)
        self._known[request.urn].add(request.id)
        old, new = comparable(kind, request.old_inputs), comparable(kind, request.new_inputs)
        changes = [
            api.Change(path=path, kind=change, replaces=_replaces(kind, path))  # type: ignore[arg-type]
            for path, change in differences(old, new)
            if not str(path[0]).startswith("__")
        ]
        if kind.scope == "region" and "region" not in old and "region" not in new:
            before = request.old_state.get("region")
            if before and before != self._settings.region:
                changes.append(api.Change(path=("region",), kind="update", replaces=True))
        return api.Difference(
            changes=tuple(changes),
            delete_before_replace=kind.delete_before_replace or _keeps_its_name(kind, request),
        )

    def create(self, request: api.Create) -> api.Created:
        kind = _kind(request.type)
        call = self._call_of(request, kind, request.inputs)
        if request.preview:
            unknown = dict.fromkeys(kind.computed | ({"tagsAll"} if kind.taggable else set()), UNKNOWN)
            region = {"region": call.region} if kind.scope == "region" else {}
            return api.Created(id="", state={**unknown, **region, **request.inputs})
        reason = RECORDED_ONLY.get(kind.token)
        if reason:
            call.status(f"recorded only: {reason}")
        id_ = self._lost(kind, call, request.inputs)
        if id_ is None:
            self._retire(kind, call, request.urn)
            id_ = kind.create(call, request.inputs)
        self._known[request.urn].add(id_)
        return api.Created(id=id_, state=self._state(kind, call, id_, request.inputs))

    def read(self, request: api.Read) -> api.Found | None:
        kind = _kind(request.type)
        call = self._call_of(request, kind, request.inputs)
        self._known[request.urn].add(request.id)
        observed = kind.observe(call, request.id, request.inputs)
        if observed is None:
            return None
        observed = views.presented(observed)
        inputs = views.inputs_of(kind, request.inputs, observed, self._settings.default_tags)
        return api.Found(
            id=request.id, inputs=inputs, state=views.state_of(kind, call.region, inputs, observed)
        )

    def update(self, request: api.Update) -> Properties:
        kind = _kind(request.type)
        call = self._call_of(request, kind, request.new_inputs)
        self._known[request.urn].add(request.id)
        if request.preview:
            dropped = request.old_inputs.keys() - request.new_inputs.keys()
            kept = {key: value for key, value in request.old_state.items() if key not in dropped}
            return {**kept, **request.new_inputs}
        self._apply(kind, call, request.id, request.old_inputs, request.new_inputs)
        return self._state(kind, call, request.id, request.new_inputs)

    def delete(self, request: api.Delete) -> None:
        kind = _kind(request.type)
        kind.delete(self._call_of(request, kind, request.inputs), request.id, request.inputs)
        self._known[request.urn].discard(request.id)

    def cancel(self) -> None:
        self._cancelled.set()

    def _call(self, urn: str, inputs: Properties, tags: Mapping[str, str] | None = None) -> Call:
        region = inputs.get("region")
        return Call(
            clients=self._clients,
            records=self._records,
            cluster=lambda: ClusterApi.open(self._paths),
            urn=urn,
            region=region if isinstance(region, str) else self._settings.region,
            tags=tags or {},
            status=lambda message: self._log.status(urn, message),
            warn=lambda message: self._log.warning(urn, message),
            cancelled=self._cancelled,
        )

    def _call_of(
        self,
        request: api.Create | api.Read | api.Update | api.Delete | api.Check,
        kind: Kind,
        inputs: Properties,
    ) -> Call:
        tags = inputs.get("tagsAll", {})
        all_tags = {**tags, URN_TAG: request.urn} if kind.taggable and isinstance(tags, dict) else {}
        return self._call(request.urn, inputs, all_tags)

    def _name(self, kind: Kind, request: api.Check, inputs: Properties) -> list[api.CheckFailure]:
        """Fills in the name that the program left out."""
        rule = kind.autoname
        if rule is None or rule.property in inputs:
            return []
        if rule.prefix_property and rule.prefix_property in inputs:
            return []
        previous = request.old_inputs.get(rule.property)
        name = previous or self._lost_name(kind, request, inputs) or _generated(rule, request.autoname())
        if len(name) > rule.limit:
            reason = (
                f"the logical name {request.name!r} plus 8 generated characters is longer than AWS's limit of "
                f"{rule.limit}; give the resource a shorter name or set {rule.property}"
            )
            return [api.CheckFailure(rule.property, reason)]
        inputs[rule.property] = name
        return []

    def _lost_name(self, kind: Kind, request: api.Check, inputs: Properties) -> str | None:
        """The generated name of an object that this resource made and the engine never heard of."""
        rule = kind.autoname
        if rule is None or contains_unknown(inputs):
            return None
        call = self._call_of(request, kind, inputs)
        if kind.named is not None and not kind.taggable:
            return self._lost_untagged_name(kind, request, call, inputs)
        candidates: Iterable[str | None] = kind.owned(call) if kind.owned else ()
        if kind.named is not None and kind.identify is not None:
            names = (name for name in kind.named(call, inputs) if rule.accepts(request.name, name))
            candidates = [kind.identify(call, {**inputs, rule.property: name}) for name in names]
        for id_ in candidates:
            lost = self._is_lost(kind, call, id_, inputs) if id_ else None
            if lost is not None and rule.accepts(request.name, lost[rule.property]):
                return str(lost[rule.property])
        return None

    def _lost_untagged_name(
        self, kind: Kind, request: api.Check, call: Call, inputs: Properties
    ) -> str | None:
        """As :meth:`_lost_name` where no tag says whose an object is: its parent and the form of its name do."""
        rule = kind.autoname
        if rule is None or kind.named is None or kind.identify is None:
            return None
        for name in sorted(kind.named(call, inputs)):
            id_ = kind.identify(call, {**inputs, rule.property: name})
            if rule.accepts(request.name, name) and id_ not in self._known[request.urn]:
                return name
        return None

    def _is_lost(self, kind: Kind, call: Call, id_: str, inputs: Properties) -> Properties | None:
        """The object if it bears the call's URN and the engine does not know of it."""
        if id_ in self._known[call.urn]:
            return None
        observed = kind.observe(call, id_, inputs)
        return observed if observed is not None and call.is_owner(observed.get("tagsAll", {})) else None

    def _lost(self, kind: Kind, call: Call, inputs: Properties) -> str | None:
        """Takes over an object of an earlier create whose answer was lost; its id."""
        if not kind.taggable:
            return None
        identified = kind.identify(call, inputs) if kind.identify else None
        candidates = [identified] if identified else kind.owned(call) if kind.owned else []
        for id_ in sorted(candidates):
            observed = self._is_lost(kind, call, id_, inputs)
            if observed is None:
                continue
            present = views.inputs_of(kind, inputs, views.presented(observed), self._settings.default_tags)
            old, new = comparable(kind, present), comparable(kind, inputs)
            if kind.autoname and kind.autoname.accepts(_logical(call.urn), old.get(kind.autoname.property)):
                new[kind.autoname.property] = old[kind.autoname.property]
            blocking = {str(path[0]) for path, _ in differences(old, new) if _replaces(kind, path)}
            if blocking:
                call.warn(
                    f"{id_} was made for this resource by an update that was cut off, and cannot be used: "
                    f"{', '.join(sorted(blocking))} differs. Delete it by hand."
                )
                continue
            call.status(f"taking over {id_}, made by an update that was cut off")
            self._apply(kind, call, id_, present, inputs)
            return id_
        return None

    def _retire(self, kind: Kind, call: Call, urn: str) -> None:
        """Takes the URN from the objects that the engine knows of: one of them is about to be replaced."""
        if kind.tag is None:
            return
        for id_ in sorted(self._known[urn]):
            if kind.observe(call, id_, {}) is not None:
                kind.tag(call, id_, {REPLACED_TAG: urn}, [URN_TAG])

    def _apply(self, kind: Kind, call: Call, id_: str, old: Properties, new: Properties) -> None:
        settings = [dict(inputs) for inputs in (old, new)]
        for inputs in settings:
            for key in ("tags", "tagsAll"):
                inputs.pop(key, None)
        if kind.update is not None and comparable(kind, settings[0]) != comparable(kind, settings[1]):
            kind.update(call, id_, old, new)
        if kind.tag is not None:
            gone = sorted(old.get("tagsAll", {}).keys() - new.get("tagsAll", {}).keys())
            kind.tag(call, id_, call.tags, gone)

    def _state(self, kind: Kind, call: Call, id_: str, inputs: Properties) -> Properties:
        observed = kind.observe(call, id_, inputs)
        if observed is None:
            raise api.ProviderError(f"{kind.token} {id_} was gone again right after it was made")
        return views.state_of(kind, call.region, inputs, views.presented(observed))


def _kind(token: str) -> Kind:
    try:
        return KINDS[token]
    except KeyError:
        raise api.ProviderError(
            f"the emulated AWS does not know the resource type {token}. {_DOCS} lists the types that it knows "
            "and says how to add one; against a real account the type works as usual"
        ) from None


def _generated(rule: Autoname, name: str) -> str:
    return rule.prepend + (name.lower() if rule.lower else name)


def _logical(urn: str) -> str:
    return urn.split("::", 3)[3]


def _replaces(kind: Kind, path: tuple[str | int, ...]) -> bool:
    dotted = ""
    for part in path:
        if isinstance(part, str):
            dotted = f"{dotted}.{part}" if dotted else part
            if dotted in kind.replaces:
                return True
    return False


def _keeps_its_name(kind: Kind, request: api.Diff) -> bool:
    """Whether old and new cannot exist side by side, because the program itself fixed their common name."""
    rule = kind.autoname
    if rule is None:
        return False
    old, new = request.old_inputs.get(rule.property), request.new_inputs.get(rule.property)
    return old is not None and old == new and not rule.accepts(request.name, new)
