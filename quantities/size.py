"""An amount of memory or storage in bytes, written with a unit."""

import re
from decimal import Decimal
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

_UNITS = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
}
_NUMBER = r"[0-9]{1,15}(\.[0-9]{1,9})?"
_TEXT = re.compile(rf"(?P<number>{_NUMBER}) ?(?P<unit>[A-Za-z]+)")


class Bytes(int):
    """A whole, non-negative number of bytes."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "440MiB", "1.5GiB" or "16GB". Raises ValueError naming the units it knows."""
        match = _TEXT.fullmatch(text.strip())
        if match is None or match["unit"] not in _UNITS:
            raise ValueError(f"{text!r} is not a size; write a number and a unit, as in 440MiB or 16GB")
        amount = Decimal(match["number"]) * _UNITS[match["unit"]]
        if amount != int(amount):
            raise ValueError(f"{text!r} is not a whole number of bytes; use a smaller unit")
        return cls(amount)

    @classmethod
    def mebibytes(cls, count: int) -> Self:
        """`count` MiB."""
        return cls(count * _UNITS["MiB"])

    def __add__(self, other: int) -> "Bytes":
        return Bytes(int(self) + int(other))

    def __mul__(self, factor: int) -> "Bytes":
        return Bytes(int(self) * int(factor))

    def __str__(self) -> str:
        """The largest binary unit that shows the amount exactly."""
        for unit in ("TiB", "GiB", "MiB", "KiB"):
            if self and self % _UNITS[unit] == 0:
                return f"{self // _UNITS[unit]}{unit}"
        return f"{int(self)}B"

    def __repr__(self) -> str:
        return f"Bytes({str(self)!r})"

    @property
    def kubernetes(self) -> str:
        """The amount as a Kubernetes quantity, rounded up to a whole Mi."""
        return f"{self.whole_mebibytes // _UNITS['MiB']}Mi"

    @property
    def whole_mebibytes(self) -> "Bytes":
        """Rounded up to a whole Mi, as pods request it."""
        return Bytes.mebibytes(-(-int(self) // _UNITS["MiB"]))

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        def validate(value: Any) -> Bytes:
            if isinstance(value, Bytes):
                return value
            if isinstance(value, str):
                return cls.parse(value)
            raise ValueError(f"{value!r} is not a size; write a number and a unit, as in 440MiB")

        return core_schema.no_info_plain_validator_function(
            validate, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": rf"^\s*{_NUMBER} ?({'|'.join(_UNITS)})\s*$",
            "examples": ["440MiB", "16GB"],
        }
