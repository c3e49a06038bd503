"""A checkout whose French reader has two versions to export: one with a released handler, one packed by research."""

import hashlib
import io
import json
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from artifacts.storage import digest_path

CATALOG = Path(__file__).parents[1] / "unit" / "model_catalog" / "base"
WEIGHTS = Path(__file__).parents[2] / "sandbox" / "research" / "reader"
"""Of the extractive reader: a folder with one small file."""


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A catalog, and the files that its versions are of."""

    clone: Path
    weights: Path
    """`sha256-<hex>/` for each artifact, as on a pod's volume."""
    digest: str
    """Of the weights of version 2."""
    packed: bytes
    """Version 1.0."""

    @property
    def packed_digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.packed).hexdigest()}"

    def folder(self, digest: str) -> Path:
        """The files of one artifact."""
        return self.weights / digest.replace(":", "-")


def packed_archive(version: str = "1.0") -> bytes:
    """As research packs one, with weights and code of its own."""
    manifest = {"model": {"modelName": "reader", "modelVersion": version, "handler": "handler.py"}}
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))
        archive.writestr("handler.py", "pass")
    return held.getvalue()


def make_checkout(folder: Path, packed: bytes) -> Checkout:
    """Version 2 is the default, with batches; 1.0 runs beside it. The English reader has no digest."""
    digest = digest_path(WEIGHTS).digest
    made = Checkout(clone=folder / "clone", weights=folder / "weights", digest=digest, packed=packed)
    shutil.copytree(CATALOG, made.clone / "model_catalog")
    reader = made.clone / "model_catalog" / "entries" / "question_answering" / "reader.yaml"
    text = reader.read_text()
    two = "path: RemoteModels/fr/QuestionAnswering/Reader.mar, digest: unresolved}"
    one = "ReaderWPS.mar, digest: unresolved}"
    assert two in text
    assert one in text
    handler = "handler: {name: extractive_reader, version: 1.0.0}"
    serving = "serving: {max_workers: 2, batch_size: 4, max_batch_delay: 20ms, response_timeout: 45s}"
    text = text.replace(
        two, f'path: models/fr/reader, digest: "{digest}"}}\n        {handler}\n        {serving}'
    )
    reader.write_text(text.replace(one, f'ReaderWPS.mar, digest: "{made.packed_digest}"}}'))
    shutil.copytree(WEIGHTS, made.folder(digest))
    made.folder(made.packed_digest).mkdir(parents=True)
    (made.folder(made.packed_digest) / "ReaderWPS.mar").write_bytes(packed)
    return made
