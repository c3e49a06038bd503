"""A text of the catalog in a pull request's comment shows as it is: whatever it holds, GitHub makes nothing of it."""

import html
import re
from typing import Final

import pytest
from markdown_it import MarkdownIt

from cli.markdown import code, words

RENDERED: Final = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
BREAK: Final = "\u200b"

HOSTILE: Final = (
    "Ask @octocat",
    "&commat;octocat",
    "&#64;octocat",
    "&#x40;octocat",
    "&amp;commat;octocat",
    "\\@octocat",
    "é@octocat",
    "_@octocat_",
    "@org/team, @a@b",
    "mail root@example.com now",
    "Fixes #12",
    "Fixes &num;12",
    "Fixes &#35;12",
    "\\#12 GH-12 gh-12",
    "org/repo#12",
    "see https://github.com/org/repo/issues/12.",
    "HTTPS://EXAMPLE.COM/@octocat",
    "&#104;ttps://example.com",
    "www.example.com",
    "(https://example.com/a|b)",
    "[here](https://example.com)",
    "![pixel](//example.com/x.png)",
    "[a]: https://example.com",
    "<https://example.com>",
    "<root@example.com>",
    "<img src=x onerror=alert(1)>",
    "<!-- hidden -->",
    "&lt;script&gt;",
    "</td></tr></table><h1>x",
    "`code` and ``more",
    "`@octocat",
    "a | b \\| c \\\\| d",
    "\\|@octocat",
    "**bold** _it_ ~~gone~~",
    "# heading",
    "- [ ] task",
    "line\n\n@octocat",
    "line\r\n# heading",
    "\u2028@octocat",
    "back\\",
)


def seen(text: str) -> tuple[str, str]:
    """What GitHub looks for names in, and what a reader sees, of a cell that stands between two others."""
    rendered = RENDERED.render(f"| a | b | c |\n|---|---|---|\n| left | {text} | right |\n")
    cells = re.findall(r"<td>(.*?)</td>", rendered, re.DOTALL)
    assert (len(cells), cells[0], cells[2]) == (3, "left", "right"), rendered
    (outside,) = [re.sub(r"<code>.*?</code>", "\N{REPLACEMENT CHARACTER}", cells[1])]
    assert "<" not in outside, f"a tag: {cells[1]}"
    return html.unescape(outside), html.unescape(re.sub(r"</?code>", "", cells[1]))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_mentions_nobody_links_nowhere_and_makes_no_html(text: str) -> None:
    looked_at, _ = seen(words(text))
    for what, pattern in (
        ("a mention", r"(?:^|[^A-Za-z0-9])@[A-Za-z0-9]"),
        ("an address of mail", r"[\w.+-]@[\w-]+\.[A-Za-z]"),
        ("an issue", r"#[0-9]"),
        ("an issue", r"\b(?:GH|gh)-[0-9]"),
        ("a link", r"(?i)\b(?:https?|ftp)://|\bwww\."),
    ):
        assert not re.search(pattern, looked_at), f"{what} in {looked_at!r}"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_shows_as_it_was_written(text: str) -> None:
    _, shown = seen(words(text))
    if "\u2028" not in text:
        assert " ".join(shown.replace(BREAK, "").split()) == " ".join(text.split())


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.isprintable()])
def test_a_value_stays_within_its_code_span(text: str) -> None:
    looked_at, shown = seen(code(text))
    assert looked_at == "\N{REPLACEMENT CHARACTER}"
    assert shown.replace(BREAK, "") == text


@pytest.mark.parametrize(
    "text", ["QuestionAnswering/Reader/fr@2", "Reader/fr@1.0 and R&D", "a#b", "version 1.0-2"]
)
def test_what_is_no_name_is_left_whole(text: str) -> None:
    assert BREAK not in words(text)
