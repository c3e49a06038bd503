"""Before and after the model. Pure, but for the port that is asked in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import RequestError
from ..model import Answer
from ..request import Request
from .port import Reader, Span

LONGEST = 100_000
"""Characters of question and context: what a core reads in a second. A batch waits for its longest."""


@dataclass(frozen=True)
class Question:
    """Both as they were sent: offsets are those of the client's text."""

    question: str
    context: str


def read_question(request: Request) -> Question:
    """`{"question": …, "context": …}`. Raises RequestError."""
    question = Question(request.string("question"), request.string("context"))
    if len(question.question) + len(question.context) > LONGEST:
        raise RequestError(
            f"question and context have more than {LONGEST} characters; send the part that matters"
        )
    return question


def write_answer(question: Question, span: Span) -> Answer:
    """The answer is cut from the context, so that it is always the client's own characters."""
    return {
        "answer": question.context[span.start : span.end],
        "start": span.start,
        "end": span.end,
        "confidence": round(span.confidence, 4),
    }


class ExtractiveReader:
    """The task."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def read(self, request: Request) -> Question:
        """See read_question."""
        return read_question(request)

    def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """One by one: word lists have no batches."""
        return [write_answer(one, self._reader.find(one.question, one.context)) for one in questions]
