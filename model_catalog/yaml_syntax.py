"""What a YAML parser's error means, in plain words: libyaml's and PyYAML's own, which differ in wording and place."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import yaml

from model_catalog.yaml_text import START, Lines, Place, Refusal

REMOVE_TAG: Final = "Remove the tag, or put a text that starts with ! in quotes"

_LONGEST_KEY: Final = 1024
"""YAML 1.1, 7.3.1: a key and its colon stand in one line and within this many characters."""


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """A parser's error together with the text around it."""

    text: str
    problem: str
    context: str
    index: int
    """Of the character where the parser gave up."""
    begin: int
    """Of the character where that began which it could not finish."""
    bracket: int | None
    """Of the innermost bracket that is open."""

    @property
    def character(self) -> str:
        return self.text[self.index : self.index + 1]

    @property
    def before(self) -> str:
        """The line up to where the parser gave up."""
        return self.text[_line_start(self.text, self.index) : self.index]

    @property
    def begin_column(self) -> int:
        """From 0."""
        return self.begin - _line_start(self.text, self.begin)

    @property
    def at_end(self) -> bool:
        return not self.text[self.index :].strip()

    def refusal(self, index: int, message: str, fix: str) -> Refusal:
        return Refusal(Lines(self.text).place(index), rule="yaml-syntax", message=message, fix=fix)


def explained(error: Exception, text: str, bracket: int | None) -> Refusal:
    """What to report. `bracket` is the index of the innermost open [ or {."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return _other(START, " ".join(str(error).split()))
    mark, begin = error.problem_mark, error.context_mark
    failure = _Failure(
        text=text,
        problem=error.problem or "",
        context=error.context or "",
        index=min(mark.index, len(text)),
        begin=min((begin or mark).index, len(text)),
        bracket=bracket,
    )
    for wording, explain in _EXPLANATIONS:
        if wording.search(f"{failure.context}: {failure.problem}"):
            return explain(failure)
    return _other(Lines(text).place(failure.index), failure.problem)


def _other(place: Place, problem: str) -> Refusal:
    return Refusal(
        place, rule="yaml-syntax", message=f"this is not YAML: {problem}", fix="Make it valid YAML"
    )


def _cannot_start(failure: _Failure) -> Refusal:
    if failure.character == "\t":
        return _tab(failure)
    message = f"text cannot start with {failure.character!r}"
    return failure.refusal(failure.index, message, "Put the text in quotes")


def _tab(failure: _Failure) -> Refusal:
    start = _line_start(failure.text, failure.index)
    blank = re.compile(r"[ \t]*").match(failure.text, start)
    tab = failure.text.find("\t", start, blank.end() if blank else None)
    return failure.refusal(
        failure.index if tab < 0 else tab, "a tab stands where spaces indent", "Indent with spaces"
    )


def _second_colon(failure: _Failure) -> Refusal:
    if _indented_by_tab(failure):
        return _tab(failure)
    if len(failure.before) > _LONGEST_KEY:
        message = f"a key is longer than {_LONGEST_KEY} characters"
        return failure.refusal(failure.index - len(failure.before), message, "Shorten it")
    if re.search(r":\s", failure.before):
        message = "a value holds a colon and a space (or two pairs stand in one line)"
        return failure.refusal(
            failure.index, message, "Put the value in quotes, or each pair in its own line"
        )
    above = _line_above(failure.text, failure.index)
    if above is None:
        return failure.refusal(failure.index, "a colon cannot stand here", "Put the text in quotes")
    index, line = above
    if re.search(r":(\s|$)", line):
        message = "this line is indented deeper than the one above, which has its value already"
        first = failure.index - len(failure.before.lstrip())
        return failure.refusal(first, message, "Indent both alike")
    return _no_colon(failure, index, line)


def _key_without_colon(failure: _Failure) -> Refusal:
    if _indented_by_tab(failure):
        return _tab(failure)
    line = re.split(r"[\r\n]", failure.text[failure.begin :], maxsplit=1)[0]
    return _no_colon(failure, failure.begin, line)


def _no_colon(failure: _Failure, index: int, line: str) -> Refusal:
    words = re.sub(r"\s+#.*", "", line).rstrip()
    if re.match(r"-[^\s-]", words):
        fix = f"Write a space after the dash, as in - {shortened(words[1:])}"
    elif re.search(r"\S:\S", words):
        key, _, value = words.partition(":")
        fix = f"Write a space after the colon, as in {shortened(key)}: {shortened(value)}"
    else:
        fix = "Write a colon, a space and the value after it, or put it in one line with the value it belongs to"
    return failure.refusal(index, f"{shortened(words)!r} is no key: no colon and space follow it", fix)


def _out_of_place(failure: _Failure) -> Refusal:
    """Something stands where a block's next key or item, or nothing, was expected."""
    if failure.character and failure.character in "]}":
        return _closes_nothing(failure)
    if failure.before.strip():
        message = "more text follows where the value has ended"
        fix = "Remove it, put the whole value in one pair of quotes, or close the quotes of a line above"
        return failure.refusal(failure.index, message, fix)
    if "\t" in failure.before:
        return _tab(failure)
    above = None if failure.context else _line_above(failure.text, failure.index)
    if above and not re.search(r":(\s|$)", above[1]):
        return _no_colon(failure, *above)
    if failure.begin_column == len(failure.before) and "mapping" in failure.context:
        if failure.character != "-":
            return failure.refusal(failure.index, "a key is missing", "Write it before the colon")
        message, fix = "an item of a list stands among keys", "Write it as key: value, or below a key"
        return failure.refusal(failure.index, message, fix)
    if failure.begin_column == len(failure.before) and "collection" in failure.context:
        message, fix = (
            "a key stands among the items of a list",
            "Start it with a dash, or move it out of the list",
        )
        return failure.refusal(failure.index, message, fix)
    message = "the indentation is that of no line above"
    return failure.refusal(failure.index, message, "Indent it exactly like the lines it belongs with")


