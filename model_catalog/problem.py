"""What is wrong with a catalog, and the error that carries all of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether the catalog can be used all the same."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """One finding: where, which rule, what is wrong, what to do."""

    file: str
    line: int
    """From 1."""
    column: int
    """From 1."""
    rule: str
    message: str
    fix: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        warning = "warning: " if self.severity is Severity.WARNING else ""
        said = f"{self.file}:{self.line}:{self.column} {self.rule} {warning}{self.message}. {self.fix}"
        return " ".join(said.splitlines())  # a reason may be several; a report has one for each finding


class CatalogError(Exception):
    """The catalog cannot be used. Holds every problem found, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
