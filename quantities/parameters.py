"""The number of a model's parameters, written as people say it: 7B, 350M."""

import re
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_TEXT: Final = re.compile(r"(?P<number>[0-9]{1,15}(\.[0-9]{1,9})?)(?P<unit>[KMBT]?)")


def _read(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _TEXT.fullmatch(value) if isinstance(value, str) else None
    amount = Decimal(match["number"]) * _UNITS[match["unit"]] if match else Decimal(0)
    if amount <= 0 or amount != int(amount):
        raise ValueError(
            f"{value!r} is not a number of parameters; write one as in 110M, 7.24B or 7241732096"
        )
    return int(amount)


ParameterCount = Annotated[
    int,
    BeforeValidator(_read),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,9})?[KMBT]?$"},
            ],
            "examples": ["110M", "7.24B"],
        }
    ),
]
"""K, M, B and T stand for thousand, million, billion (10⁹) and trillion (10¹²)."""
