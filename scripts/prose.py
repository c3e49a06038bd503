"""Checks the prose of the repository: `python -m scripts.prose`, a part of `make check`.

A docstring begins with the thing or with the verb. No docstring, comment, text of several words or Markdown heading has
a word that a reader would meet here only. Text in backticks is a name, and passes.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

HELD: Final = (
    "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "README.md", "__main__.py", "artifacts/hub", "benchmarks", "docs",
    "engines", "hardware", "plugin_server", "preprocessing", "quantities", "recovery", "sandbox", "scripts",
)  # fmt: skip
"""Files and folders that are checked. A folder joins the list once its prose passes."""

_FIXES: Final[Mapping[str, str]] = {
    "What Whatever Which That Those": 'name it: "The …", or "Return the …"',
    "Whether": 'write "True if …"',
    "Who Whoever Whom Whose": 'name the role: "The process that …"',
    "How Where Why": 'name the thing: "The number …", "The folder …", "The reason …"',
    "After Because Before If Once Since Until When While": "begin with the subject of the main clause",
    "Above As At Below Beside Between Beyond By For From In Of On Over Than Through To Under With Without": (
        'begin with the thing itself: "The … of …"'
    ),
}
OPENINGS: Final = {word: fix for words, fix in _FIXES.items() for word in words.split()}
"""First word of a docstring → the fix."""

WORDS: Final[Mapping[str, str]] = {
    r"bear(?:s|ing)?": "has, carries",
    r"besides": "also, as well",
    r"dice": "random generator",
    r"homeless": "unplaced",
    r"lest": "so that … not",
    r"life(?:\scycle)?": "lifetime, lifecycle, resource handler",
    r"mend(?:s|ed|ing)?": "repair, fix",
    r"minds?": "warning, heed",
    r"so\salready": "nothing to change",
    r"tak(?:es?|ing)\sa\sturn": "reconcile once",
    r"told": "recorded, configured, informed",
    r"triples?": "version",
    r"wobbl(?:es?|ed|ing)": "vary",
}
"""Pattern of a discouraged word → the words to write in its place."""

_COMMENT: Final = re.compile(r"(?:^|\s)#+ .+")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?:;])\s+")
_NAME: Final = re.compile(r"(`+).*?\1", re.DOTALL)


class Finding(NamedTuple):
    """One sentence to change, and the fix."""

    line: int
    sentence: str
    fix: str


def findings(text: str, *, python: bool) -> list[Finding]:
    """Return the faults of a file's prose by line; a file that is no Python has headings and comments only."""
    if python:
        return sorted([*_docstrings(text), *_comments(text)])
    lines = ((n, _COMMENT.search(line)) for n, line in enumerate(text.splitlines(), start=1))
    return [finding for n, comment in lines if comment for finding in _words(n, comment[0])]


def _docstrings(text: str) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(words))):
                if fix := OPENINGS.get(re.sub(r"\W*(\w*).*", r"\1", words, flags=re.DOTALL)):
                    yield Finding(node.lineno, _shown(_SENTENCE_END.split(words.strip())[0]), fix)
            case ast.Constant(value=str(words)) if " " in words:
                yield from _words(node.lineno, words)


def _comments(text: str) -> Iterator[Finding]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from _words(token.start[0], token.string)


def _words(line: int, text: str) -> Iterator[Finding]:
    for sentence in _SENTENCE_END.split(_NAME.sub("", text.lstrip("#\t "))):
        for word, instead in WORDS.items():
            if found := re.search(rf"\b{word}\b", sentence[:1].lower() + sentence[1:]):
                yield Finding(line, _shown(sentence), f'for "{found[0]}" write: {instead}')


def _shown(sentence: str) -> str:
    return repr(re.sub(r"\s+", " ", sentence).strip()[:100])


def check(root: Path, held: Sequence[str]) -> Iterator[str]:
    """Yield the faults of all held files; a name with nothing to check is one."""
    for name in held:
        files = [root / name] if (root / name).is_file() else sorted((root / name).rglob("*"))
        checked = [f for f in files if f.is_file() and f.suffix in {"", ".in", ".md", ".py", ".yaml"}]
        if not checked:
            yield f"{name}: there is nothing to check; correct HELD in scripts/prose.py"
        for file in checked:
            for line, sentence, fix in findings(file.read_text("utf-8"), python=file.suffix == ".py"):
                yield f"{file.relative_to(root)}:{line}: {sentence}: {fix}"


def main() -> int:
    """Print the faults; 1 where there are any."""
    faults = "".join(f"{fault}\n" for fault in check(Path(__file__).parent.parent, HELD))
    return 1 if sys.stdout.write(faults) else 0


if __name__ == "__main__":
    sys.exit(main())
