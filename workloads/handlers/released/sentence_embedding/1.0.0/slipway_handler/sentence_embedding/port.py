"""What is asked of a model that embeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Embedding:
    """A vector of length 1."""

    vector: Sequence[float]
    truncated: bool
    """The text was longer than the model reads, and its end was left out."""


class Embedder(Protocol):
    """A model of texts."""

    def embed(self, texts: Sequence[str]) -> Sequence[Embedding]:
        """One embedding a text, in their order, from one pass of the model."""
