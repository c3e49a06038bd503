"""One artifact: the program of test_with_the_engine.py."""

import json
from pathlib import Path
from typing import Any

import pulumi

from artifacts.resource import ModelArtifact, ModelArtifactArgs

SETTINGS: dict[str, Any] = json.loads(Path("settings.json").read_text())

artifact = ModelArtifact("reader", ModelArtifactArgs(**SETTINGS))
pulumi.export("files", artifact.files)
pulumi.export("size", artifact.size)
pulumi.export("files_prefix", artifact.files_prefix)
pulumi.export("manifest_sha256", artifact.manifest_sha256)
