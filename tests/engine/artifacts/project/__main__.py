"""One artifact: the program of test_with_the_engine.py."""

import json
from pathlib import Path
from typing import Any

import pulumi

from artifacts.resource import ModelArtifact, ModelArtifactArgs

SETTINGS: dict[str, Any] = json.loads(Path("settings.json").read_text())

SECRET: list[str] = SETTINGS.pop("secret", [])
GIVEN = {name: pulumi.Output.secret(value) if name in SECRET else value for name, value in SETTINGS.items()}

artifact = ModelArtifact("reader", ModelArtifactArgs(**GIVEN))
pulumi.export("files", artifact.files)
pulumi.export("size", artifact.size)
pulumi.export("files_prefix", artifact.files_prefix)
pulumi.export("manifest_sha256", artifact.manifest_sha256)
