"""Objects whose create answer never reached the engine, found again by whom the server says they belong to.

The field manager is named after the resource's URN, so the objects of a resource are those that its manager
applied. Of these the engine names the ones that it knows before it asks for a replacement; an object that is
being replaced is marked before its replacement is made, so that a later run does not take it for a lost one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sandbox.kubernetes.apply import is_managed_by, manager_of
from sandbox.kubernetes.client import ApiClient, ApiError
from sandbox.kubernetes.discovery import Kind
from sandbox.kubernetes.objects import field, id_of, is_annotated

REPLACED: Final = "slipway.dev/replaced"
"""On an object whose replacement is being made."""

_MARKER: Final = "slipway-sandbox"
"""Field manager of the mark."""


def lost(
    client: ApiClient, urn: str, kind: Kind, namespace: str, known: frozenset[str]
) -> Iterator[dict[str, Any]]:
    """The resource's objects that the engine does not know of, by name."""
    listing = client.get(kind.collection(namespace))
    for item in sorted(listing.get("items") or (), key=lambda item: str(item["metadata"]["name"])):
        gone = field(item, "metadata", "deletionTimestamp") is not None
        if (
            not gone
            and id_of(item) not in known
            and is_managed_by(item, manager_of(urn))
            and not is_annotated(item, REPLACED)
        ):
            yield {"apiVersion": kind.api_version, "kind": kind.name, **item}


def mark_replaced(client: ApiClient, path: str) -> None:
    """Marks an object as about to be replaced; one that is gone already needs no mark."""
    try:
        client.merge(path, {"fieldManager": _MARKER}, {"metadata": {"annotations": {REPLACED: "true"}}})
    except ApiError as error:
        if error.status != 404:
            raise
