"""Servers of language models whose weights somebody has pinned, which those of the repository's catalog are not yet."""

from dataclasses import replace
from typing import Final

from model_catalog import BucketArtifact
from planning import TextGenerationPlan

DIGEST: Final = f"sha256:{'e' * 64}"


def served(server: TextGenerationPlan) -> TextGenerationPlan:
    """The server with an artifact of a research bucket, by digest, in place of the one that it has."""
    artifact = BucketArtifact(bucket="research-models", path="models/served", digest=DIGEST)
    pinned = replace(server, version=server.version.model_copy(update={"artifact": artifact}))
    return replace(
        pinned,
        artifact_prefixes=tuple(folder.prefix for folder in pinned.weights),
        models=tuple(replace(model, not_served="") for model in pinned.models),
    )
