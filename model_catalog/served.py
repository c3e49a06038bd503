"""What keeps a version of TorchServe from being served: its agent knows files by their digest alone (docs/agent.md)."""

from dataclasses import dataclass

from engines import UNRESOLVED
from model_catalog.artifact import HubArtifact
from model_catalog.version import TorchServeVersion


@dataclass(frozen=True, kw_only=True)
class Unservable:
    """Why servers leave a version out."""

    rule: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.fix}"


def unservable(version: TorchServeVersion) -> Unservable | None:
    """None where it has files that can be copied and served."""
    artifact = version.artifact
    if isinstance(artifact, HubArtifact):
        return Unservable(
            rule="served-artifact",
            reason=f"its artifact is {artifact}, which nothing can be copied from yet",
            fix="mirror it into a bucket, and name bucket, path and digest in its entry",
        )
    if artifact.digest == UNRESOLVED:
        return Unservable(
            rule="served-artifact",
            reason="its artifact's digest is unresolved",
            fix=f"`slipway artifacts digest {artifact}` prints it",
        )
    if version.handler is None and not artifact.path.endswith(".mar"):
        return Unservable(
            rule="archive-or-handler",
            reason=f"{artifact} is no .mar and it has no handler",
            fix="name the .mar in artifact.path, or give it a handler",
        )
    return None
