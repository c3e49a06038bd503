"""Weights of made language models: small files in a research bucket, whose entries name them by their true digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from artifacts.digest import FileDigest, Kind, digest_of
from sandbox.research.seeds import WrittenSeed
from tests.engine.clones import Clone

BUCKET: Final = WrittenSeed.listed()[0].bucket


def artifact(model: str) -> dict[str, str]:
    """What an entry says of the weights of that model."""
    files = [
        FileDigest(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in _files(model).items()
    ]
    return {"bucket": BUCKET, "path": _path(model), "digest": digest_of(Kind.TREE, files)}


def upload(clone: Clone, models: Iterable[str]) -> None:
    """Put the files of the models where their entries look for them. The sandbox runs, and its bucket is there."""
    s3 = clone.aws("s3")
    for model in models:
        for name, content in _files(model).items():
            s3.put_object(Bucket=BUCKET, Key=f"{_path(model)}/{name}", Body=content)


def pinned(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry, each of whose versions has the model's weights."""
    languages = {
        language: {
            **variant,
            "versions": {
                name: {**version, "artifact": artifact(entry["model"])}
                for name, version in variant["versions"].items()
            },
        }
        for language, variant in entry["languages"].items()
    }
    return {**entry, "languages": languages}


def _path(model: str) -> str:
    return f"generated/{model}"


def _files(model: str) -> dict[str, bytes]:
    return {"config.json": b"{}", "model.safetensors": model.encode()}
