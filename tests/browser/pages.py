"""What the tests ask a page: its boxes, its focus, and the pixels of a picture of it."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from planning.report import Report
from tests.browser.chromium import Page

Open = Callable[[Report], Page]
"""Shows a report."""

Keep = Callable[[str, bytes], bytes]
"""A name and a picture, which it gives back."""

Colour = tuple[int, int, int]


def boxes(page: Page, selector: str) -> list[dict[str, Any]]:
    """x, y, width and height of each element that is drawn, with its data-* attributes."""
    found: list[dict[str, Any]] = page.evaluate(
        f"Array.from(document.querySelectorAll({json.dumps(selector)}), (one) => {{"
        "const {x, y, width, height} = one.getBoundingClientRect();"
        "return {x, y, width, height, ...one.dataset}}).filter((one) => one.height > 0)"
    )
    return found


def count(page: Page, selector: str) -> int:
    """How many of them are drawn."""
    return len(boxes(page, selector))


def focused(page: Page) -> str:
    """The element that has the keyboard: its id, or its name and class."""
    said: str = page.evaluate(
        "(() => {const one = document.activeElement; return one.id || `${one.localName}.${one.className}`})()"
    )
    return said


def choose(page: Page, name: str, value: str) -> None:
    """As a person does in a list, without its popup."""
    page.evaluate(
        f"(() => {{const list = document.getElementById('by-{name}'); list.value = {json.dumps(value)};"
        "list.dispatchEvent(new Event('input', {bubbles: true}))})()"
    )


def colours(blank: Page, picture: bytes) -> Counter[Colour]:
    """Every tenth pixel of a PNG by its colour, counted. Decoded by the browser, in a page of its own."""
    address = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    found: dict[str, int] = blank.evaluate(
        f"fetch({json.dumps(address)}).then((one) => one.blob()).then(createImageBitmap).then((picture) => {{"
        "const canvas = new OffscreenCanvas(picture.width, picture.height).getContext('2d');"
        "canvas.drawImage(picture, 0, 0);"
        "const {data} = canvas.getImageData(0, 0, picture.width, picture.height);"
        "const found = {};"
        "for (let at = 0; at < data.length; at += 40) {"
        "const colour = `${data[at]},${data[at + 1]},${data[at + 2]}`;"
        "found[colour] = (found[colour] || 0) + 1}"
        "return found})"
    )
    counted: Counter[Colour] = Counter()
    for colour, times in found.items():
        red, green, blue = (int(part) for part in colour.split(","))
        counted[(red, green, blue)] = times
    return counted


def lightness(colour: Colour) -> float:
    """0 is black, 1 is white: Rec. 709's weights, without its gamma."""
    red, green, blue = colour
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
