"""A network's speed in bits a second."""

from decimal import Decimal
from typing import Self

_GIGABIT = 10**9


class BitRate(int):
    """A whole number of bits a second."""

    @classmethod
    def megabits(cls, count: int) -> Self:
        """`count` times 10⁶ bits a second."""
        return cls(count * 10**6)

    def __str__(self) -> str:
        """Return the rate as EC2 writes it: "2.5 Gigabit"."""
        return f"{(Decimal(int(self)) / _GIGABIT).normalize():f} Gigabit"

    def __repr__(self) -> str:
        return f"BitRate({str(self)!r})"
