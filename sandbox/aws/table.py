"""The tables that map a resource type to AWS API calls, read from tables/*.yaml; tables/README.md has their form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any, Final

import yaml

from plugin_server.values import Properties
from sandbox.aws.conversions import COMPUTATIONS, CONVERSIONS, Context, route_id

Path = tuple[str | int, ...]

TABLES: Final = File(__file__).with_name("tables")
_SERVICES: Final = ("ec2", "eks", "iam", "s3")
_COMPUTATION: Final = re.compile(r"\$\((\w+) ?(\w*)\)")


@dataclass(frozen=True)
class In:
    """The value of an input at a dotted path; left out of the call where the input is not set."""

    path: str
    convert: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Out:
    """An output that the resource already has, e.g. its ARN."""

    name: str


@dataclass(frozen=True)
class Compute:
    """A value that a function takes from the whole context; ``path`` is the input that it is about, if any."""

    path: str
    function: Callable[[Context], Any]


@dataclass(frozen=True)
class Id:
    """The object's id."""


@dataclass(frozen=True)
class Tags:
    """All tags, the provider's default ones included, in a form that the service takes."""

    form: str = "pairs"
    removed: bool = False
    """True if it stands for the keys that an update removes."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One API call, its arguments a template."""

    service: str
    operation: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Step(Row):
    """A call that creates, changes or deletes."""

    when: tuple[str, ...] = ()
    """Inputs that make it necessary: set ones in a create, changed ones in an update. Empty: always."""
    where: Mapping[str, Any] = field(default_factory=dict)
    """Input to the value that it must have."""


