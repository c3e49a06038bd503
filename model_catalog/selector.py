"""`Task/Model/lang@version`: how a person names one thing in the catalog, or several."""

import re
from dataclasses import dataclass
from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

TASK_PATTERN = r"[A-Z][A-Za-z0-9]*"
MODEL_PATTERN = r"[A-Za-z][A-Za-z0-9._-]*"
LANGUAGE_PATTERN = r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
"""BCP 47: language, then script, region and variants, in the canonical case of RFC 5646 §2.1.1."""
SCRIPT_PATTERN = r"[A-Z][a-z]{3}"
"""ISO 15924."""
VERSION_PATTERN = r"[0-9A-Za-z][0-9A-Za-z._-]*"

_TEXT = re.compile(
    rf"(?P<task>{TASK_PATTERN})"
    rf"(/(?P<model>{MODEL_PATTERN})"
    rf"(/(?P<language>{LANGUAGE_PATTERN})"
    rf"(@(?P<version>{VERSION_PATTERN}))?)?)?"
)


@dataclass(frozen=True, kw_only=True)
class Selector:
    """A task, one of its models, a language of that, or a version of that."""

    task: str
    model: str | None = None
    language: str | None = None
    version: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "QuestionAnswering/Reader/fr@2". Raises ValueError with the expected form."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{text!r} is not a selector; write Task/Model/lang@version, as in Search/Ranker/fr@2"
            )
        return cls(
            task=match["task"], model=match["model"], language=match["language"], version=match["version"]
        )

    @property
    def variant(self) -> "Selector":
        """The selector without its version."""
        return Selector(task=self.task, model=self.model, language=self.language)

    @property
    def sort_key(self) -> tuple[str, str, str, str]:
        """A total order in which the broader selector comes first."""
        return (self.task, self.model or "", self.language or "", self.version or "")

    def matches(self, other: "Selector") -> bool:
        """Whether `other` is this one or lies within it."""
        pairs = (
            (self.task, other.task),
            (self.model, other.model),
            (self.language, other.language),
            (self.version, other.version),
        )
        return all(mine is None or mine == theirs for mine, theirs in pairs)

    def __str__(self) -> str:
        parts = [part for part in (self.task, self.model, self.language) if part is not None]
        return "/".join(parts) + (f"@{self.version}" if self.version is not None else "")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        def validate(value: Any) -> Selector:
            return value if isinstance(value, Selector) else cls.parse(str(value))

        return core_schema.no_info_plain_validator_function(
            validate, serialization=core_schema.to_string_ser_schema()
        )
