"""Writes the reference part of docs/catalog.md from the catalog's types: `python -m scripts.catalog_reference`.

What a key is called, holds and defaults to is read from the types; what it means, from their docstrings. A test says
when the page is out of date.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import quantities
from engines import tgi, torchserve, vllm
from model_catalog import (
    Acceptance,
    Architecture,
    Autoscaling,
    BucketArtifact,
    Budget,
    Dataset,
    Drift,
    Evaluation,
    Handler,
    Hold,
    HubArtifact,
    Language,
    Measurement,
    Memory,
    MirroredFrom,
    Override,
    Pin,
    Quality,
    Retirement,
    Sampling,
    ServiceLevel,
    Sharing,
    Smoke,
    TgiEntry,
    TgiVersion,
    TorchServeEntry,
    TorchServeLanguage,
    TorchServeVersion,
    VariantRelease,
    VllmEntry,
    VllmVersion,
    ids,
)
from model_catalog.entry import L
from model_catalog.version import MERGED, ImportedFrom, VersionBase
from preprocessing import STEPS

PAGE: Final = Path(__file__).parent.parent / "docs/catalog.md"
BEGIN: Final = "<!-- reference: made by `python -m scripts.catalog_reference`; change the types instead -->"
END: Final = "<!-- end of the reference -->"

ENTRIES: Final = (TorchServeEntry, TgiEntry, VllmEntry)
LANGUAGES: Final = (TorchServeLanguage, Language[TgiVersion], Language[VllmVersion])
VERSIONS: Final = (TorchServeVersion, TgiVersion, VllmVersion)
SERVING: Final[Mapping[str, ModuleType]] = {"TorchServe": torchserve, "TGI": tgi, "vLLM": vllm}
NESTED: Final[Sequence[tuple[str, type[BaseModel]]]] = (
    ("Artifact in a bucket", BucketArtifact),
    ("Mirrored from", MirroredFrom),
    ("Artifact on the Hub", HubArtifact),
    ("Handler", Handler),
    ("Smoke", Smoke),
    ("Memory", Memory),
    ("Measurement", Measurement),
    ("Architecture", Architecture),
    ("Evaluation", Evaluation),
    ("Dataset", Dataset),
    ("Sampling", Sampling),
    ("Service level", ServiceLevel),
    ("Autoscaling", Autoscaling),
    ("Sharing", Sharing),
    ("Drift", Drift),
    ("Quality", Quality),
    ("Acceptance", Acceptance),
    ("Imported from", ImportedFrom),
)
RELEASES: Final[Sequence[tuple[str, type[BaseModel]]]] = (
    ("Release of a variant", VariantRelease),
    ("Hold", Hold),
    ("Pin", Pin),
    ("Override", Override),
    ("Retirement", Retirement),
    ("Budget", Budget),
)
TITLES: Final[Mapping[Any, str]] = {
    **{kind: title for title, kind in (*NESTED, *RELEASES)},
    **dict.fromkeys(VERSIONS, "Version"),
    **{module.ServingOptions: f"Serving with {name}" for name, module in SERVING.items()},
    Language: "Language",
}
QUANTITIES: Final[Mapping[str, str]] = {
    "Bytes": "An amount with a unit: 440MiB, 1.5GiB, 16GB.",
    "Count": "",
    "Duration": "A time with a unit: 100ms, 30s, 5m, 1h.",
    "Flag": "",
    "Number": "",
    "ParameterCount": "",
    "Percent": "A share with its sign: 99.5%.",
}
"""Values that are no pattern. Where nothing stands, the docstring says it."""
HEAD: Final = ("key", "value", "default", "what it says")
_SIGNS: Final = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def render() -> str:
    """The reference, without its markers."""
    return "\n".join(line.rstrip() for line in _lines()).strip() + "\n"


def fresh(page: str) -> str:
    """The page with the reference of today. Raises ValueError where the markers are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lacks its markers; put {BEGIN} and {END} where the reference goes")
    return f"{before}{BEGIN}\n\n{render()}\n{END}{after}"


