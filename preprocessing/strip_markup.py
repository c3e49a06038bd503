"""Plain text from HTML, with the standard library's parser: it never fetches, runs or renders anything.

Run it once and on HTML only: `&lt;b&gt;` becomes `<b>`, which a second run would take for markup.
"""

from html.parser import HTMLParser
from typing import ClassVar

from preprocessing.options import StepOptions

_UNSEEN = frozenset({"script", "style", "template", "title"})
_INLINE = frozenset(
    {
        *(
            "a",
            "abbr",
            "b",
            "bdi",
            "bdo",
            "cite",
            "code",
            "data",
            "dfn",
            "em",
            "font",
            "i",
            "kbd",
            "mark",
            "q",
        ),
        *("s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"),
    }
)


class StripMarkup(StepOptions):
    """Keeps the text of HTML: drops tags, comments, scripts and styles, and resolves character references."""

    step: ClassVar[str] = "strip_markup"


def strip_markup(text: str) -> str:
    """Return the text that a reader would see. Any element that is not inline ends a line, so that words never run
    together."""
    parser = _TextParser()
    parser.feed(text)
    parser.close()
    lines = ("".join(parser.pieces)).splitlines()
    return "\n".join(line for line in map(str.strip, lines) if line)


class _TextParser(HTMLParser):
    """Collects what is between the tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 (the parser's signature)
        if tag in _UNSEEN:
            self._unseen.append(tag)
        self._break_before(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._unseen and self._unseen[-1] == tag:
            self._unseen.pop()
        self._break_before(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)

    def parse_marked_section(self, i: int, report: bool = True) -> int:  # noqa: ARG002 (the parser's signature)
        """Treat `<![anything` as browsers do, as a comment; up to Python 3.13 the parser raises AssertionError."""
        return self.parse_bogus_comment(i)

    def _break_before(self, tag: str) -> None:
        if tag not in _INLINE:
            self.pieces.append("\n")
