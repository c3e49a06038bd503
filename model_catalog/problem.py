"""What is wrong with a catalog, and the error that carries all of it."""

from collections.abc import Iterable
from dataclasses import dataclass


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

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column} {self.rule} {self.message}. {self.fix}"


class CatalogError(Exception):
    """The catalog cannot be used. Holds every problem found, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
