"""Where things lie in an archive, and how each of them is written: the same bytes on every machine, on every day."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterable
from typing import Final

MANIFEST_FOLDER: Final = "MAR-INF"
MANIFEST_NAME: Final = f"{MANIFEST_FOLDER}/MANIFEST.json"
MARK_NAME: Final = "slipway.json"
"""What Slipway says of an archive that it made: which handler, which weights."""

HANDLER_FILE: Final = "handler.py"
WEIGHTS_FOLDER: Final = "weights"
MODEL_CONFIG: Final = "model-config.yaml"
"""Of the manifest's configFile by habit; it would win over what the agent registers."""

MARK_FORMAT: Final = 1

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip knows."""
_MODE: Final = stat.S_IFREG | 0o644
_UNIX: Final = 3


def entry(name: str) -> zipfile.ZipInfo:
    """A file's header: no clock, no umask, no time zone, no compression, whose bytes are zlib's version's to choose."""
    made = zipfile.ZipInfo(name, date_time=_EPOCH)
    made.compress_type = zipfile.ZIP_STORED
    made.create_system = _UNIX
    made.external_attr = _MODE << 16
    return made


def stored(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip of these names and contents, in the order given: the same bytes for the same arguments."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", strict_timestamps=True) as archive:
        for name, content in members:
            archive.writestr(entry(name), content)
    return held.getvalue()
