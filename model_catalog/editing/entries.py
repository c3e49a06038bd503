"""What commands do to an entry, as functions from text to text."""

from typing import Any

from model_catalog.artifact import BucketArtifact
from model_catalog.editing.places import EditError, plain
from model_catalog.editing.rewriting import with_value
from model_catalog.inheritance import EntrySource
from model_catalog.selector import Selector
from model_catalog.yaml_source import Location, parse_source


def with_digest(text: str, version: Selector, digest: str) -> str:
    """The entry's text whose one version says this digest of its artifact.

    Raises EditError where the text does not say that version, or is in a form that commands do not edit.
    """
    value = plain(text)
    try:
        artifact = value["languages"][version.language]["versions"][version.version]["artifact"]
        artifact["digest"] = digest
    except (KeyError, TypeError) as error:
        raise EditError(f"it does not say what {version}'s artifact is; write the digest by hand") from error
    return with_value(text, value)


def with_artifact(text: str, version: Selector, place: Location, artifact: BucketArtifact) -> str:
    """Return the entry's text with this artifact at a place in one version: ("artifact",) or ("adapters", "legal").

    What a language or the entry hands down is changed where it is written, for all versions that get it. Raises
    EditError where the text does not say it, or is in a form that commands do not edit.
    """
    value = plain(text)
    effective = ("languages", version.language or "", "versions", version.version or "", *place)
    *above, last = EntrySource(parse_source(text.encode(), "")).written(effective)
    said: Any = value
    try:
        for step in above:
            said = said[step]
        before = said[last]
        # A key that stays comes first: what is new is put behind it.
        said[last] = {"digest": artifact.digest, **written_artifact(artifact)}
    except (KeyError, TypeError) as error:
        raise EditError(
            f"it does not say what {version}'s {'.'.join(map(str, place))} is; write it by hand"
        ) from error
    return text if before == said[last] else with_value(text, value)


def written_artifact(artifact: BucketArtifact) -> dict[str, Any]:
    """Return the artifact as an entry says it: what is given alone, in order."""
    written: dict[str, Any] = artifact.model_dump(mode="json", exclude_none=True)
    return written
