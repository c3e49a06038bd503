"""What a client sent, as plain values: from TorchServe's row or from a notebook's argument. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import RequestError

_BODY_KEYS = ("body", "data")
"""Under which TorchServe passes a whole body, and under which clients of its examples post one."""


@dataclass(frozen=True)
class Request:
    """A body of plain text, or fields (a JSON object, a form, the address's parameters), or both."""

    text: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    def string(self, name: str) -> str:
        """That field. Raises RequestError where it is missing, blank or no text."""
        return _checked(self.fields.get(name), name)

    def text_or(self, name: str) -> str:
        """The body of plain text, else that field. Raises RequestError as `string` does."""
        return _checked(self.fields.get(name, self.text), name)

    def integer(self, name: str, *, default: int, least: int, most: int) -> int:
        """That field, also where a form or an address carries it as text. Raises RequestError outside the bounds."""
        value = self.fields.get(name, default)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise RequestError(
                f'"{name}" is no whole number from {least} to {most}; send one, or leave it out'
            )
        return value


def read_request(row: object, content_type: str = "") -> Request:
    """One row of a batch, or what a notebook passes: a mapping, text, or bytes.

    Raises:
        RequestError: it is nothing of that, not UTF-8, or not the JSON that its content type says.
    """
    if not isinstance(row, Mapping):
        return _read_body(row, content_type)
    body = next((key for key in _BODY_KEYS if key in row), None)
    others = {str(name): _decoded(value) for name, value in row.items() if name != body}
    if body is None:
        return Request(fields=others)
    read = _read_body(row[body], content_type)
    return Request(text=read.text, fields={**others, **read.fields})


def _read_body(body: object, content_type: str) -> Request:
    if isinstance(body, Mapping):
        return Request(fields={str(name): _decoded(value) for name, value in body.items()})
    text = _decoded(body)
    if not isinstance(text, str):
        raise RequestError("the body is neither text nor a JSON object; send one of them")
    kind = content_type.partition(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    if not is_json and (kind.startswith("text/") or not text.lstrip().startswith("{")):
        return Request(text=text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        if not is_json:
            return Request(text=text)
        raise RequestError(
            "the body is not JSON, as its content type says; send JSON or text/plain"
        ) from None
    if isinstance(value, dict):
        return Request(fields=value)
    raise RequestError("the body is JSON, and no object; send one with named fields")


def _decoded(value: object) -> object:
    if not isinstance(value, (bytes, bytearray)):
        return value
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise RequestError("the text is not UTF-8; encode it so") from None


def _checked(value: object, name: str) -> str:
    if value is None:
        raise RequestError(f'"{name}" is missing; send it as a field of a JSON object')
    if not isinstance(value, str):
        raise RequestError(f'"{name}" is no text; send it in quotes')
    if not value.strip():
        raise RequestError(f'"{name}" is empty; send at least one word')
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RequestError(f'"{name}" has half of a surrogate pair; send both halves') from None
    return value
