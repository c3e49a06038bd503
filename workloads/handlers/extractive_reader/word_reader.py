"""The reader behind the port: the sentence that has most of the question, and in it what the question asks for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from .lexicon import Language, Lexicon
from .port import Span
from .words import Word, joined, key, sentences, split_words

_OF_SENTENCE, _OF_TYPE, _OF_NEARNESS = 0.6, 0.25, 0.15
"""How much each counts in a confidence; together 1. Set by hand on the questions of the tests."""
_LONGEST = 8
"""Words of an answer."""
_ARTICLES = 2
"""Stop words between a place word and the place: `in the old town` has one."""
_NOTHING = Span(0, 0, 0.0)


@dataclass(frozen=True)
class _Sentence:
    """A sentence as one question sees it; indices are those of its words."""

    text: str
    language: Language
    words: Sequence[Word]
    keys: Sequence[str]
    asked: frozenset[int]
    """Which words the question has as well."""

    def is_stop(self, index: int) -> bool:
        return self.keys[index] in self.language.stop_words

    def is_free(self, index: int) -> bool:
        return index not in self.asked and not self.is_stop(index)

    def has_digit(self, index: int) -> bool:
        return any(character.isdigit() for character in self.words[index].text)

    def is_number(self, index: int) -> bool:
        return index not in self.asked and self.has_digit(index)

    def is_date(self, index: int) -> bool:
        return self.is_number(index) or (index not in self.asked and self.keys[index] in self.language.months)

    def is_name(self, index: int) -> bool:
        first = self.words[index].text[0]
        cased = first.lower() != first.upper()
        return self.is_free(index) and not self.has_digit(index) and (first.isupper() or not cased)

    def is_place(self, index: int) -> bool:
        return self.is_free(index) and not self.has_digit(index)


def _runs(sentence: _Sentence, fits: Callable[[int], bool], *, over: bool) -> Iterator[range]:
    """The longest runs of words that fit and are joined. `over`: one stop word between two that fit is run over."""
    start = 0
    while start < len(sentence.words):
        if not fits(start):
            start += 1
            continue
        end = start + 1
        while end < len(sentence.words) and _joined(sentence, end):
            if fits(end):
                end += 1
            elif over and sentence.is_stop(end) and _fits_after(sentence, fits, end):
                end += 2
            else:
                break
        yield range(start, min(end, start + _LONGEST))
        start = end


def _joined(sentence: _Sentence, index: int) -> bool:
    return joined(sentence.text, sentence.words[index - 1], sentence.words[index])


def _fits_after(sentence: _Sentence, fits: Callable[[int], bool], index: int) -> bool:
    return index + 1 < len(sentence.words) and _joined(sentence, index + 1) and fits(index + 1)


def _numbers(sentence: _Sentence) -> Iterator[range]:
    """Digits with what parts their groups: `1 250`, `3,5`."""
    found: range | None = None
    for index in range(len(sentence.words)):
        if not sentence.is_number(index):
            continue
        if found is not None and found.stop == index and _one_number(sentence, index):
            found = range(found.start, index + 1)
            continue
        if found is not None:
            yield found
        found = range(index, index + 1)
    if found is not None:
        yield found


def _one_number(sentence: _Sentence, index: int) -> bool:
    between = sentence.text[sentence.words[index - 1].end : sentence.words[index].start]
    return between in {" ", "\u00a0", "\u202f", ".", ",", "-", "\u2013", ":", "/"}


def _dates(sentence: _Sentence) -> Iterator[range]:
    return _runs(sentence, sentence.is_date, over=True)


def _names(sentence: _Sentence) -> Iterator[range]:
    return _runs(sentence, sentence.is_name, over=False)


def _places(sentence: _Sentence) -> Iterator[range]:
    """What follows a place word; articles between them are left out, and in a cased script it is a name."""
    named = {run.start: run for run in _names(sentence)}
    others = {run.start: run for run in _runs(sentence, sentence.is_place, over=False)}
    for index, of_word in enumerate(sentence.keys):
        if of_word not in sentence.language.place_words:
            continue
        after = range(index + 1, min(index + 2 + _ARTICLES, len(sentence.keys)))
        start = next((place for place in after if not sentence.is_stop(place)), None)
        if start is not None and (run := named.get(start) or others.get(start)):
            yield run


def _anything(sentence: _Sentence) -> Iterator[range]:
    return _runs(sentence, sentence.is_free, over=True)


_CANDIDATES = MappingProxyType(
    {"number": _numbers, "date": _dates, "name": _names, "place": _places, "any": _anything}
)


class WordReader:
    """Reads with a lexicon. Equal questions get equal answers."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._languages = lexicon.languages

    def find(self, question: str, context: str) -> Span:
        """See the port. No answer where no word of the question is in the context."""
        asked = [key(word.text) for word in split_words(question)]
        language = max(self._languages, key=lambda one: _known(one, asked))
        wanted = _asked_for(language, asked)
        stems = {language.stem(word) for word in asked if _matters(language, word)}
        whole = _weight(language, stems)
        best = _NOTHING
        for words in sentences(context, split_words(context)):
            for span in _answers(_seen(context, language, words, stems), wanted, whole):
                if span.confidence > best.confidence:
                    best = span
        return best


def _known(language: Language, asked: Sequence[str]) -> int:
    """How many of those words the language's lists have."""
    of_questions = {word for rule in language.questions for word in rule.words}
    return sum(word in of_questions or word in language.stop_words for word in asked)


def _asked_for(language: Language, asked: Sequence[str]) -> str:
    """The type of the answer."""
    for rule in language.questions:
        length = len(rule.words)
        if any(tuple(asked[place : place + length]) == rule.words for place in range(len(asked))):
            return rule.type
    return "any"


def _matters(language: Language, word: str) -> bool:
    return word not in language.stop_words and all(rule.words != (word,) for rule in language.questions)


def _seen(text: str, language: Language, words: Sequence[Word], stems: set[str]) -> _Sentence:
    keys = [key(word.text) for word in words]
    asked = frozenset(
        index
        for index, of_word in enumerate(keys)
        if _matters(language, of_word) and language.stem(of_word) in stems
    )
    return _Sentence(text, language, words, keys, asked)


def _answers(sentence: _Sentence, wanted: str, whole: float) -> Iterator[Span]:
    """`whole` is the weight of the whole question."""
    covered = {sentence.language.stem(sentence.keys[index]) for index in sentence.asked}
    if not covered:
        return
    coverage = _weight(sentence.language, covered) / whole
    nearby = sorted(sentence.asked)
    for type_, fit in ((wanted, 1.0), ("any", 0.3)):
        for run in _CANDIDATES[type_](sentence):
            gap = _gap(nearby, run)
            yield Span(
                sentence.words[run.start].start,
                sentence.words[run.stop - 1].end,
                _OF_SENTENCE * coverage + _OF_TYPE * fit + _OF_NEARNESS / gap,
            )


def _gap(asked: Sequence[int], run: range) -> int:
    """Words to the nearest that was asked for; none of them is in the run. 1: it is next to it."""
    place = bisect_left(asked, run.start)
    before = [run.start - index for index in asked[max(place - 1, 0) : place]]
    after = [index - run.stop + 1 for index in asked[place : place + 1]]
    return min(before + after)


def _weight(language: Language, stems: set[str]) -> float:
    return sum(language.weights.get(one, 1.0) for one in sorted(stems))
