"""Texts of the catalog in a comment on a pull request: they show as they are, link to nothing and notify nobody.

GitHub renders Markdown first, entities and backslashes included, and looks for mentions, references and addresses in
what comes out (https://github.github.com/gfm/, https://docs.github.com/get-started/writing-on-github). So a backslash
keeps a character from Markdown, and only a character in between, or a code span, keeps a name from GitHub.
"""

from __future__ import annotations

import re
from typing import Final

from cli.plan_formats import printable

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>|#~&])")
_ADDRESS: Final = re.compile(r"((?:https?|ftp)://\S*[^\s.,;:!?'\")]|www\.\S*[^\s.,;:!?'\")])", re.IGNORECASE)
_NAMES: Final = re.compile(
    r"""(?<![A-Za-z0-9])@         # a mention; fr@2 is none
    | @(?=[\w.+-]*\.[\w.-]*[A-Za-z])  # an address of mail
    | \#(?=[0-9])                 # an issue
    | \bGH-(?=[0-9])              # an issue, in another way
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BREAK: Final = "\u200b"
"""A space without width: what stands around it is two words to GitHub and one to a reader."""


def code(text: str) -> str:
    """Return a code span, in which nothing has a meaning but the pipe of a table and a fence of its own."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if "`" in text else ""
    # A backslash before an escaped pipe would escape the backslash, and the pipe would end the cell.
    piped = text.replace("\\|", f"\\{_BREAK}|").replace("|", "\\|")
    return f"{fence}{space}{piped}{space}{fence}"


def words(text: str) -> str:
    """Return text that nothing of Markdown happens to, and that mentions nobody; addresses are code."""
    plain = printable(re.sub(r"\s", " ", text))
    return "".join(code(part) if at % 2 else _escaped(part) for at, part in enumerate(_ADDRESS.split(plain)))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", _NAMES.sub(rf"\g<0>{_BREAK}", text))
