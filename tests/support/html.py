"""A page of HTML as a test reads it: elements, their attributes, their texts."""

from __future__ import annotations

import re
from html.parser import HTMLParser


class Read(HTMLParser):
    """Elements with their attributes, and the text of each element's own."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.comments: list[str] = []
        self._open = ["document"]
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"col", "input", "meta"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, "elements are nested"

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1], data))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for element, attributes in self.elements if element == name]

    def text_of(self, name: str) -> list[str]:
        return [text for element, text in self.texts if element == name]


def rows(page: str, *, holding: str) -> list[str]:
    return [row for row in re.findall(r"<tr.*?</tr>", page) if holding in row]
