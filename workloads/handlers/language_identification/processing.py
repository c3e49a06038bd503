"""Before and after the model. Pure, but for the port that is asked in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import RequestError
from ..model import Answer
from ..request import Request
from .port import LanguageClassifier

CANDIDATES = 3
MOST_CANDIDATES = 20
UNDETERMINED = "und"
"""BCP 47: the language could not be determined."""


@dataclass(frozen=True)
class Question:
    """One line, and how many candidates."""

    line: str
    most: int


def read_question(request: Request) -> Question:
    """`{"text": …, "k": 3}`, or the text alone. Raises RequestError."""
    line = as_line(request.text_or("text"))
    if not line:
        raise RequestError('"text" is empty; send at least one word')
    return Question(line, request.integer("k", default=CANDIDATES, least=1, most=MOST_CANDIDATES))


def as_line(text: str) -> str:
    """fastText reads one line, and refuses a break in it."""
    return " ".join(text.replace("\0", " ").split())


def write_answer(candidates: Sequence[tuple[str, float]]) -> Answer:
    """The likeliest language, and the candidates. fastText's probabilities reach 1.00003."""
    listed: list[dict[str, Any]] = [
        {"language": language, "confidence": round(min(max(probability, 0.0), 1.0), 4)}
        for language, probability in candidates
    ]
    first = listed[0] if listed else {"language": UNDETERMINED, "confidence": 0.0}
    return {**first, "candidates": listed}


class LanguageIdentification:
    """The task."""

    def __init__(self, classifier: LanguageClassifier) -> None:
        self._classifier = classifier

    def read(self, request: Request) -> Question:
        """See read_question."""
        return read_question(request)

    def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """One by one: fastText has no batches, and takes microseconds."""
        return [
            write_answer(self._classifier.classify(question.line, question.most)) for question in questions
        ]
