"""A share of a hundred, written with its sign."""

import re
from decimal import Decimal
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

_TEXT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?%")
PATTERN = r"^(0?[0-9]{1,2}(\.[0-9]{1,6})?|100(\.0{1,6})?)%$"


class Percent(Decimal):
    """An exact percentage from 0% to 100%."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "99.5%". Raises ValueError for text that is no share of a hundred."""
        if _TEXT.fullmatch(text) is None or Decimal(text[:-1]) > 100:
            raise ValueError(f"{text!r} is not a percentage; write a number up to 100 and %, as in 99.5%")
        return cls(text[:-1])

    @property
    def fraction(self) -> Decimal:
        """99.5% → 0.995."""
        return Decimal(self) / 100

    def __str__(self) -> str:
        return f"{Decimal(self):f}%"

    def __format__(self, specifier: str, context: Any = None) -> str:
        return format(str(self), specifier)

    def __repr__(self) -> str:
        return f"Percent({str(self)!r})"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        def validate(value: Any) -> Percent:
            if isinstance(value, Percent):
                return value
            if isinstance(value, str):
                return cls.parse(value)
            raise ValueError(f"{value!r} is not a percentage; write a number and %, as in 99.5%")

        return core_schema.no_info_plain_validator_function(
            validate, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": PATTERN, "examples": ["99.5%"]}
