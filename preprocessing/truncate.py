"""A bound on what one request can cost."""

from typing import ClassVar

import regex

from preprocessing.options import StepOptions
from quantities import Count

_CLUSTER = regex.compile(r"\X")


class Truncate(StepOptions):
    """Cuts the text to a number of characters and never through one that is written as several code points."""

    step: ClassVar[str] = "truncate"

    characters: Count
    """The most Unicode code points that are kept."""


def truncate(text: str, options: Truncate) -> str:
    """The longest start of the text within the limit that ends between grapheme clusters.

    A single cluster longer than the limit is cut all the same: the limit holds for every text.
    """
    if len(text) <= options.characters:
        return text
    end = 0
    for cluster in _CLUSTER.finditer(text):
        if cluster.end() > options.characters:
            break
        end = cluster.end()
    return text[: end or options.characters]