def _lines() -> Iterator[str]:
    yield from _section("Entry", "One file: `entries/<task>/<model>.yaml`, in snake case.")
    yield from _by_kind(ENTRIES, "engine", HEAD, inherited=False)
    yield from _section("Language", Language.__doc__)
    yield from _by_kind(LANGUAGES, "engine", HEAD, inherited=False)
    yield from _section(
        "Version",
        f"{VersionBase.__doc__} A key that is inherited may stand at the language or at the entry instead. "
        f"{_listed(sorted(MERGED))} are inherited setting by setting, the others whole.",
    )
    yield from _by_kind(
        VERSIONS, "engine", ("key", "value", "default", "inherited", "what it says"), inherited=True
    )
    for title, kind in NESTED:
        yield from _section(title, kind.__doc__)
        yield from _table(_rows(kind))
    for name, module in SERVING.items():
        yield from _section(f"Serving with {name}", module.ServingOptions.__doc__)
        rows = [
            (key, value, default, "yes" if key in module.TUNABLE else "no", words)
            for key, value, default, words in _rows(module.ServingOptions)
        ]
        yield from _table(rows, ("key", "value", "default", "overridable", "what it says"))
    yield from _section("Steps", "What `preprocessing` may list, in any order that makes sense.")
    yield from _steps()
    for title, kind in RELEASES:
        yield from _section(title, kind.__doc__)
        yield from _table(_rows(kind))
    yield from _section("Values", "How each kind of value is written.")
    yield from _table(_value_rows(), ("value", "how to write it"))


def _section(title: str, words: str | None) -> Iterator[str]:
    yield from ("", f"### {title}", "", _one_line(words or ""), "")


def _table(rows: Iterable[Sequence[str]], head: Sequence[str] = HEAD) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for key, *others in rows:
        yield f"| {' | '.join((f'`{key}`', *others))} |"


def _by_kind(
    kinds: Sequence[type[BaseModel]], what: str, head: Sequence[str], *, inherited: bool
) -> Iterator[str]:
    """Yield the keys that all kinds have, then those of some kinds with their engines."""
    shown: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for engine, kind in zip(("torchserve", "tgi", "vllm"), kinds, strict=True):
        for key, value, default, words in _rows(kind):
            marks = (_inherited(kind, key),) if inherited else ()
            shown.setdefault(key, {}).setdefault((value, default, *marks, words), []).append(engine)
    common = [(key, *row) for key, rows in shown.items() for row, names in rows.items() if len(names) == 3]
    yield from _table(common, head)
    yield from ("", f"By {what}:", "")
    special = [
        (key, f"`{'`, `'.join(names)}`", *row)
        for key, rows in shown.items()
        for row, names in rows.items()
        if len(names) < 3
    ]
    yield from _table(special, (head[0], what, *head[1:]))


def _inherited(kind: type[BaseModel], key: str) -> str:
    assert issubclass(kind, VersionBase)  # noqa: S101 - VERSIONS
    if key not in kind.inherited():
        return "no"
    return "by setting" if key in MERGED else "yes"


