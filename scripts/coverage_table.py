"""Prints what `coverage json` found as a table by package: `python -m scripts.coverage_table FILE`."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_COLUMNS: Final = ("num_statements", "covered_lines", "num_branches", "covered_branches")
_DEPTH: Final = 2
"""Folders of a package's name that are shown."""


def table(files: Mapping[str, Mapping[str, Mapping[str, int]]]) -> Iterator[str]:
    """The table's lines: for each package statements, branches and the percentage of both that ran; all at the end."""
    found: dict[str, Counter[str]] = {}
    for name, file in files.items():
        package = ".".join(Path(name).parts[:-1][:_DEPTH])
        found.setdefault(package, Counter()).update({column: file["summary"][column] for column in _COLUMNS})
    found = dict(sorted(found.items()))
    found["all"] = sum(found.values(), Counter())
    yield f"{'package':<28}{'statements':>12}{'ran':>8}{'branches':>10}{'ran':>8}{'%':>8}"
    for package, counts in found.items():
        statements, lines, branches, taken = (counts[column] for column in _COLUMNS)
        percent = 100 * (lines + taken) / max(1, statements + branches)
        yield f"{package:<28}{statements:>12}{lines:>8}{branches:>10}{taken:>8}{percent:>8.1f}"


def main() -> int:
    """Read the file and print the table."""
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(*table(report["files"]), sep="\n")  # noqa: T201 - a script speaks to a terminal
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
