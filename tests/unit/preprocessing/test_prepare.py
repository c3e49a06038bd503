import pytest

from preprocessing import (
    CollapseWhitespace,
    DetectLanguage,
    DetectScript,
    IdentifiedLanguage,
    NormalizeUnicode,
    Prepared,
    StripMarkup,
    Truncate,
    prepare,
)

LANGUAGE = DetectLanguage(by="LanguageIdentification/FastText/mul")


def test_without_steps_a_text_stays_as_it_is() -> None:
    assert prepare(" a ", ()) == Prepared(text=" a ")


def test_steps_run_in_the_order_of_the_catalog() -> None:
    text = "<p>a  b</p><p>c</p>"
    assert prepare(text, (StripMarkup(), CollapseWhitespace(), Truncate(characters=3))).text == "a b"
    assert prepare(text, (Truncate(characters=5), StripMarkup())).text == "a"


def test_detection_sees_what_the_steps_before_it_left_and_leaves_the_text_alone() -> None:
    text = "<div>так</div>"
    raw, stripped = prepare(text, (DetectScript(),)), prepare(text, (StripMarkup(), DetectScript()))
    assert raw.text == text
    assert raw.script is not None
    assert raw.script.script == "Latn"
    assert stripped.script is not None
    assert stripped.script.script == "Cyrl"


def test_a_language_is_asked_for_through_the_port() -> None:
    answer = IdentifiedLanguage(language="uk", confidence=0.8)
    prepared = prepare("так", (NormalizeUnicode(), LANGUAGE), identify=lambda *_: answer)
    assert prepared.language == answer


def test_a_step_that_asks_a_model_needs_a_port_to_one() -> None:
    with pytest.raises(ValueError, match=r"detect_language asks .*; give prepare\(\) an identify port"):
        prepare("так", (LANGUAGE,))
