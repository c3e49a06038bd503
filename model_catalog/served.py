"""Why a version cannot be served: its pods know files by their digest alone (docs/artifacts.md), whichever engine reads
them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engines import UNRESOLVED
from model_catalog.artifact import Artifact, BucketArtifact, HubArtifact
from model_catalog.selector import Selector
from model_catalog.version import LlmVersion, TorchServeVersion, Version


@dataclass(frozen=True, kw_only=True)
class Unservable:
    """Why servers leave a version out."""

    rule: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.fix}"


def unservable(selector: Selector, version: Version) -> Unservable | None:
    """None where it has files that can be copied and served. `selector` is the version's own."""
    for what, artifact in _artifacts(version):
        if found := _uncopyable(selector, what, artifact):
            return found
    if isinstance(version, TorchServeVersion):
        return _unpacked(version)
    return None


def _artifacts(version: Version) -> Iterator[tuple[str, Artifact]]:
    """Each artifact that the version is made of, and what it is to it."""
    yield "its artifact", version.artifact
    if isinstance(version, LlmVersion):
        for name, adapter in sorted(version.adapters.items()):
            yield f"its adapter {name}", adapter


def _uncopyable(selector: Selector, what: str, artifact: Artifact) -> Unservable | None:
    if isinstance(artifact, HubArtifact):
        return Unservable(
            rule="served-artifact",
            reason=f"{what} is {artifact}, and servers read nothing but their environment's bucket",
            fix=f"`slipway artifacts mirror {selector} --to s3://BUCKET/PREFIX --write` brings it into a research "
            "bucket, and writes bucket, path and digest into its entry",
        )
    if artifact.digest == UNRESOLVED:
        return Unservable(
            rule="served-artifact",
            reason=f"{what}'s digest is unresolved",
            fix=f"`slipway artifacts digest {artifact}` prints it",
        )
    return None


def _unpacked(version: TorchServeVersion) -> Unservable | None:
    artifact = version.artifact
    if (
        version.handler is None
        and isinstance(artifact, BucketArtifact)
        and not artifact.path.endswith(".mar")
    ):
        return Unservable(
            rule="archive-or-handler",
            reason=f"{artifact} is no .mar and it has no handler",
            fix="name the .mar in artifact.path, or give it a handler",
        )
    return None