def _rows(kind: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    for key, field in kind.model_fields.items():
        words = field.description or next(
            (_first_sentence(found.__doc__ or "") for found in _models_within(field.annotation)), ""
        )
        yield key, _value(kind, key), _default(field), _one_line(words)


def _models_within(kind: Any) -> Iterator[type[BaseModel]]:
    """The models that a key may hold."""
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from _models_within(part)


def _steps() -> Iterator[str]:
    rows = [
        (name, f"`{key}`", value, default, f"{_one_line(kind.__doc__ or '')} {words}".strip())
        for name, kind in STEPS.items()
        for key, value, default, words in _rows(kind)
    ]
    rows += [
        (name, "", "", "", _one_line(kind.__doc__ or ""))
        for name, kind in STEPS.items()
        if not kind.model_fields
    ]
    yield from _table(sorted(rows), ("step", "option", "value", "default", "what it does"))


@cache
def _value_rows() -> tuple[tuple[str, str], ...]:
    rows = []
    for name, alias in vars(ids).items():
        for part in get_args(alias)[1:]:
            hint = ids.PATTERN_HINTS.get(getattr(part, "pattern", None) or "")
            if hint:
                rows.append((name, f"{hint}."))
    rows.append(("Day", _docstring_after(ids, "Day")))
    rows.append(("RequestBody", _docstring_after(ids, "RequestBody")))
    rows.append(("StopSequence", _docstring_after(ids, "StopSequence")))
    rows.append(("Words", _docstring_after(ids, "Words")))
    rows.append(("PromptTemplate", "Text that holds {prompt} exactly once."))
    for name, words in QUANTITIES.items():
        rows.append((name, words or _docstring_after(_home(name), name)))
    return tuple(sorted(rows))


def _home(name: str) -> ModuleType:
    modules: Sequence[ModuleType] = (quantities.numbers, quantities.parameters)
    return next(module for module in modules if hasattr(module, name))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    match value:
        case None | ():
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case timedelta():
            return f"`{quantities.format_duration(value)}`"
        case BaseModel() | dict():
            return "none"
        case StrEnum():
            return f"`{value.value}`"
    return f"`{value}`"


def _value(kind: type[BaseModel], key: str) -> str:
    for owner in kind.__mro__:
        if owner in (object, BaseModel) or not inspect.isclass(owner):
            continue
        written, module = _annotations(_origin(owner))
        if key in written:
            return _words_of(written[key], vars(module))
    raise ValueError(f"{kind.__name__}.{key} has no annotation that can be read")


def _origin(owner: type) -> type:
    """The class as it is written: Language[TgiVersion] is Language."""
    made: dict[str, Any] = getattr(owner, "__pydantic_generic_metadata__", {})
    return made.get("origin") or owner


@cache
def _annotations(owner: type) -> tuple[dict[str, ast.expr], ModuleType]:
    module = sys.modules[owner.__module__]
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(tree, ast.ClassDef)  # noqa: S101 - of a class
    return {
        node.target.id: node.annotation
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }, module


def _words_of(node: ast.expr, names: Mapping[str, Any]) -> str:
    """An annotation as it is written, in words."""
    match node:
        case ast.BinOp(left=left, right=ast.Constant(value=None)):
            return _words_of(left, names)
        case ast.BinOp(left=left, right=right):
            return f"{_words_of(left, names)} or {_words_of(right, names)}"
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, *rest])):
            return _words_of(inner, names) + _limits(rest)
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[inner, *_])):
            return f"list of {_words_of(inner, names)}"
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, inner])):
            return f"{_words_of(inner, names)}, by {_words_of(key, names)}"
        case ast.Subscript(value=ast.Name(id="Literal")):
            return _listed(str(choice) for choice in get_args(_resolved(node, names)))
        case ast.Subscript(value=inner):
            return _words_of(inner, names)
    return _named(ast.unparse(node).rpartition(".")[2], _resolved(node, names))


def _limits(parts: Iterable[ast.expr]) -> str:
    found = [
        f"{_SIGNS[keyword.arg]} {ast.unparse(keyword.value)}"
        for part in parts
        if isinstance(part, ast.Call)
        for keyword in part.keywords
        if keyword.arg in _SIGNS
    ]
    return "".join(f", {limit}" for limit in found)


def _named(name: str, found: Any) -> str:
    if isinstance(found, TypeVar):
        return "[Language](#language)" if found is L else "[Version](#version)"
    if inspect.isclass(found) and issubclass(found, StrEnum):
        return _listed(str(choice) for choice in found)
    if found in TITLES:
        title = TITLES[found]
        return f"[{title}](#{title.lower().replace(' ', '-')})"
    special = {
        "Artifact": "[in a bucket](#artifact-in-a-bucket) or [on the Hub](#artifact-on-the-hub)",
        "GpuAlone": "`gpu`",
        "LoraRank": _listed(str(rank) for rank in vllm.options.LORA_RANKS),
        "PositiveInt": "[Count](#values)",
        "Ratio": "[Number](#values), > 0",
        "Step": "[step](#steps)",
        "bool": "true or false",
        "float": "number",
        "int": "whole number",
        "str": "text",
    }
    if name in special:
        return special[name]
    if name not in dict(_value_rows()):
        raise ValueError(f"the reference has no place for {name}; add it in {Path(__file__).name}")
    return f"[{name}](#values)"


def _resolved(node: ast.expr, names: Mapping[str, Any]) -> Any:
    return eval(ast.unparse(node), dict(names))  # noqa: S307 - an annotation of our own types


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _docstring_after(module: ModuleType, name: str) -> str:
    """The text below `name = …`."""
    body = ast.parse(inspect.getsource(module)).body
    for node, following in pairwise(body):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            assert isinstance(following, ast.Expr)  # noqa: S101 - a docstring
            return _one_line(str(ast.literal_eval(following.value)))
    raise ValueError(f"{module.__name__}.{name} has no docstring")


def _first_sentence(text: str) -> str:
    return _one_line(text).partition(". ")[0].rstrip(".") + "."


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the page."""
    PAGE.write_text(fresh(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
