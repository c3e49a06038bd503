import pytest
from pydantic import ValidationError

from preprocessing import DetectLanguage, IdentifiedLanguage, detect_language

VARIANT = "LanguageIdentification/FastText/mul"


class Identifier:
    def __init__(self, language: str, confidence: float) -> None:
        self.answer = IdentifiedLanguage(language=language, confidence=confidence)
        self.asked: list[tuple[str, str]] = []

    def __call__(self, variant: str, text: str) -> IdentifiedLanguage:
        self.asked.append((variant, text))
        return self.answer


def test_the_named_variant_is_asked_and_its_answer_given() -> None:
    identify = Identifier("uk", 0.9)
    assert detect_language("Привіт", DetectLanguage(by=VARIANT), identify) == identify.answer
    assert identify.asked == [(VARIANT, "Привіт")]


@pytest.mark.parametrize(("minimum", "answered"), [(0.0, True), (0.7, True), (0.71, False)])
def test_an_answer_below_the_minimum_confidence_is_no_answer(minimum: float, answered: bool) -> None:
    options = DetectLanguage(by=VARIANT, minimum_confidence=minimum)
    assert (detect_language("text", options, Identifier("en", 0.7)) is not None) == answered


def test_nobody_is_asked_about_a_blank_text() -> None:
    identify = Identifier("en", 1)
    assert detect_language(" \n", DetectLanguage(by=VARIANT), identify) is None
    assert identify.asked == []


@pytest.mark.parametrize("by", ["", "FastText", "A/B", "A/B/c/d", "A/B/c@1", "A / B / c"])
def test_what_names_no_variant_is_refused_with_an_example(by: str) -> None:
    with pytest.raises(ValidationError, match=r"names no variant; write Task/Model/language, as in "):
        DetectLanguage(by=by)
