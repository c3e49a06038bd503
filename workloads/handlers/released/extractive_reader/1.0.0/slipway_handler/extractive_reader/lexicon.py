"""The reader's weights: reader.json, word lists and weights per language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import WeightsError
from ..weights import the_file
from .words import key, stem

FILE = "reader.json"
TYPES = ("date", "name", "number", "place", "any")
_FORMAT = 1


@dataclass(frozen=True)
class QuestionRule:
    """Words that follow each other in a question, and what it asks for then."""

    words: tuple[str, ...]
    type: str


@dataclass(frozen=True)
class Language:
    """Keys (words.key) of one language."""

    name: str
    questions: tuple[QuestionRule, ...]
    """The first that fits decides."""
    stop_words: frozenset[str]
    place_words: frozenset[str]
    months: frozenset[str]
    prefixes: tuple[str, ...]
    stem_length: int
    weights: Mapping[str, float]
    """Of stems; what is not there weighs 1."""

    def stem(self, of_key: str) -> str:
        """As the weights have them."""
        return stem(of_key, self.prefixes, self.stem_length)


@dataclass(frozen=True)
class Lexicon:
    """Every language of the file, by name."""

    languages: tuple[Language, ...]


def read_lexicon(folder: Path) -> Lexicon:
    """Raises WeightsError: the file is missing, or another one."""
    path = the_file(folder, FILE)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise WeightsError(f"{path} has format {document['format']!r}; this handler reads {_FORMAT}")
        languages = tuple(_language(name, told) for name, told in sorted(document["languages"].items()))
    except WeightsError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"{path} is no lexicon of this reader: {type(error).__name__}: {error}") from error
    if not languages:
        raise WeightsError(f"{path} has no language; add one")
    return Lexicon(languages)


def _language(name: str, told: Mapping[str, Any]) -> Language:
    return Language(
        name=name,
        questions=tuple(_rule(rule) for rule in told["questions"]),
        stop_words=_keys(told["stopWords"]),
        place_words=_keys(told["placeWords"]),
        months=_keys(told["months"]),
        prefixes=tuple(key(prefix) for prefix in told["prefixes"]),
        stem_length=int(told["stemLength"]),
        weights={stem(key(word), told["prefixes"], int(told["stemLength"])): float(weight)
                 for word, weight in told["weights"].items()},
    )  # fmt: skip


def _rule(told: Mapping[str, Any]) -> QuestionRule:
    if told["type"] not in TYPES:
        raise ValueError(f"{told['type']!r} is no type of answer; there are {', '.join(TYPES)}")
    return QuestionRule(tuple(key(word) for word in told["words"].split()), told["type"])


def _keys(words: Sequence[str]) -> frozenset[str]:
    if isinstance(words, str):
        raise TypeError("a list of words is a text")
    return frozenset(key(word) for word in words)
