"""Finds the language of a text by asking a model of the catalog.

The model is reached through a port, a callable that the caller gives: this package knows no server.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from preprocessing.options import StepOptions
from quantities import Number

_VARIANT = r"[^/@\s]+/[^/@\s]+/[^/@\s]+"


@dataclass(frozen=True, kw_only=True)
class IdentifiedLanguage:
    """The answer of an identification model."""

    language: str
    """A BCP 47 tag."""
    confidence: float
    """A number from 0 to 1."""


Identify = Callable[[str, str], IdentifiedLanguage]
"""The port: takes the variant as `Task/Model/language` and the text."""


def _variant(text: str) -> str:
    if re.fullmatch(_VARIANT, text) is None:
        raise ValueError(
            f"{text!r} names no variant; write Task/Model/language, as in LanguageIdentification/FastText/mul"
        )
    return text


class DetectLanguage(StepOptions):
    """Finds the language of the text by asking a variant of the catalog that identifies languages."""

    step: ClassVar[str] = "detect_language"

    by: Annotated[str, AfterValidator(_variant), Field(json_schema_extra={"pattern": f"^{_VARIANT}$"})]
    """The variant that identifies languages, as Task/Model/language."""
    minimum_confidence: Annotated[
        Number, Field(ge=0, le=1, json_schema_extra={"minimum": 0, "maximum": 1})
    ] = 0.5
    """The least confidence, from 0 to 1; an answer below it counts as no answer."""


def detect_language(text: str, options: DetectLanguage, identify: Identify) -> IdentifiedLanguage | None:
    """The language of the text; None when nothing is written in it or the model is not confident enough."""
    if not text.strip():
        return None
    found = identify(options.by, text)
    return found if found.confidence >= options.minimum_confidence else None
