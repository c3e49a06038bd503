from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from preprocessing import (
    STEPS,
    CollapseWhitespace,
    DetectLanguage,
    DetectScript,
    NormalizeUnicode,
    Step,
    StripMarkup,
    Truncate,
)

STEP: TypeAdapter[Any] = TypeAdapter(Step)


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    preprocessing: tuple[Step, ...] = ()


BY = "LanguageIdentification/FastText/mul"
WRITTEN = [
    ("normalize_unicode", NormalizeUnicode()),
    ({"normalize_unicode": {"form": "NFKC"}}, NormalizeUnicode(form="NFKC")),
    ("collapse_whitespace", CollapseWhitespace()),
    ("strip_markup", StripMarkup()),
    ({"truncate": {"characters": 512}}, Truncate(characters=512)),
    ("detect_script", DetectScript()),
    ({"detect_script": {"minimum_share": 0.8}}, DetectScript(minimum_share=0.8)),
    ({"detect_script": {"minimum_share": 0.6}}, DetectScript()),
    ({"detect_language": {"by": BY}}, DetectLanguage(by=BY)),
]


@pytest.mark.parametrize(("written", "step"), WRITTEN, ids=str)
def test_a_step_is_a_bare_name_or_one_name_with_options_and_is_written_as_it_was_read(
    written: Any, step: Any
) -> None:
    read = STEP.validate_python(written)
    assert read == step
    assert STEP.dump_python(read) == written
    assert STEP.validate_json(STEP.dump_json(read)) == read


def test_an_entry_has_a_tuple_of_steps_in_its_order() -> None:
    written = ["normalize_unicode", {"detect_script": {"minimum_share": 0.8}}, "normalize_unicode"]
    entry = Entry.model_validate({"preprocessing": written})
    assert entry.preprocessing == (NormalizeUnicode(), DetectScript(minimum_share=0.8), NormalizeUnicode())
    assert entry.model_dump(mode="json") == {"preprocessing": written}


def test_options_may_come_as_text_as_the_catalog_reads_them() -> None:
    assert STEP.validate_python({"truncate": {"characters": "512"}}) == Truncate(characters=512)
    assert STEP.validate_python({"detect_script": {"minimum_share": "0.8"}}).minimum_share == 0.8


@pytest.mark.parametrize("written", [{"detect_script": None}, {"detect_script": {}}])
def test_a_name_with_nothing_behind_its_colon_is_a_bare_name(written: Any) -> None:
    assert STEP.dump_python(STEP.validate_python(written)) == "detect_script"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("detect_scrip", "'detect_scrip' is not a step; did you mean 'detect_script'?"),
        ({"normalise_unicode": {}}, "'normalise_unicode' is not a step; did you mean 'normalize_unicode'?"),
        ("lemmatize", "'lemmatize' is not a step; choose one of collapse_whitespace, detect_language, "),
        ("truncate", "'truncate' needs options; write {truncate: {characters: …}}"),
        (7, "7 is not a step; write a name, as in normalize_unicode, or one name with its options"),
        ({}, "{} is not a step; write a name"),
        ({"truncate": {"characters": 1}, "strip_markup": {}}, "is not a step; write a name"),
    ],
)
def test_what_is_no_step_is_refused_with_what_to_write(written: Any, message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        STEP.validate_python(written)
    (detail,) = raised.value.errors()
    assert detail["type"] == "value_error"
    assert message in str(detail["ctx"]["error"])


@pytest.mark.parametrize(
    ("written", "location", "kind"),
    [
        ({"detect_script": {"minimum_share": 1.2}}, ("detect_script", "minimum_share"), "less_than_equal"),
        ({"detect_script": {"minimum_share": 0}}, ("detect_script", "minimum_share"), "greater_than"),
        ({"detect_script": {"minimum": 0.5}}, ("detect_script", "minimum"), "extra_forbidden"),
        ({"truncate": {}}, ("truncate", "characters"), "missing"),
        ({"truncate": {"characters": 0}}, ("truncate", "characters"), "value_error"),
        ({"truncate": {"characters": "1_000"}}, ("truncate", "characters"), "value_error"),
        ({"normalize_unicode": {"form": "NFD"}}, ("normalize_unicode", "form"), "literal_error"),
        ({"strip_markup": "yes"}, ("strip_markup",), "model_type"),
    ],
)
def test_a_wrong_option_is_reported_where_it_stands(
    written: Any, location: tuple[str, ...], kind: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        Entry.model_validate({"preprocessing": ["strip_markup", written]})
    (detail,) = raised.value.errors()
    assert (detail["loc"], detail["type"]) == (("preprocessing", 1, *location), kind)


def test_the_json_schema_accepts_what_the_type_accepts() -> None:
    validator = jsonschema.Draft202012Validator(STEP.json_schema())
    for written, _ in WRITTEN:
        validator.validate(written)
    wrong: list[Any] = [
        "truncate",
        "lemmatize",
        7,
        {},
        {"truncate": {}},
        {"detect_script": {"minimum_share": 2}},
    ]
    assert [written for written in wrong if validator.is_valid(written)] == []


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_json_schema_names_every_step_and_option_and_describes_each(mode: Any) -> None:
    schema = STEP.json_schema(mode=mode)
    objects = {next(iter(part["properties"])): part for part in schema["oneOf"] if "properties" in part}
    assert set(objects) == set(STEPS)
    assert {part["const"] for part in schema["oneOf"] if "const" in part} == {
        "collapse_whitespace",
        "detect_script",
        "normalize_unicode",
        "strip_markup",
    }
    for part in schema["oneOf"]:
        assert part["description"]
    for name, part in objects.items():
        for option in part["properties"][name]["properties"].values():
            assert option["description"]


def test_every_step_is_a_member_of_the_type() -> None:
    union = Step.__origin__  # type: ignore[attr-defined]
    assert set(union.__args__) == set(STEPS.values())
