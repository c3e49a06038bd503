"""Small hand-written models in TorchServe's archives. An answer is `language|version|code`: a test sees who gave it."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

from workloads.agent import Archive

HANDLER = '''
import time
import torch

class Reader:
    """Adds up weights that came with the archive, and says who it is."""

    def initialize(self, context):
        {on_load}
        folder = context.system_properties["model_dir"]
        with open(folder + "/weights.txt") as file:
            self.weights = torch.tensor([float(line) for line in file])
        self.who = "{language}|" + context.manifest["model"]["modelVersion"] + "|{code}"

    def handle(self, rows, context):
        {on_request}
        assert float(self.weights.sum()) == 6.0
        return [self.who for _ in rows]
'''


def build(
    language: str,
    version: str,
    *,
    code: str = "a",
    on_load: str = "pass",
    on_request: str = "pass",
    padding: int = 0,
) -> bytes:
    """An archive, equal for equal arguments. `on_load` and `on_request` are statements; padding is in bytes."""
    handler = HANDLER.format(language=language, code=code, on_load=on_load, on_request=on_request)
    manifest = {
        "runtime": "python",
        "model": {"modelName": "reader", "handler": "handler.py", "modelVersion": version},
    }
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in (
            ("MAR-INF/MANIFEST.json", json.dumps(manifest)),
            ("handler.py", handler),
            ("weights.txt", "1\n2\n3\n"),
            ("padding", "x" * padding),
        ):
            archive.writestr(zipfile.ZipInfo(name), text)
    return held.getvalue()


def publish(source: Path, name: str, content: bytes) -> Archive:
    """Puts it where the agent's source looks."""
    (source / name).write_bytes(content)
    return describe(name, content)


def describe(name: str, content: bytes) -> Archive:
    """The archive as a configuration names it."""
    return Archive(digest=f"sha256:{hashlib.sha256(content).hexdigest()}", location=name)
