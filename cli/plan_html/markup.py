"""HTML in which nothing is forgotten to be escaped: what is not `Html` is text, whoever wrote it."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Final

from cli.plan_formats import printable

_VOID: Final = frozenset({"col", "hr", "input", "link", "meta"})


class Html(str):
    """Markup that this package made."""

    __slots__ = ()


Child = str | Iterable["Child"] | None
"""Html as it is, other text escaped, the children of an iterable in its order; nothing for None."""

Attribute = str | int | bool | None
"""None and False leave it out, True is an attribute without a value."""

NOTHING: Final = Html("")


def tag(element: str, /, *children: Child, **attributes: Attribute) -> Html:
    """One element. `class_` is `class`, `data_month` is `data-month`."""
    opening = f"<{element}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Html(opening if element in _VOID else f"{opening}{join(children)}</{element}>")


def join(child: Child) -> Html:
    """One after the other."""
    if child is None:
        return NOTHING
    if isinstance(child, str):
        return child if isinstance(child, Html) else Html(escaped(child))
    return Html("".join(join(one) for one in child))


def escaped(text: str) -> str:
    """For an element or a quoted attribute; control and bidirectional characters show as their number."""
    return html.escape(printable(text), quote=True)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escaped(str(value))}"'