def _closes_nothing(failure: _Failure) -> Refusal:
    message = f"{failure.character!r} closes nothing"
    return failure.refusal(failure.index, message, "Remove it, or put the value in quotes")


def _quote(failure: _Failure) -> Refusal:
    mark = failure.text[failure.begin]
    return failure.refusal(failure.begin, f"the quote {mark} is never closed", f"Close it with {mark}")


def _open_bracket(failure: _Failure, bracket: int) -> Refusal:
    opening = failure.text[bracket]
    closing = {"[": "]", "{": "}"}[opening]
    if failure.at_end:
        return failure.refusal(bracket, f"{opening!r} is never closed", f"Close it with {closing!r}")
    message = f"{opening!r} of line {Lines(failure.text).place(bracket).line} is still open here"
    return failure.refusal(
        failure.index, message, f"Close it with {closing!r}, or write a comma between its items"
    )


def _bracket(failure: _Failure) -> Refusal:
    return _open_bracket(failure, failure.begin)


def _no_content(failure: _Failure) -> Refusal:
    if failure.bracket is not None and failure.at_end:
        return _open_bracket(failure, failure.bracket)
    if failure.bracket is None and failure.character and failure.character in "]}":
        return _closes_nothing(failure)
    if failure.bracket is None and failure.character == ",":
        return _cannot_start(failure)
    return failure.refusal(failure.index, "a value is missing", "Write it, or remove what announces it")


def _name(failure: _Failure) -> Refusal:
    message = f"text cannot start with {failure.text[failure.begin]!r}"
    return failure.refusal(failure.begin, message, "Put the text in quotes")


def _tag(failure: _Failure) -> Refusal:
    return failure.refusal(failure.begin, "'!' starts a tag", REMOVE_TAG)


def _block_text(failure: _Failure) -> Refusal:
    message = f"text follows {failure.text[failure.begin]!r} in the same line"
    fix = "Start the text in the next line, indented, or put it in quotes"
    return failure.refusal(failure.begin, message, fix)


def _escape(failure: _Failure) -> Refusal:
    index = max(failure.text.rfind("\\", 0, failure.index + 1), failure.begin)
    message = "in double quotes a backslash starts an escape, and this one does not exist"
    return failure.refusal(index, message, r"Write \\ for a backslash, or use single quotes")


def _list_beside_key(failure: _Failure) -> Refusal:
    if _indented_by_tab(failure):
        return _tab(failure)
    message = "a list cannot start in the line of something else"
    return failure.refusal(failure.index, message, "Start it in the next line, or put the text in quotes")


def _question_mark(failure: _Failure) -> Refusal:
    message = "text cannot start with '?' and a space"
    return failure.refusal(failure.index, message, "Put the text in quotes")


_EXPLANATIONS: Final[tuple[tuple[re.Pattern[str], Callable[[_Failure], Refusal]], ...]] = tuple(
    (re.compile(wording), explain)
    for wording, explain in (
        ("cannot start any token", _cannot_start),
        ("found a tab", _tab),
        ("mapping values are not allowed", _second_colon),
        ("could not find expected ':'", _key_without_colon),
        (r"quoted scalar: .*(end of stream|document (indicator|separator))", _quote),
        (r"quoted scalar: .*(escape|hexa?decimal)", _escape),
        (r"expected ',' or ", _bracket),
        ("expected (the )?node content", _no_content),
        ("scanning an (alias|anchor)", _name),
        (r"\btag\b", _tag),
        (r"scanning a block scalar", _block_text),
        ("sequence entries are not allowed", _list_beside_key),
        ("mapping keys are not allowed", _question_mark),
        ("expected key|expected '-' indicator|<block end>|<?document start>?", _out_of_place),
    )
)
"""Matched against "context: problem", first come first served."""


def shortened(text: str, length: int = 40) -> str:
    """Text that fits into a message."""
    return text if len(text) <= length else f"{text[:length]}…"


def _indented_by_tab(failure: _Failure) -> bool:
    blank = failure.before[: len(failure.before) - len(failure.before.lstrip())]
    return "\t" in blank


def _line_start(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def _line_above(text: str, index: int) -> tuple[int, str] | None:
    """The nearest line above that is neither empty nor a comment: where its text starts, and its text."""
    end = _line_start(text, index)
    for line in reversed(text[:end].splitlines(keepends=True)):
        words = "" if line.isspace() else re.sub(r"^\s*(-\s+)*", "", line)
        if words and not words.startswith("#"):
            return end - len(words), words.rstrip()
        end -= len(line)
    return None
