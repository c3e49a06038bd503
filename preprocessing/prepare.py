"""A text's way through the steps of its model, in the order in which the catalog gives them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from preprocessing.collapse_whitespace import CollapseWhitespace, collapse_whitespace
from preprocessing.detect_language import DetectLanguage, IdentifiedLanguage, Identify, detect_language
from preprocessing.detect_script import DetectedScript, DetectScript, detect_script
from preprocessing.normalize_unicode import NormalizeUnicode, normalize_unicode
from preprocessing.step import Step
from preprocessing.strip_markup import StripMarkup, strip_markup
from preprocessing.truncate import Truncate, truncate


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A text as the model gets it, and what the steps found out about it."""

    text: str
    script: DetectedScript | None = None
    """None where no step looked."""
    language: IdentifiedLanguage | None = None
    """None where no step looked, or the answer was not confident enough."""


def prepare(text: str, steps: Iterable[Step], *, identify: Identify | None = None) -> Prepared:
    """Run the steps. Detection sees the text as the steps before it left it; a later detection replaces one before.

    Raises ValueError when a step asks a model and no port to one is given.
    """
    prepared = Prepared(text=text)
    for step in steps:
        prepared = _run(prepared, step, identify)
    return prepared


def _run(prepared: Prepared, step: Step, identify: Identify | None) -> Prepared:
    text = prepared.text
    match step:
        case CollapseWhitespace():
            return replace(prepared, text=collapse_whitespace(text))
        case DetectLanguage():
            if identify is None:
                raise ValueError(f"{step.step} asks {step.by}; give prepare() an identify port")
            return replace(prepared, language=detect_language(text, step, identify))
        case DetectScript():
            return replace(prepared, script=detect_script(text, step))
        case NormalizeUnicode():
            return replace(prepared, text=normalize_unicode(text, step))
        case StripMarkup():
            return replace(prepared, text=strip_markup(text))
        case Truncate():
            return replace(prepared, text=truncate(text, step))
        case _:
            assert_never(step)
