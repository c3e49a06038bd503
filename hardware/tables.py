"""The tables that lie beside the code as CSV files, so that a change of data is a diff of data."""

import csv
from collections.abc import Iterator
from importlib import resources


class TableError(ValueError):
    """A table of this package holds a row that cannot be read."""


def read_table(name: str) -> str:
    """The text of a table, from the checkout or from the installed package."""
    return resources.files("hardware").joinpath(name).read_text(encoding="utf-8")


def table_rows(text: str, columns: tuple[str, ...], name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (place, row) of each line. Raises TableError where the columns are not `columns`, in that order."""
    lines = csv.reader(text.splitlines())
    header = next(lines, [])
    if tuple(header) != columns:
        raise TableError(f"{name}:1: the columns are {','.join(header)}; they must be {','.join(columns)}")
    for fields in lines:
        place = f"{name}:{lines.line_num}"
        if len(fields) != len(columns):
            raise TableError(f"{place}: {len(fields)} fields; there must be {len(columns)}, one a column")
        yield place, dict(zip(columns, fields, strict=True))
