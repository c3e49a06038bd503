"""Small hand-written models in TorchServe's archives. An answer is `language|version|code`: a test sees who gave it.

A fat archive brings its weights; a thin one finds them where the version's file says, and maps them into its memory.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from artifacts.digest import FileDigest, Kind, digest_of
from artifacts.manifest import Manifest, ManifestFile
from workloads.agent import Archive, Weights

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


THIN_HANDLER = '''
import json
import mmap
import os
import pathlib

class Reader:
    """Adds up numbers out of weights that lie beside the archive, at every request."""

    def initialize(self, context):
        version = context.manifest["model"]["modelVersion"]
        told = pathlib.Path(os.environ["SLIPWAY_VERSIONS"], context.model_name, version + ".json")
        folder = pathlib.Path(json.loads(told.read_text())["weights"])
        with open(folder / "model/weights.bin", "rb") as file:
            self.weights = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.who = "{language}|" + version + "|{code}"

    def handle(self, rows, context):
        assert set(self.weights[:3]) == {{1, 2, 3}} and self.weights[-1] == 7
        return [self.who for _ in rows]
'''

WEIGHTS = "model/weights.bin"


def weights_files(seed: str, size: int = 4096) -> dict[str, bytes]:
    """Six files; the thin handler looks at the largest."""
    whole = bytes([1, 2, 3]) + hashlib.shake_256(seed.encode()).digest(size - 4) + bytes([7])
    small = {f"part-{number}.bin": f"{seed} {number}".encode() * 100 for number in range(4)}
    return {WEIGHTS: whole, "config.json": json.dumps({"seed": seed}).encode(), **small}


@dataclass(frozen=True)
class Thin:
    """A thin archive and its weights."""

    archive: Archive
    weights: Weights
    gpu_memory_fraction: float | None = None


def artifact(files: Mapping[str, bytes]) -> tuple[Weights, dict[str, bytes]]:
    """An artifact as the promotion publishes it: how a configuration names it, and key → content."""
    described = [
        FileDigest(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in sorted(files.items())
    ]
    digest = digest_of(Kind.TREE, described)
    manifest = Manifest(
        kind="tree",
        digest=digest,
        source="s3://research/reader",
        files=tuple(
            ManifestFile(name=file.name, size=file.size, sha256=file.sha256, etag='"e"', version_id=None)
            for file in described
        ),
    )
    location = f"artifacts/{digest}"
    held = {f"{location}/files/{name}": content for name, content in files.items()}
    return Weights(digest, location), {**held, f"{location}/manifest.json": manifest.to_bytes()}


def build_thin(language: str, version: str, weights: Weights, *, code: str = "a") -> bytes:
    """An archive of a handler alone, equal for equal arguments."""
    handler = THIN_HANDLER.format(language=language, code=code)
    manifest = {
        "runtime": "python",
        "model": {"modelName": language, "handler": "handler.py", "modelVersion": version},
    }
    named = {"format": 1, "handler": {"name": "reader", "version": code}, "weights": weights.digest}
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in (
            ("MAR-INF/MANIFEST.json", json.dumps(manifest)),
            ("handler.py", handler),
            ("slipway.json", json.dumps(named)),
        ):
            archive.writestr(zipfile.ZipInfo(name), text)
    return held.getvalue()


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
