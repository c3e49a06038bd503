"""Selectors on the command line: read with the catalog in hand, and completed from its files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from cli.console import CLONE
from model_catalog import Catalog, Selector

_SEPARATORS: Final = re.compile(r"[/@]")


def parse_selector(text: str, catalog: Catalog) -> Selector:
    """Raises typer.BadParameter for what is no selector, or matches nothing in the catalog."""
    try:
        wanted = Selector.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if not any(wanted.matches(known) for known in catalog.selectors()):
        known = ", ".join(sorted({str(selector.variant) for selector in catalog.selectors()}))
        raise typer.BadParameter(f"{text} is in no entry; the catalog has {known}")
    return wanted


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
