"""What TorchServe can be given of an artifact."""

from collections.abc import Iterator

from engines import UNRESOLVED
from model_catalog.artifact import BucketArtifact
from model_catalog.problem import Problem
from model_catalog.rules.rule import Context, Rule
from model_catalog.version import TorchServeVersion


def _archive_or_handler(context: Context) -> Iterator[Problem]:
    for one in context.versions:
        version = one.version
        if not isinstance(version, TorchServeVersion) or version.handler is not None:
            continue
        artifact = version.artifact
        if not isinstance(artifact, BucketArtifact) or artifact.digest == UNRESOLVED:
            continue
        if not artifact.path.endswith(".mar"):
            yield context.in_entry(
                one.entry,
                (*one.location, "artifact", "path"),
                rule="archive-or-handler",
                message=f"{artifact} is no .mar, and no handler says how to load it",
                fix="Name the .mar, or give the version a handler",
            )


RULES = (
    Rule(
        id="archive-or-handler",
        demand="A version of TorchServe with a digest is one .mar, or files that a handler loads.",
        check=_archive_or_handler,
    ),
)
