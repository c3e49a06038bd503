"""The resource lifecycle, the same for every type: plan the calls by the type's table, check them, send them.

Nothing here looks for objects that an earlier run made and lost: as with the real provider, a create of a name that
is taken fails as AWS fails, and `pulumi import` brings an object into the state.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from plugin_server import provider as api
from plugin_server.server import EngineLog
from plugin_server.values import UNKNOWN, Properties, differences
from sandbox.aws import config, objects, planner, schema, views
from sandbox.aws.account import Account, Clients
from sandbox.aws.call_check import require_valid, violations
from sandbox.aws.cluster_api import ClusterApi
from sandbox.aws.conversions import Context, search
from sandbox.aws.recorded import RECORDED_ONLY, Records
from sandbox.aws.table import KINDS, Kind
from sandbox.paths import SandboxPaths

_HELP: Final = (
    'docs/sandbox-aws.md, "Add a row", says how to add it to the tables sandbox/aws/tables/*.yaml; against a real '
    "account it works as usual"
)


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

    def check_config(self, inputs: Properties) -> api.Checked:
        return api.Checked(inputs=inputs, failures=tuple(config.failures(inputs, self._environment_region)))

    def diff_config(self, old_inputs: Properties, new_inputs: Properties) -> api.Difference:
        changes = differences(old_inputs, new_inputs)
        return api.Difference(changes=tuple(api.Change(path=p, kind=k) for p, k in changes))  # type: ignore[arg-type]

    def configure(self, inputs: Properties) -> None:
        self._settings = config.settings(inputs, self._environment_region)

    def invoke(self, token: str, arguments: Properties) -> Properties:  # noqa: ARG002 (the protocol's)
        raise api.ProviderError(
            f"the emulated AWS answers no function, and {token} is one. The program declares all that it needs; "
            "against a real account the function works as usual"
        )

    def check(self, request: api.Check) -> api.Checked:
        kind = _kind(request.type)
        shape = schema.inputs_of(kind.token)
        inputs: Properties = {
            key: views.policy_text(value) if key in kind.policies else value
            for key, value in request.new_inputs.items()
            if value is not None and key != "tagsAll"  # an import's, and made anew below
        }
        inputs = {**kind.defaults, **schema.tidied(shape, inputs)}
        failures = [*schema.problems(shape, inputs), *_unmapped(kind, shape, inputs)]
        if not failures:
            failures += _name(kind, request, inputs)
        if kind.tag and not failures:
            views.merge_default_tags(inputs, self._settings.default_tags)
        if not failures:
            calls = planner.creating(kind, self._context(kind, inputs))
            failures += [found.failure for call in calls for found in violations(call)]
        return api.Checked(inputs=inputs, failures=tuple(failures))

    def diff(self, request: api.Diff) -> api.Difference:
        kind = _kind(request.type)
        old = views.comparable(kind, request.old_inputs)
        new = views.comparable(kind, request.new_inputs)
        changes = [
            api.Change(path=path, kind=change, replaces=_replaces(kind, path, old, new))  # type: ignore[arg-type]
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
        context = self._context(kind, request.inputs)
        if request.preview:
            unknown = dict.fromkeys(kind.computed | ({"tagsAll"} if kind.tag else set()), UNKNOWN)
            region = {"region": context.region} if kind.scope == "region" else {}
            return api.Created(id="", state={**unknown, **region, **request.inputs})
        account = self._account(request.urn, context, request.timeout)
        reason = RECORDED_ONLY.get(kind.token)
        if reason:
            account.status(f"recorded only: {reason}")
        context = objects.make(kind, account, context)
        try:
            objects.complete(kind, account, context)
            return api.Created(id=context.id, state=self._state(kind, account, context))
        except api.ProviderError as error:
            # The object exists: the engine has to know, or nothing would ever delete it.
            raise api.InitFailed(context.id, request.inputs, request.inputs, [str(error)]) from error

    def read(self, request: api.Read) -> api.Found | None:
        kind = _kind(request.type)
        context = replace(self._context(kind, request.inputs), id=request.id)
        # As the real provider's bridge tells an import: by the absence of outputs. A resource that `slipway recover`
        # brings into the state has inputs already.
        imported = not request.state
        if imported:
            try:
                id_, named = planner.identified(kind, request.id)
            except ValueError as error:
                raise api.ProviderError(str(error)) from None
            context = replace(context, id=id_, inputs={**request.inputs, **named})
        found = objects.find(kind, self._account(request.urn, context), context)
        if found is None:
            return None
        observed = views.outputs_of(kind, found)
        inputs = views.inputs_of(kind, request.inputs, observed, self._settings.default_tags)
        if imported:
            context = replace(context, id=kind.id_of(inputs) or search(kind.read_id, found))
        return api.Found(
            id=context.id, inputs=inputs, state=views.state_of(kind, context.region, inputs, observed)
        )

    def update(self, request: api.Update) -> Properties:
        kind = _kind(request.type)
        context = replace(
            self._context(kind, request.new_inputs),
            id=request.id,
            old=request.old_inputs,
            state=request.old_state,
        )
        if request.preview:
            for call in planner.updating(kind, context):
                require_valid(call)
            dropped = request.old_inputs.keys() - request.new_inputs.keys()
            kept = {key: value for key, value in request.old_state.items() if key not in dropped}
            return {**kept, **request.new_inputs}
        account = self._account(request.urn, context, request.timeout)
        observed = objects.required(kind, account, context)
        if request.old_inputs == request.new_inputs:
            # The engine repeats what failed half way: only AWS knows what is still to be done.
            context = replace(context, old=views.inputs_of(kind, request.old_inputs, observed, {}))
        objects.change(kind, account, replace(context, state=observed))
        return self._state(kind, account, context)

    def delete(self, request: api.Delete) -> None:
        kind = _kind(request.type)
        context = replace(self._context(kind, request.inputs), id=request.id, state=request.state)
        objects.remove(kind, self._account(request.urn, context, request.timeout), context)

    def cancel(self) -> None:
        self._cancelled.set()

    def _context(self, kind: Kind, inputs: Properties) -> Context:
        region = inputs.get("region")
        regional = isinstance(region, str) and kind.scope == "region"
        return Context(inputs=inputs, region=str(region) if regional else self._settings.region)

    def _account(self, urn: str, context: Context, timeout: float | None = None) -> Account:
        return Account(
            clients=self._clients,
            records=self._records,
            cluster=lambda: ClusterApi.open(self._paths),
            region=context.region,
            status=lambda message: self._log.status(urn, message),
            warn=lambda message: self._log.warning(urn, message),
            timeout=timeout,
            cancelled=self._cancelled,
        )

    def _state(self, kind: Kind, account: Account, context: Context) -> Properties:
        return views.state_of(kind, context.region, context.inputs, objects.required(kind, account, context))


def _kind(token: str) -> Kind:
    try:
        return KINDS[token]
    except KeyError:
        raise api.ProviderError(
            f"the emulated AWS has no table row for the resource type {token}. {_HELP}"
        ) from None


def _unmapped(kind: Kind, shape: schema.Shape, inputs: Properties) -> list[api.CheckFailure]:
    return [
        api.CheckFailure(key, f"is an input of {kind.token} that its table row does not map. {_HELP}")
        for key in sorted(inputs.keys() & shape.fields.keys())
        if key not in kind.inputs and key != "region"
    ]


def _name(kind: Kind, request: api.Check, inputs: Properties) -> list[api.CheckFailure]:
    """Fill in the name that the program left out."""
    rule = kind.autoname
    if rule is None or rule.property in inputs:
        return []
    generated = request.autoname()
    name = request.old_inputs.get(rule.property) or (generated.lower() if rule.lower else generated)
    if len(name) > rule.limit:
        reason = (
            f"the logical name {request.name!r} plus 8 generated characters is longer than AWS's limit of "
            f"{rule.limit}; give the resource a shorter name or set {rule.property}"
        )
        return [api.CheckFailure(rule.property, reason)]
    inputs[rule.property] = name
    return []


def _replaces(kind: Kind, path: tuple[str | int, ...], old: Properties, new: Properties) -> bool:
    """True if a change at a path replaces: the rule may be about what contains it, or about a part of it where all of
    it is added or removed. A node group that gains a launch template gains the template's id."""
    names = [part for part in path if isinstance(part, str)]
    above = [".".join(names[: depth + 1]) for depth in range(len(names))]
    below = [found for inputs in (old, new) for found in _below(".".join(names), _part(inputs, path))]
    return not kind.replaces.isdisjoint([*above, *below])


def _part(value: Any, path: tuple[str | int, ...]) -> Any:
    """Return the value at a path; None where there is nothing."""
    for part in path:
        try:
            value = value[part]
        except (IndexError, KeyError):
            return None
    return value


def _below(dotted: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{dotted}.{key}"
            yield from _below(f"{dotted}.{key}", item)


def _keeps_its_name(kind: Kind, request: api.Diff) -> bool:
    """True if old and new cannot exist side by side, because the program itself fixed their common name."""
    rule = kind.autoname
    if rule is None:
        return False
    old, new = request.old_inputs.get(rule.property), request.new_inputs.get(rule.property)
    return old is not None and old == new and not rule.accepts(request.name, new)
