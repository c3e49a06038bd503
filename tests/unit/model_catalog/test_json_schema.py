"""The schemas of entries and releases: fresh, and of one mind with Slipway.

Checked by the independent library jsonschema, on the values that an editor's YAML makes of a file. What the schemas
refuse, Slipway refuses. What Slipway finds wrong with a file's keys and values, they refuse but for EXCEPTIONS.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from model_catalog import CATALOG_ROOT, Problem
from model_catalog.entry import ENTRY_KINDS
from model_catalog.json_schema import SCHEMAS, modeline, schema_path, schema_text
from model_catalog.loader import check_texts
from model_catalog.version import MERGED
from tests.support.core_yaml import load_core

BASE = Path(__file__).parent / "base"
CATALOGS = Path(__file__).parent / "catalogs"
FOLDERS = {"entry": "entries", "release": "releases"}
VALIDATORS = {
    kind: Draft202012Validator(make(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    for kind, make in SCHEMAS.items()
}
OF_KEYS_AND_VALUES = {"invalid-value", "missing-key", "one-default", "unknown-key"}
"""Rules of single files. Those that look across files are no matter of a schema."""

EXCEPTIONS = {
    r"among its versions": "compares default and versions",
    r"max_replicas \d+ is below|max_workers \d+ is below": "compares two values",
    r"replicas and autoscaling are both|not exactly one target": "a schema could say it, and its message would not",
    r"leaves no room|max_num_batched_tokens \d+ is less|max_num_queued_reqs \d+ counts": "compares two values",
    r"does not divide|belong together|is more than": "compares two values",
    r"neither memory nor architecture": "one level takes back with nothing what another gave",
    r"not a whole number of (milli)?seconds|not a whole number of bytes|is no memory at all": "reckons",
    r"is not a number of parameters": "reckons",
    r"(is|should be) (greater|less) than|no share of a GPU": "a number in quotes, which a pattern cannot compare",
    r"'[-+.\dxoeE]*' (is not a|cannot be)|'\.?(inf|nan)' ": "a number that YAML knows and we write in another way",
    r"'(True|TRUE|False|FALSE)' (is neither|cannot be)": "a boolean that YAML knows and we write in another way",
    r"'(true|false)' cannot be task": "True is a task's name and true is not; a schema sees the same boolean",
}
"""What Slipway alone can find in a file's keys and values, and why."""


def texts_of(root: Path) -> dict[str, bytes]:
    paths = (path for folder in FOLDERS.values() for path in sorted((root / folder).rglob("*.yaml")))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


BASE_TEXTS = texts_of(BASE)
EVERY_KEY = texts_of(CATALOGS / "valid.every_key")


def kind_of(path: str) -> str:
    return next(kind for kind, folder in FOLDERS.items() if path.startswith(folder))


def disagreements(changes: dict[str, bytes]) -> list[str]:
    """Of the base catalog with changed files."""
    texts = {**BASE_TEXTS, **changes}
    errors = check_texts(texts).errors
    return [line for path in changes for line in _between(path, texts[path], errors)]


def _between(path: str, text: bytes, errors: tuple[Problem, ...]) -> Iterator[str]:
    ours = [problem for problem in errors if problem.file == f"model_catalog/{path}"]
    try:
        value = load_core(text.decode("utf-8"))
    except yaml.YAMLError:
        assert ours, f"{path} is no YAML, and Slipway took it"
        return
    refusals = VALIDATORS[kind_of(path)].iter_errors(value)
    theirs = [f"{error.json_path}: {error.message}" for error in refusals if not _overruled(value, error)]
    if theirs and not ours:
        yield f"{path} is refused by its schema alone: {theirs}"
    if not theirs:
        yield from (
            f"is refused by Slipway alone: {problem}"
            for problem in ours
            if problem.rule in OF_KEYS_AND_VALUES
            and not any(re.search(exception, problem.message) for exception in EXCEPTIONS)
        )


def _overruled(value: Any, error: ValidationError) -> bool:
    """Whether every version or its language says itself what is wrong in an entry, or in one of its
    languages: nobody inherits it, and so Slipway does not look at it."""
    path = list(error.path)
    if path[-1:] and path[-1] in MERGED and isinstance(error.instance, dict):
        return False  # it is joined with what versions say
    match value, path:
        case {"languages": dict(languages)}, ["languages", str(name), str(key), *inner] if key != "versions":
            nearer = [[version] for _, version in _heirs({name: languages[name]})]
        case {"languages": dict(languages)}, [str(key), *inner] if key != "languages":
            nearer = [list(levels) for levels in _heirs(languages)]
        case _:
            return False
    return bool(nearer) and all(any(_says(level, key, inner) for level in levels) for levels in nearer)


