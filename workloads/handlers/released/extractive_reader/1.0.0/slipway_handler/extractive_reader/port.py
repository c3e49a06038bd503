"""What is asked of a model that reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Span:
    """A passage. start and end are in characters (code points) of the context as it was sent; equal: no answer."""

    start: int
    end: int
    confidence: float
    """0 to 1."""


class Reader(Protocol):
    """A model of questions and texts."""

    def find(self, question: str, context: str) -> Span:
        """The likeliest passage."""
