"""One thin archive: the program of test_thin_archives.py."""

import json
from pathlib import Path
from typing import Any

import pulumi

from artifacts.resource import ThinArchive, ThinArchiveArgs

SETTINGS: dict[str, Any] = json.loads(Path("settings.json").read_text())

archive = ThinArchive("reader", ThinArchiveArgs(**SETTINGS))
pulumi.export("key", archive.key)
pulumi.export("size", archive.size)
