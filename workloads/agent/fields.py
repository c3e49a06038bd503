"""Fields of a JSON document: what is unknown, missing or of another kind is an error that names its place."""

from __future__ import annotations

from typing import Any

from workloads.agent.limits import LONGEST_REASON

_SHOWN = 300
"""Characters of a value or a place in a message."""


class ConfigurationError(ValueError):
    """The document cannot be served as it is; the message names the place, the value and the rule."""

    def __init__(self, message: str) -> None:
        super().__init__(shortened(message, LONGEST_REASON))


def shortened(text: str, most: int = _SHOWN) -> str:
    """Return the text, or its first characters: what follows a value has to be seen too."""
    return text if len(text) <= most else f"{text[:most]}…"


def require(holds: bool, place: str, value: object, rule: str) -> None:
    """Raise ConfigurationError where it does not hold."""
    if not holds:
        raise ConfigurationError(f"{shortened(place)}: {shortened(str(value))}; the rule: it {rule}")


def objects(value: Any, place: str) -> dict[str, dict[str, Any]]:
    """Return the value, an object of objects. Raises ConfigurationError."""
    if not isinstance(value, dict):
        raise ConfigurationError(f"{shortened(place)}: {shortened(repr(value))} is no object")
    for name, inner in value.items():
        if not isinstance(inner, dict):
            raise ConfigurationError(f"{shortened(f'{place}.{name}')}: {shortened(repr(inner))} is no object")
    return value


class JsonObject:
    """A JSON object at a place. Every method raises ConfigurationError."""

    def __init__(self, document: Any, place: str, known: tuple[str, ...]) -> None:
        if not isinstance(document, dict):
            raise ConfigurationError(f"{shortened(place)}: {shortened(repr(document))} is no object")
        unknown: list[str] = sorted(document.keys() - set(known))
        if unknown:
            raise ConfigurationError(
                f"{shortened(place)}: unknown key {shortened(', '.join(unknown))}; known are {', '.join(known)}"
            )
        self._document = document
        self._place = shortened(place)

    def optional(self, key: str) -> Any:
        """Return the value, or None."""
        return self._document.get(key)

    def value(self, key: str) -> Any:
        """Return the value, which has to be there."""
        if key not in self._document:
            raise ConfigurationError(f"{self._place}.{key} is missing")
        return self._document[key]

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self.value(key) if default is None else self._document.get(key, default)
        if not isinstance(value, str):
            raise ConfigurationError(f"{self._place}.{key}: {shortened(repr(value))} is no text")
        return value

    def boolean(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._document.get(key, default)
        if not isinstance(value, bool):
            raise ConfigurationError(
                f"{self._place}.{key}: {shortened(repr(value))} is neither true nor false"
            )
        return value

    def integer(self, key: str, at_least: int, at_most: int, *, default: int | None = None) -> int:
        """Return a whole number within the range."""
        value = self.value(key) if default is None else self._document.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= at_most:
            rule = f"whole number of at least {at_least} and at most {at_most}"
            raise ConfigurationError(f"{self._place}.{key}: {shortened(repr(value))} is no {rule}")
        return value

    def number(self, key: str) -> float | None:
        """Return a number, or None."""
        value = self._document.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigurationError(f"{self._place}.{key}: {shortened(repr(value))} is no number")
        return float(value)
