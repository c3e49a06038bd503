"""Thin archives: a function of model, version, handler code and weights' digest, byte for byte."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

from artifacts.archives.handlers import HandlerCode
from artifacts.archives.layout import HANDLER_FILE, MANIFEST_NAME, MARK_FORMAT, MARK_NAME, stored
from artifacts.archives.reading import read_archive
from artifacts.digest import PREFIX, is_digest
from artifacts.errors import RefusedError

ROOT: Final = "archives"
"""The folder of every bucket's thin archives."""

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def thin_archive(*, model: str, version: str, handler: HandlerCode, weights: str) -> bytes:
    """The archive's bytes: the same for the same arguments, wherever and whenever it is made.

    Raises:
        RefusedError: model or version cannot be part of a URL, `weights` is no digest, or the agent would refuse it.
    """
    content = stored(thin_members(model=model, version=version, handler=handler, weights=weights))
    read_archive(content)
    return content


def thin_members(
    *, model: str, version: str, handler: HandlerCode, weights: str
) -> tuple[tuple[str, bytes], ...]:
    """Name and content of each file, in the archive's order. Raises as :func:`thin_archive`."""
    for what, text in (("model", model), ("version", version)):
        if not _NAME.fullmatch(text):
            raise RefusedError(
                f"the {what} {text!r} becomes part of URLs and holds more than letters, digits, '_', '.' and '-'. "
                "Fix: rename it"
            )
    if not is_digest(weights):
        raise RefusedError(
            f"{model} {version}: the weights' digest is {weights!r}. Fix: write sha256: and 64 hex digits, as "
            "`slipway artifacts digest` prints them"
        )
    manifest = {
        "runtime": "python",
        "model": {"modelName": model, "modelVersion": version, "handler": HANDLER_FILE},
    }
    mark = {
        "format": MARK_FORMAT,
        "handler": {"name": handler.name, "version": handler.version},
        "weights": weights,
    }
    code = sorted(handler.files.items(), key=lambda file: file[0].encode())
    return ((MANIFEST_NAME, _json(manifest)), (MARK_NAME, _json(mark)), *code)


def archive_key(digest: str) -> str:
    """The key of an archive in an environment's bucket: `archives/sha256:….mar`."""
    if not is_digest(digest):
        raise ValueError(f"{digest!r} is not sha256: and 64 hex digits")
    return f"{ROOT}/{digest}.mar"


def archive_digest(content: bytes) -> str:
    """`sha256:…` of an archive's bytes."""
    return f"{PREFIX}{hashlib.sha256(content).hexdigest()}"


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()
