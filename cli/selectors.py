"""Selectors on the command line: read with the catalog in hand, and completed from its files."""

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from cli.console import CLONE
from model_catalog import Catalog, Selector

_SEPARATORS: Final = re.compile(r"[/@]")
_PARTS: Final = ("task", "model", "language", "version")
_FEW: Final = 9
"""Names that a line has room for."""


def parse_selector(text: str, catalog: Catalog) -> Selector:
    """Raises typer.BadParameter for what is no selector, or matches nothing in the catalog."""
    try:
        wanted = Selector.parse(text)
    except ValueError as error:
        near = _nearest(text, catalog)
        raise typer.BadParameter(f"{text!r} is not a selector; {near}" if near else str(error)) from error
    if not any(wanted.matches(known) for known in catalog.selectors()):
        raise typer.BadParameter(_unknown(wanted, catalog))
    return wanted


def _unknown(wanted: Selector, catalog: Catalog) -> str:
    """What was probably meant; a few names however large the catalog is."""
    versions = [known.version or "" for known in catalog.selectors() if wanted.variant.matches(known)]
    if versions and wanted.version is not None:
        return f"{wanted.variant} has no version {wanted.version!r}; it has {_few(versions)}"
    tasks = sorted({known.task for known in catalog.selectors()})
    return f"{wanted} is in no entry; {_nearest(str(wanted), catalog) or f'the tasks are {_few(tasks)}'}"


def _nearest(text: str, catalog: Catalog) -> str:
    """Selectors with as many parts that look alike, in whatever case; empty where none does."""
    depth = len(_SEPARATORS.findall(text))
    parts = (_SEPARATORS.split(str(known), depth + 1) for known in catalog.selectors())
    known = {
        str(Selector(**dict(zip(_PARTS, found, strict=False)))) for found in (p[: depth + 1] for p in parts)
    }
    by_case = {name.casefold(): name for name in sorted(known)}
    near = difflib.get_close_matches(text.casefold(), by_case, n=3)
    return f"did you mean {' or '.join(by_case[name] for name in near)}?" if near else ""


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def complete_selector(incomplete: str) -> list[str]:
    """What a selector may go on with, a part at a time; on to the next part where one alone is possible.

    Reads names alone, so that it is fast, takes a catalog that is being edited, and never fails.
    """
    return _complete(incomplete, list(_written_selectors(CLONE / "model_catalog" / "entries")))


SelectorArgument = Annotated[
    str | None,
    typer.Argument(
        help="Task/Model/lang@version, as in QuestionAnswering/Reader/fr@2; any right part may be left out.",
        autocompletion=complete_selector,
    ),
]


def _complete(incomplete: str, selectors: list[str]) -> list[str]:
    fitting = [selector for selector in selectors if selector.startswith(incomplete)]
    start = len(incomplete)
    while True:
        found = sorted({_up_to_separator(selector, start) for selector in fitting})
        if len(found) != 1 or found[0] in fitting:
            return found
        # A shell that sees one possibility takes it and puts a space after it.
        start = len(found[0]) + 1


def _up_to_separator(selector: str, start: int) -> str:
    separator = _SEPARATORS.search(selector, start)
    return selector[: separator.start()] if separator else selector


def _written_selectors(entries: Path) -> Iterator[str]:
    for path in sorted(entries.rglob("*.yaml")):
        if not path.is_file():
            continue  # reading a pipe would wait for somebody to write into it
        try:
            # All scalars as text, by libyaml where it is there: 20 times as fast as the reader that knows places.
            value = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506
        except (OSError, ValueError, yaml.YAMLError):
            continue  # `slipway validate` tells what is wrong with it
        yield from _selectors_of(value)


def _selectors_of(value: Any) -> Iterator[str]:
    match value:
        case {"task": str(task), "model": str(model), "languages": dict(languages)}:
            for language, said in languages.items():
                match said:
                    case {"versions": dict(versions)}:
                        yield from (f"{task}/{model}/{language}@{version}" for version in versions)
