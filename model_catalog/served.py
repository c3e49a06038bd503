"""Whether TorchServe's agent can be told of a version: it knows files by their digest (docs/agent.md)."""

from engines import UNRESOLVED
from model_catalog.artifact import HubArtifact
from model_catalog.version import TorchServeVersion


def not_served_because(version: TorchServeVersion) -> str | None:
    """Why a server leaves it out, and what prints what is missing; None where it is served."""
    artifact = version.artifact
    if isinstance(artifact, HubArtifact):
        return f"its artifact is {artifact}, which nothing copies; name the same files in a bucket"
    if artifact.digest == UNRESOLVED:
        return f"its artifact's digest is unresolved; `slipway artifacts digest {artifact}` prints it"
    return None