def _heirs(languages: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    for language in languages.values():
        match language:
            case {"versions": dict(versions)}:
                yield from ((language, version) for version in versions.values())


def _says(level: Any, key: str, inner: list[Any]) -> bool:
    match level, inner:
        case {"versions": _}, _ if key in {"scripts", "versions"}:
            return False
        case dict(), [step, *_] if key in MERGED and key in level:
            return not isinstance(level[key], dict) or step in level[key]
        case dict(), _:
            return key in level
    return False


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_committed_schema_is_the_one_that_the_types_make(kind: str) -> None:
    committed = (CATALOG_ROOT / schema_path(kind)).read_text(encoding="utf-8")
    assert committed == schema_text(kind), "run `slipway schema --write`"


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_one_of_its_dialect(kind: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[kind]())
    assert SCHEMAS[kind]()["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize(
    "changes",
    [CATALOG_ROOT, BASE, *sorted(path for path in CATALOGS.iterdir() if path.is_dir())],
    ids=lambda path: path.name,
)
def test_a_schema_and_slipway_agree_on_every_example(changes: Path) -> None:
    assert disagreements(texts_of(changes)) == []


def test_the_example_of_every_key_has_every_key() -> None:
    written = {key for text in EVERY_KEY.values() for key in _keys(load_core(text.decode("utf-8")))}
    known = {key for make in SCHEMAS.values() for key in _properties(make())}
    assert known - written == set()


def _keys(value: Any) -> Iterator[str]:
    for key, part in value.items() if isinstance(value, dict) else ():
        yield from (key, *_keys(part))
    for part in value if isinstance(value, list) else ():
        yield from _keys(part)


def _properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else ():
        yield from _properties(part)


class Plain(str):
    """A scalar as it stands in the file, quotes and all."""


PLAIN = [
    *(
        "",
        "null",
        "true",
        "False",
        "0",
        "7",
        "-1",
        "1.5",
        "-0.5",
        "1e3",
        "1_000",
        "010",
        "0x10",
        "+8",
        ".5",
        ".inf",
    ),
    *(
        "99999999999999999999",
        "9" * 400,
        "9" * 400 + "s",
        "9" * 400 + "GiB",
        "9" * 40 + "%",
        '"8"',
        '" 8 "',
        '""',
    ),
    *(
        '" "',
        '"0.9"',
        '"7.5"',
        '"true"',
        "yes",
        "no",
        "~",
        "440MiB",
        "1.5B",
        "100ms",
        "1500ms",
        "0s",
        "99.5%",
    ),
    *(
        "150%",
        "1.54B",
        "0M",
        "2026-12-31",
        "2026-02-31",
        "2026-1-1",
        "unresolved",
        "fr",
        "Latn",
        "a/b",
        "a b",
    ),
    *(
        "apache-2.0",
        "tgi",
        "torchserve",
        "vllm",
        "cpu",
        "gpu",
        "higher",
        "float16",
        "awq",
        "caller",
        "truncate",
    ),
    *("{}", "[]", "[7]", "[a, b]", "{a: 1}", "{prompt}", '"{prompt} {prompt}"', '"12345678 {prompt}"'),
]
KEYS = sorted({key for make in SCHEMAS.values() for key in _properties(make())} | {"3", "fr", "extra", "FR"})


def _tree(node: yaml.Node | None) -> Any:
    match node:
        case yaml.MappingNode():
            return {str(key.value): _tree(value) for key, value in node.value}
        case yaml.SequenceNode():
            return [_tree(item) for item in node.value]
    assert isinstance(node, yaml.ScalarNode)
    return Plain(node.value if node.style is None else json.dumps(node.value))


def _flow(tree: Any) -> str:
    match tree:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)}: {_flow(part)}" for key, part in tree.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, tree)) + "]"
    text = str(tree)
    return text if text in PLAIN or re.fullmatch(r'[\w.%+-]*|".*"', text) else json.dumps(text)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Each container with each of its keys or indices, from the outside in."""
    found: list[tuple[Any, Any]] = []
    ahead = [tree]
    while ahead:
        container = ahead.pop(0)
        steps = list(container if isinstance(container, dict) else range(len(container)))
        found += [(container, step) for step in steps]
        ahead += [container[step] for step in steps if isinstance(container[step], dict | list)]
    return found


def mutate(tree: Any, draw: st.DataObject) -> None:
    container, step = draw.draw(st.sampled_from(_places(tree)), label="place")
    match draw.draw(st.sampled_from(["drop", "replace", "rename", "add"]), label="mutation"):
        case "drop":
            del container[step]
        case "replace":
            container[step] = Plain(draw.draw(st.sampled_from(PLAIN), label="value"))
        case "rename" if isinstance(container, dict):
            container[draw.draw(st.sampled_from(KEYS), label="key")] = container.pop(step)
        case "add" if isinstance(container, dict):
            container[draw.draw(st.sampled_from(KEYS), label="key")] = Plain(
                draw.draw(st.sampled_from(PLAIN), label="value")
            )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_schema_and_slipway_agree_on_whatever_becomes_of_a_file(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(EVERY_KEY)), label="file")
    tree = _tree(yaml.compose(EVERY_KEY[path].decode("utf-8"), Loader=yaml.SafeLoader))
    for _ in range(data.draw(st.integers(1, 3), label="mutations")):
        if _places(tree):
            mutate(tree, data)
    changed = _flow(tree)
    assert disagreements({**EVERY_KEY, path: changed.encode("utf-8")}) == [], changed


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("entries/search/ranker.yaml", "# yaml-language-server: $schema=../../schema/entry.schema.json"),
        ("releases/prod.yaml", "# yaml-language-server: $schema=../schema/release.schema.json"),
    ],
)
def test_the_first_line_of_a_file_leads_to_its_schema(path: str, line: str) -> None:
    assert modeline(PurePath(path)) == line
    _, _, reference = line.partition("$schema=")
    assert (CATALOG_ROOT / path).parent.joinpath(reference).resolve().is_file()


@pytest.mark.parametrize(
    "path", ["ranker.yaml", "schema/entry.schema.json", "/work/entries/search/ranker.yaml"]
)
def test_only_entries_and_releases_have_a_schema(path: str) -> None:
    with pytest.raises(ValueError, match="neither an entry nor a release"):
        modeline(PurePath(path))


def _completions(schema: Any, engine: str) -> set[str]:
    """The keys that an editor proposes at the top of an entry with this engine."""
    chosen = next(part for part in schema["allOf"] if part["if"]["properties"]["engine"]["const"] == engine)
    kind = schema["$defs"][chosen["then"]["$ref"].rpartition("/")[2]]
    return set(kind["properties"])


def test_the_engine_decides_which_keys_an_editor_proposes() -> None:
    schema = SCHEMAS["entry"]()
    proposed = {engine: _completions(schema, engine) for engine in ("torchserve", "tgi", "vllm")}
    assert "handler" in proposed["torchserve"]
    assert "handler" not in proposed["tgi"] | proposed["vllm"]
    assert "adapters" in proposed["vllm"] - proposed["torchserve"]
    serving = [
        schema["$defs"][f"{name}ServingOptions"]["properties"] for name in ("TorchServe", "Tgi", "Vllm")
    ]
    assert ["batch_size" in serving[0], "num_shard" in serving[1], "max_model_len" in serving[2]] == [
        True
    ] * 3


def test_a_license_that_no_level_gives_is_missing_where_a_version_should_have_it() -> None:
    path = "entries/question_answering/reader.yaml"
    lacking = BASE_TEXTS[path].replace(b"license: apache-2.0\n", b"")
    errors = VALIDATORS["entry"].iter_errors(load_core(lacking.decode("utf-8")))
    assert {(error.json_path, error.message) for error in errors} == {
        ("$.languages.en.versions['1']", "'license' is a required property"),
        ("$.languages.fr.versions['1.0']", "'license' is a required property"),
        ("$.languages.fr.versions['2']", "'license' is a required property"),
    }


@pytest.mark.parametrize("version", ["2", "1.10", '"1.0"', "true", "2026"])
def test_a_version_may_be_written_without_quotes(version: str) -> None:
    assert VALIDATORS["release"].is_valid(load_core(f"Search/Ranker/fr: {{default: {version}}}"))


def test_everything_that_is_inherited_has_a_place_at_three_levels() -> None:
    definitions = SCHEMAS["entry"]()["$defs"]
    for kind in ENTRY_KINDS.values():
        name = kind.__name__.removesuffix("Entry")
        for level in ("Entry", "Language", "Version"):
            assert kind.VERSION.inherited() <= definitions[f"{name}{level}"]["properties"].keys()
