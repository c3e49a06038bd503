"""A JSON file to import, with the place of each value, so that every refusal names line, column and JSON path."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NoReturn

from model_catalog.problem import CatalogError, Problem
from model_catalog.yaml_source import Location, parse_source

_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RULE: Final = "import-format"


class JsonFile:
    """One JSON object. Raises CatalogError for text that is none, or gives a key twice.

    `places` are line and column, in the file, of each character of text that stands escaped in another format.
    """

    def __init__(self, text: str, file: str, places: Sequence[tuple[int, int]] | None = None) -> None:
        self.file = file
        self._text, self._within = text, places
        # JSON is read as YAML for its places alone; tabs may stand between its values, where YAML has none.
        self._places = parse_source(text.replace("\t", " "), file)
        try:
            self.value: Any = json.loads(text)
        except json.JSONDecodeError as error:
            raise CatalogError(
                [self._moved(_not_json(file, error.lineno, error.colno, error.msg))]
            ) from error
        except RecursionError as error:
            raise CatalogError([_not_json(file, 1, 1, "it is nested too deeply")]) from error
        except ValueError as error:
            raise CatalogError([_not_json(file, 1, 1, "a number in it has too many digits")]) from error
        repeated = [problem for problem in self._places.problems if problem.rule == "duplicate-key"]
        if repeated:
            raise CatalogError(map(self._moved, repeated))

    def _moved(self, problem: Problem) -> Problem:
        """From a place in the text to that in the file."""
        if not self._within:
            return problem
        before = sum(len(line) for line in self._text.splitlines(keepends=True)[: problem.line - 1])
        line, column = self._within[min(before + problem.column, len(self._within)) - 1]
        return replace(problem, line=line, column=column)

    def problem(self, location: Location, message: str, fix: str, *, key: bool = False) -> Problem:
        """A finding at a location, which the message names as a JSON path."""
        return self._moved(
            self._places.problem(
                location, rule=_RULE, message=f"{json_path(location)} {message}", fix=fix, key=key
            )
        )

    def refuse(self, location: Location, message: str, fix: str, *, key: bool = False) -> NoReturn:
        """Raises CatalogError with the finding."""
        raise CatalogError([self.problem(location, message, fix, key=key)])

    def mapping(self, location: Location, known: Collection[str] | None = None) -> Mapping[str, Any]:
        """The object at a location. Raises CatalogError for another value, and for keys that are not known."""
        value = self._at(location)
        if not isinstance(value, dict) or not value:
            self.refuse(location, f"is {_shown(value)}", "Write an object with keys and values")
        unknown = [key for key in value if known is not None and key not in known]
        if unknown:
            fix = f"Take it out; it would be lost. Known keys: {', '.join(sorted(known or ()))}"
            raise CatalogError(
                self.problem((*location, key), "is not a key that can be imported", fix, key=True)
                for key in unknown
            )
        return value

    def text(self, location: Location, pattern: str, fix: str) -> str:
        """Text that matches the pattern. Raises CatalogError for anything else."""
        value = self._at(location)
        if not isinstance(value, str) or re.search(pattern, value) is None:
            self.refuse(location, f"is {_shown(value)}", fix)
        return value

    def count(self, location: Location, least: int = 1) -> int:
        """A whole number, at least `least`. Raises CatalogError for anything else."""
        value = self._at(location)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.refuse(location, f"is {_shown(value)}", f"Write a whole number from {least}")
        return value

    def flag(self, location: Location) -> bool:
        """true or false. Raises CatalogError for anything else."""
        value = self._at(location)
        if not isinstance(value, bool):
            self.refuse(location, f"is {_shown(value)}", "Write true or false")
        return value

    def _at(self, location: Location) -> Any:
        value = self.value
        for depth, step in enumerate(location):
            if not isinstance(value, dict) or step not in value:
                self.refuse(location[: depth + 1], "is missing", "Add it")
            value = value[step]
        return value


def json_path(location: Location) -> str:
    """("fr_reader", "1.0") → $.fr_reader["1.0"]."""
    steps = (str(step) for step in location)
    return "$" + "".join(f".{step}" if _BARE.fullmatch(step) else f"[{json.dumps(step)}]" for step in steps)


def _not_json(file: str, line: int, column: int, message: str) -> Problem:
    return Problem(
        file=file,
        line=line,
        column=column,
        rule="json-syntax",
        message=f"it is not JSON: {message}",
        fix="Make it valid JSON",
    )


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