@dataclass(frozen=True, kw_only=True)
class Look(Row):
    """A call that reads, and the part of its answer that is kept under a name."""

    name: str
    part: str
    """JMESPath in the answer; ``$id`` and ``$<input>`` are replaced by their values first."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A refusal of AWS that moto lacks: a look finds something that forbids the call."""

    at: str
    """``create`` or ``delete``."""
    look: Look
    code: str
    says: str
    """The message; ``$found`` is what the look finds."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """The place of a property among what was read."""

    path: str
    convert: Callable[[Any], Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Autoname:
    """The property that the provider fills when the program leaves it out, and AWS's limit for it."""

    property: str
    limit: int
    lower: bool = False

    def accepts(self, logical: str, value: object) -> bool:
        """True if autonaming gives such a value to that logical name."""
        stem = re.escape(logical.lower() if self.lower else logical)
        return isinstance(value, str) and re.fullmatch(f"{stem}-[0-9a-f]{{7}}", value) is not None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource type; the fields are the keys of the table."""

    token: str
    id: str
    """JMESPath in the answer of the first create call; or a format of the inputs, or ``=> route_id``."""
    create: tuple[Step, ...]
    read: tuple[Look, ...]
    """The first one decides whether the object exists."""
    outputs: Mapping[str, Output]
    delete: tuple[Step, ...]
    update: tuple[Step, ...] = ()
    tag: tuple[Step, ...] = ()
    """Calls that change the tags of an object; empty where the type has none."""
    tags: str = "@"
    """JMESPath of the tags among the looks."""
    imports: str = "(?P<id>.+)"
    """Regular expression of the ids that ``pulumi import`` takes; its groups are inputs, or ``id``."""
    imports_as: str = "its id"
    """The same for people, as in the real provider's documentation."""
    read_id: str = "id"
    """JMESPath of the id among the looks, where an import names the object by something else."""
    local: frozenset[str] = frozenset()
    """Inputs that are the provider's own and part of no create or update call."""
    replaces: frozenset[str] = frozenset()
    """Inputs, or dotted paths of nested inputs, that force a replacement."""
    delete_before_replace: bool = False
    """True if a replacement can exist only after the old object is gone."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    policies: frozenset[str] = frozenset()
    """Inputs that hold a JSON policy, given as text or object, compared by meaning."""
    ordered: frozenset[str] = frozenset()
    """List inputs whose order matters; all other lists are sets."""
    autoname: Autoname | None = None
    refuse: tuple[Refusal, ...] = ()
    scope: str = "region"

    @property
    def inputs(self) -> frozenset[str]:
        """The inputs that are emulated: those that some step takes."""
        steps = (*self.create, *self.update, *self.delete)
        taken = {path.partition(".")[0] for one in steps for path in _sources(one.arguments)}
        used = {name.partition(".")[0] for one in steps for name in (*one.when, *one.where)}
        named = {self.autoname.property} if self.autoname else set()
        return frozenset(taken | used | named | self.local | ({"tags"} if self.tag else set())) - {"tagsAll"}

    @property
    def computed(self) -> frozenset[str]:
        """Outputs that are known only once the object exists."""
        return frozenset(self.outputs) - self.inputs

    def id_of(self, inputs: Properties) -> str | None:
        """The id where it follows from the inputs; None where AWS chooses it."""
        if self.id == "=> route_id":
            return route_id(inputs)
        return self.id.format(**inputs) if "{" in self.id else None


def _sources(template: Any) -> Iterator[str]:
    """The input paths that a template of arguments takes."""
    if isinstance(template, Tags):
        yield "tags"
    elif isinstance(template, In | Compute):
        yield from filter(None, [template.path])
    elif isinstance(template, Mapping | list):
        for item in template.values() if isinstance(template, Mapping) else template:
            yield from _sources(item)


def _template(value: Any) -> Any:
    """Arguments with their marks, which begin with $, turned into leaves."""
    if isinstance(value, dict):
        return {key: _template(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_template(item) for item in value]
    if not isinstance(value, str) or not value.startswith("$") or value == "$Latest":
        return value
    if match := _COMPUTATION.fullmatch(value):
        return Compute(match[2], COMPUTATIONS[match[1]])
    mark, _, conversion = value[1:].partition(" => ")
    head, _, rest = mark.partition(".")
    if head == "tags" or mark == "untag":
        return Tags(rest or "pairs", removed=mark == "untag")
    if mark == "id":
        return Id()
    return Out(rest) if head == "state" else In(mark, CONVERSIONS[conversion] if conversion else None)


def _step(row: dict[str, Any]) -> Step:
    service, _, operation = row["call"].partition(".")
    extra = {"when": tuple(row.get("when", ())), "where": row.get("where", {})}
    return Step(service=service, operation=operation, arguments=_template(row["with"]), **extra)


def _look(name: str, row: dict[str, Any]) -> Look:
    service, _, operation = row["call"].partition(".")
    arguments = _template(row["with"])
    return Look(name=name, service=service, operation=operation, arguments=arguments, part=row["part"])


def _refusal(row: dict[str, Any]) -> Refusal:
    look = _look("found", {**row, "part": row["if"]})
    return Refusal(at=row["at"], look=look, code=row["code"], says=row["says"])


def _output(text: str) -> Output:
    path, _, conversion = text.partition(" => ")
    if path.startswith("arn:"):
        _, service, resource = path.split(":")
        path = f"join('', ['arn:aws:{service}:', region, ':', account, ':{resource}', id])"
    return Output(path=path, convert=CONVERSIONS[conversion] if conversion else None)


def _kind(token: str, row: dict[str, Any]) -> Kind:
    fields: dict[str, Any] = dict(row)
    for key in ("create", "update", "delete", "tag"):
        fields[key] = tuple(_step(one) for one in row.get(key, ()))
    fields["refuse"] = tuple(_refusal(one) for one in row.get("refuse", ()))
    fields["read"] = tuple(_look(name, one) for name, one in row["read"].items())
    fields["outputs"] = {name: _output(text) for name, text in row["outputs"].items()}
    for key in ("local", "replaces", "policies", "ordered"):
        fields[key] = frozenset(row.get(key, ()))
    fields["autoname"] = Autoname(**row["autoname"]) if "autoname" in row else None
    return Kind(token=token, **fields)


KINDS: Final[Mapping[str, Kind]] = {
    token: _kind(token, row)
    for service in _SERVICES
    for token, row in yaml.safe_load((TABLES / f"{service}.yaml").read_text(encoding="utf-8")).items()
    if token.startswith("aws:")
}
"""Every resource type that is emulated."""
