import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.workloads.handlers.samples import Letters, languages
from workloads.handlers import language_identification
from workloads.handlers.errors import RequestError, WeightsError
from workloads.handlers.language_identification.fasttext_model import FastTextModel
from workloads.handlers.language_identification.processing import (
    LanguageIdentification,
    as_line,
    write_answer,
)
from workloads.handlers.model import Model


def test_the_likeliest_language_is_the_answer_and_the_others_are_candidates() -> None:
    assert languages().answer({"text": "éé\nжé"}) == {
        "language": "fr",
        "confidence": 0.75,
        "candidates": [{"language": "fr", "confidence": 0.75}, {"language": "ru", "confidence": 0.25}],
    }


def test_plain_text_is_asked_as_a_field_is() -> None:
    assert languages().answer("éж") == languages().answer({"text": "éж"})


def test_k_says_how_many_candidates_come() -> None:
    assert len(languages().answer({"text": "éжعw", "k": 2})["candidates"]) == 2
    assert len(languages().answer({"text": "éжعw", "k": 4})["candidates"]) == 4
    assert len(languages().answer({"text": "éжعw"})["candidates"]) == 3


def test_a_text_in_no_language_is_undetermined() -> None:
    assert languages().answer("123") == {"language": "und", "confidence": 0.0, "candidates": []}


@pytest.mark.parametrize("text", ["", " \n\t", "\u2028", "\0"])
def test_an_empty_text_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(RequestError, match='"text" is empty; send at least one word'):
        languages().answer({"text": text})


@settings(deadline=None)  # how long one takes is the machine's load
@given(st.text())
def test_what_the_model_reads_is_one_line_of_the_same_words(text: str) -> None:
    line = as_line(text)
    assert len(line.splitlines()) <= 1
    assert "\0" not in line
    assert line.split() == text.replace("\0", " ").split()


def test_the_model_is_asked_for_one_line() -> None:
    letters = Letters()
    Model(LanguageIdentification(letters)).answer("é\r\nж\u2029w\n")
    assert letters.lines == ["é ж w"]


def test_a_probability_over_one_is_one() -> None:
    assert write_answer([("fr", 1.00003)])["confidence"] == 1.0


def test_fasttext_s_labels_are_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fasttext-predict is no dependency of the project; the e2e tier asks the real one."""

    def load_model(path: str) -> Any:
        def predict(line: str, k: int) -> tuple[tuple[str, ...], tuple[float, ...]]:
            assert (path, line, k) == (str(tmp_path / "lid.176.ftz"), "bonjour", 2)
            return ("__label__fr", "odd"), (0.9, 0.1)

        return SimpleNamespace(predict=predict)

    (tmp_path / "lid.176.ftz").touch()
    monkeypatch.setitem(sys.modules, "fasttext", SimpleNamespace(load_model=load_model))
    assert FastTextModel.load(tmp_path).classify("bonjour", 2) == [("fr", 0.9)]


def test_weights_that_are_not_fasttext_s_are_refused_before_the_library_is_needed(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(WeightsError, match=r"\*\.ftz or \*\.bin, and has 0: model.safetensors"):
        language_identification.load(tmp_path)
