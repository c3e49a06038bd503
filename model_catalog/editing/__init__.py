"""Changes to catalog files as pure functions from text to text: every line that says nothing else stays as it is."""

from model_catalog.editing.entries import with_artifact, with_digest, written_artifact
from model_catalog.editing.places import EditError, plain
from model_catalog.editing.releases import (
    ChangeError,
    as_canary,
    as_default,
    refuse_held,
    retiring,
    rolled_back,
    running_too,
    with_release,
    without_version,
)
from model_catalog.editing.rendering import Written, block
from model_catalog.editing.rewriting import with_value

__all__ = [
    "ChangeError",
    "EditError",
    "Written",
    "as_canary",
    "as_default",
    "block",
    "plain",
    "refuse_held",
    "retiring",
    "rolled_back",
    "running_too",
    "with_artifact",
    "with_digest",
    "with_release",
    "with_value",
    "without_version",
    "written_artifact",
]
