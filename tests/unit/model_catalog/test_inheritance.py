from datetime import timedelta

import pytest

from model_catalog import EntryFile, EntrySource, Origin
from model_catalog.validation import validate
from model_catalog.yaml_source import Location, parse_source

TEXT = """\
task: QuestionAnswering
model: Reader
description: As in tests.
owner: nlp
engine: torchserve
license: apache-2.0
memory: {weights: 440MiB, per_request: 12MiB}
serving: {batch_size: 8, max_batch_delay: 5ms}
languages:
  fr:
    scripts: [Latn]
    serving: {batch_size: 4}
    versions:
      "1":
        artifact: {bucket: research, path: a/1, digest: unresolved}
      "2":
        artifact: {bucket: research, path: a/2, digest: unresolved}
        memory: {weights: 220MiB, per_request: 6MiB}
        serving: {batch_size: 2}
  ru:
    scripts: [Cyrl]
    license: mit
    versions:
      "1":
        artifact: {bucket: research, path: a/3, digest: unresolved}
"""
SERVING = ("serving", "batch_size")


def source(text: str = TEXT) -> EntrySource:
    return EntrySource(parse_source(text, "reader.yaml"))


def within(language: str, version: str, *inner: str) -> Location:
    return ("languages", language, "versions", version, *inner)


def test_the_nearest_level_decides_and_serving_is_inherited_setting_by_setting() -> None:
    file, problems = validate(source(), EntryFile)
    assert file is not None, problems
    fr, ru = file.root.languages["fr"].versions, file.root.languages["ru"].versions
    assert [fr["1"].serving.batch_size, fr["2"].serving.batch_size, ru["1"].serving.batch_size] == [4, 2, 8]  # type: ignore[union-attr]
    delays = {version.serving.max_batch_delay for version in (*fr.values(), *ru.values())}
    assert delays == {timedelta(milliseconds=5)}
    assert [fr["1"].license, ru["1"].license] == ["apache-2.0", "mit"]


@pytest.mark.parametrize(
    ("location", "origin", "written"),
    [
        (within("fr", "1", *SERVING), Origin.LANGUAGE, ("languages", "fr", *SERVING)),
        (within("fr", "2", *SERVING), Origin.VERSION, within("fr", "2", *SERVING)),
        (within("ru", "1", *SERVING), Origin.ENTRY, SERVING),
        (within("fr", "2", "serving", "max_batch_delay"), Origin.ENTRY, ("serving", "max_batch_delay")),
        (within("ru", "1", "license"), Origin.LANGUAGE, ("languages", "ru", "license")),
        (within("fr", "1", "memory", "weights"), Origin.ENTRY, ("memory", "weights")),
        (
            within("fr", "1", "serving", "min_workers"),
            Origin.DEFAULT,
            ("languages", "fr", "serving", "min_workers"),
        ),
        (within("fr", "1", "artifact", "path"), Origin.VERSION, within("fr", "1", "artifact", "path")),
        (("owner",), Origin.ENTRY, ("owner",)),
    ],
)
def test_a_setting_knows_the_level_that_says_it_and_the_place(
    location: Location, origin: Origin, written: Location
) -> None:
    assert (source().origin(location), source().written(location)) == (origin, written)


def test_a_key_that_is_inherited_whole_is_not_completed_from_further_away() -> None:
    measured = "{weights: 440MiB, per_request: 12MiB, measured: {machine: g5.xlarge, date: 2026-10-01}}"
    text = source(TEXT.replace("{weights: 440MiB, per_request: 12MiB}", measured))
    place = ("memory", "measured", "machine")
    assert text.origin(within("fr", "1", *place)) is Origin.ENTRY
    assert text.origin(within("fr", "2", *place)) is Origin.DEFAULT
    assert (text.place(within("fr", "1", *place)).line, text.place(within("fr", "2", *place)).line) == (7, 18)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ("batch_size: 8", "8:23"),  # what the entry says: every version that inherits it is wrong, once
        ("batch_size: 4", "12:27"),
        ("batch_size: 2", "19:31"),
    ],
)
def test_a_wrong_value_is_reported_once_where_it_was_written(wrong: str, place: str) -> None:
    _, problems = validate(source(TEXT.replace(wrong, "batch_size: many")), EntryFile)
    assert [f"{problem.line}:{problem.column}" for problem in problems] == [place]


def test_a_key_that_belongs_to_one_version_is_refused_above_it() -> None:
    text = TEXT.replace("license: apache-2.0", "license: apache-2.0\nnotes: for all")
    _, problems = validate(source(text), EntryFile)
    assert [(problem.line, problem.rule) for problem in problems] == [(7, "unknown-key")]


def test_a_mistyped_shared_key_is_told_what_was_meant() -> None:
    _, problems = validate(source(TEXT.replace("license: apache-2.0", "licence: apache-2.0")), EntryFile)
    assert [str(problem.fix) for problem in problems if problem.rule == "unknown-key"] == [
        "Did you mean 'license'?"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "engine: torchserve",
        "engine: torchserve\nlanguages: []\nserving: {}",
        "engine: vllm\nlanguages: {fr: {versions: [1]}}\nserving: x",
        "engine: [torchserve]",
    ],
)
def test_a_malformed_entry_is_left_for_the_types_to_report(text: str) -> None:
    file, problems = validate(source(text), EntryFile)
    assert file is None
    assert problems


def test_an_entry_that_hands_down_more_than_anybody_needs_is_refused_at_once() -> None:
    settings = "".join(f"  option_{number}: 1\n" for number in range(2000))
    versions = "".join(f'      "{number}": {{}}\n' for number in range(10, 2010))
    text = TEXT.replace("serving: {batch_size: 8, max_batch_delay: 5ms}\n", f"serving:\n{settings}")
    text = text.replace(
        '      "1":\n        artifact: {bucket: research, path: a/1, digest: unresolved}\n', versions
    )
    placed = source(text)
    assert placed.value is None
    assert [(problem.rule, problem.line) for problem in placed.problems] == [("yaml-size", 1)]
