"""Words of a text with their places, and the form in which two words are compared. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_JOINERS = frozenset(" \u00a0\u202f-\u2010\u2011'\u2019")
_ENDS = frozenset(".!?\u2026\u061f\u06d4\n;")
_SHORTEST_STEM = 3
_LONGEST_WORD = 200
"""Characters of a word that is composed: no language has a longer one, and composing takes the square of the marks in
a row (100,000 of them: 8.5 s, Python 3.11 on 2026-11-23)."""


@dataclass(frozen=True)
class Word:
    """A run of letters, digits and marks; start and end are in characters of the text."""

    start: int
    end: int
    text: str


def split_words(text: str) -> list[Word]:
    """In the order of the text. An apostrophe or hyphen parts words, as French `l'école` needs."""
    words: list[Word] = []
    start = 0
    for place, character in enumerate(text + " "):
        if unicodedata.category(character)[0] in "LMN":
            continue
        if start < place:
            words.append(Word(start, place, text[start:place]))
        start = place + 1
    return words


def sentences(text: str, words: Sequence[Word]) -> list[list[Word]]:
    """The words, parted where a sentence ends between two of them. A dot between digits ends none."""
    found: list[list[Word]] = []
    for word in words:
        between = text[found[-1][-1].end : word.start] if found else "."
        if not found or (_ENDS & set(between) and between not in {".", ","}):
            found.append([])
        found[-1].append(word)
    return found


def joined(text: str, left: Word, right: Word) -> bool:
    """Whether nothing but blanks, a hyphen or an apostrophe is between them."""
    return _JOINERS.issuperset(text[left.end : right.start])


def key(word: str) -> str:
    """Composed (NFC), without case and without the marks that stay on their own, such as Arabic vowel signs."""
    composed = unicodedata.normalize("NFC", word) if len(word) <= _LONGEST_WORD else word
    folded = composed.casefold()
    return "".join(character for character in folded if unicodedata.category(character) != "Mn") or folded


def stem(of_key: str, prefixes: Sequence[str], length: int) -> str:
    """Its first characters, after the longest of those prefixes that leaves enough."""
    for prefix in sorted(prefixes, key=len, reverse=True):
        if of_key.startswith(prefix) and len(of_key) - len(prefix) >= _SHORTEST_STEM:
            of_key = of_key[len(prefix) :]
            break
    return of_key[:length]
