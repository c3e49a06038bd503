"""A model that answers: a request in, an answer out, alone or in batches. No server is known here."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from .errors import RequestError
from .request import Request, read_request

Question = TypeVar("Question")
Answer = Mapping[str, Any]
"""What a client gets, as JSON has it."""

_log = logging.getLogger(__name__)


class Task(Protocol[Question]):
    """What a handler does, its model being behind a port of its own."""

    def read(self, request: Request) -> Question:
        """What is asked. Raises RequestError. Pure."""

    def answer_all(self, questions: Sequence[Question]) -> Sequence[Answer]:
        """One answer a question, in their order."""


@dataclass(frozen=True)
class Outcome:
    """An answer or a refusal, as HTTP has them."""

    status: int
    content: Answer


class Model(Generic[Question]):
    """A task with its weights loaded."""

    def __init__(self, task: Task[Question]) -> None:
        self._task = task

    def answer(self, request: object) -> Answer:
        """For a notebook or a program. Raises RequestError, and whatever the model itself raises."""
        return self._task.answer_all([self._task.read(read_request(request))])[0]

    def outcomes(self, rows: Sequence[object], content_types: Sequence[str] = ()) -> list[Outcome]:
        """One outcome a row, in their order; nothing that is wrong with a row reaches its neighbours."""
        found: dict[int, Outcome] = {}
        questions: dict[int, Question] = {}
        for index, row in enumerate(rows):
            content_type = content_types[index] if index < len(content_types) else ""
            try:
                questions[index] = self._task.read(read_request(row, content_type))
            except RequestError as error:
                found[index] = Outcome(400, {"error": str(error)})
            except Exception:  # noqa: BLE001 - a fault in reading one row, and a batch has other people's rows
                found[index] = _failure()
        found.update(self._together(questions))
        return [found[index] for index in range(len(rows))]

    def _together(self, questions: Mapping[int, Question]) -> dict[int, Outcome]:
        if not questions:
            return {}
        try:
            answers = self._task.answer_all(list(questions.values()))
            if len(answers) != len(questions):
                raise RuntimeError(f"{len(answers)} answers to {len(questions)} questions")
        except Exception:  # noqa: BLE001 - whatever the model raises, a batch has other people's rows
            if len(questions) == 1:
                return {index: _failure() for index in questions}
            _log.exception("a batch of %d failed; each is asked alone", len(questions))
            return {index: self._together({index: one})[index] for index, one in questions.items()}
        return {index: Outcome(200, answers[place]) for place, index in enumerate(questions)}


def _failure() -> Outcome:
    _log.exception("a request could not be answered")
    return Outcome(500, {"error": "the model failed on this request; its server's log says why"})
