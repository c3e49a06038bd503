"""Waits until a deleted object is gone."""

from __future__ import annotations

import time

from sandbox.kubernetes.apply import Target
from sandbox.kubernetes.awaiting.following import Say, follow, only
from sandbox.kubernetes.client import ApiClient, ApiError, Json
from sandbox.kubernetes.objects import condition, field, text
from sandbox.plugin import ProviderError


def await_deleted(client: ApiClient, target: Target, uid: str, timeout: float, say: Say) -> None:
    """Waits until the object with this uid is gone; one of the same name that came later is another.

    Raises:
        ProviderError: it is still there after ``timeout`` seconds; names the finalizers that hold it.
    """
    path, query = only(target.kind.collection(target.namespace), target.name)
    deadline = time.monotonic() + timeout
    last: Json = {}
    try:
        for found in follow(client, path, query, deadline):
            left = [live for live in found if not uid or text(live, "metadata", "uid") == uid]
            if not left:
                return
            last = left[0]
            say(f"waiting for {target} to be gone{_held_by(last)}")
    except ApiError as error:
        if error.status == 404:
            return  # its definition went with it
        raise ProviderError(f"{target}: {error.message}") from error
    raise ProviderError(f"{target} is still there {timeout:.0f} s after its deletion began{_held_by(last)}")


def _held_by(live: Json) -> str:
    finalizers = [
        *(field(live, "metadata", "finalizers") or ()),
        *(f"{name} (of the namespace)" for name in field(live, "spec", "finalizers") or ()),
    ]
    held = f"; held by finalizers: {', '.join(finalizers)}" if finalizers else ""
    remaining = condition(live, "NamespaceContentRemaining")
    if remaining.get("status") == "True":
        held += f"; {remaining.get('message')}"
    blocked = condition(live, "NamespaceFinalizersRemaining")
    if blocked.get("status") == "True":
        held += f"; {blocked.get('message')}"
    return held
