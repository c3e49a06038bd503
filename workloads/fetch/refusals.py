"""Why a fetch failed: the rule that does not hold, the fix, and the exit code, from what was raised."""

from __future__ import annotations

from dataclasses import dataclass

from workloads.artifacts.port import ContentError, DiskFullError, SourceError
from workloads.fetch.wanted import WantedFolder

WRONG, OUTSIDE = 1, 3
"""Exit codes: the artifact is not what was asked for; what is around it failed."""


@dataclass(frozen=True)
class Refusal:
    """What is said of a fetch that failed."""

    rule: str
    reason: str
    """It names the file or the place."""
    fix: str
    code: int

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}. Fix: {self.fix}"


def refusal(wanted: WantedFolder, source: str, error: Exception) -> Refusal:
    """Judge the error that a fetch ended with. `source` is as on the command line."""
    if isinstance(error, ContentError):
        return Refusal(
            rule="artifact-checked",
            reason=str(error),
            fix=f"`slipway artifacts verify {wanted.digest} --bucket {source.removeprefix('s3://')}` says what else is "
            "wrong; `pulumi refresh` and `pulumi up` copy it again from where research left it",
            code=WRONG,
        )
    if isinstance(error, SourceError) and error.missing:
        return Refusal(
            rule="artifact-published",
            reason=str(error),
            fix="`pulumi refresh` and `pulumi up` copy what is missing from where research left it",
            code=WRONG,
        )
    if isinstance(error, SourceError):
        return Refusal(
            rule="bucket-answers",
            reason=str(error),
            fix="the kubelet tries again by itself; if it goes on, look at the role of the pod's service account, the "
            "network policy's egress and S3's own health",
            code=OUTSIDE,
        )
    if isinstance(error, DiskFullError):
        return Refusal(
            rule="disk-room",
            reason=str(error),
            fix="give the server a node of its own, or nodes a larger disk (planning/pools.py, NODE_DISK_GIB)",
            code=OUTSIDE,
        )
    return Refusal(
        rule="volume-works",
        reason=f"{wanted.folder}: {type(error).__name__}: {error}",
        fix="delete the pod: its successor gets a new volume",
        code=OUTSIDE,
    )
