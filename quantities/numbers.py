"""Plain numbers and switches, as text says them: no underscores, no yes and no, no hexadecimal."""

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")


def _count(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value) and value != "0":
        return int(value)
    raise ValueError(f"{value!r} is not a whole number above 0; write digits alone, as in 8")


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    raise ValueError(f"{value!r} is not a number; write one as in 0.9")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in {"true", "false"}:
        return value == "true"
    raise ValueError(f"{value!r} is neither true nor false; write one of them")


Count = Annotated[int, BeforeValidator(_count), WithJsonSchema({"type": "integer", "minimum": 1})]
"""A whole number from 1."""
Number = Annotated[float, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
"""Any finite number."""
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
"""true or false."""
