"""Follows one object, or one list, through the watch API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from sandbox.kubernetes.client import ApiClient, ApiError, Json
from sandbox.kubernetes.objects import name_of, text

_TURN_SECONDS: Final = 5.0
"""A watch lasts this long at most, so that deadlines are kept and reasons looked up now and then."""


def follow(
    client: ApiClient, collection: str, query: dict[str, str], deadline: float
) -> Iterator[list[Json]]:
    """The objects of a collection, again after each change and each few seconds, until the deadline.

    Args:
        client: the API server.
        collection: URL path of the list.
        query: field or label selector.
        deadline: on the monotonic clock.

    Raises:
        CancelledError: the engine asked to stop.
        ApiError: listing fails.
    """
    while True:
        listing = client.get(collection, query)
        objects = {_key(item): item for item in _items(listing)}
        version = text(listing, "metadata", "resourceVersion")
        yield list(objects.values())
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            client.raise_if_cancelled()
            try:
                for event in client.watch(collection, query, version, min(left, _TURN_SECONDS)):
                    version = text(event.object, "metadata", "resourceVersion")
                    if event.type == "BOOKMARK":
                        continue
                    objects[_key(event.object)] = event.object
                    if event.type == "DELETED":
                        del objects[_key(event.object)]
                    yield list(objects.values())
            except ApiError as error:
                if error.status != 410:
                    raise
                break  # too far behind: list again
            yield list(objects.values())


def only(kind_collection: str, name: str) -> tuple[str, dict[str, str]]:
    """Path and query that follow one object."""
    return kind_collection, {"fieldSelector": f"metadata.name={name}"}


def _items(listing: Json) -> list[Json]:
    """Items of a list, with the kind and version that a list leaves out of them."""
    kind = text(listing, "kind").removesuffix("List")
    shared = {"apiVersion": listing.get("apiVersion"), "kind": kind}
    return [{**shared, **item} for item in listing.get("items") or ()]


def _key(item: Json) -> tuple[str, str]:
    return text(item, "metadata", "namespace"), name_of(item)


Say = Callable[[str], None]
"""Shows one line of progress."""
