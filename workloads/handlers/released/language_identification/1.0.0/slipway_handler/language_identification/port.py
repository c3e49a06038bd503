"""What is asked of a model that knows languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class LanguageClassifier(Protocol):
    """A model of languages."""

    def classify(self, line: str, most: int) -> Sequence[tuple[str, float]]:
        """Languages and their probabilities, the likeliest first, at most that many; the line has no line breaks."""
