"""Whitespace that carries no meaning: indents, line ends, no-break spaces."""

from typing import ClassVar

from preprocessing.options import StepOptions


class CollapseWhitespace(StepOptions):
    """Makes each run of whitespace one space and trims both ends; line breaks are lost."""

    step: ClassVar[str] = "collapse_whitespace"


def collapse_whitespace(text: str) -> str:
    """The text with single spaces. The zero width space stays: Khmer and Thai separate words with it."""
    return " ".join(text.split())
