"""Waits until a deleted object is gone."""

from __future__ import annotations

import time
from typing import Final

from plugin_server import ProviderError
from sandbox.kubernetes.apply import Target
from sandbox.kubernetes.awaiting.following import Say, follow, only
from sandbox.kubernetes.client import ApiClient, ApiError, Json
from sandbox.kubernetes.objects import condition, field, text

_FORGOTTEN_SECONDS: Final = 5.0
"""A definition whose kind nobody uses is gone within a second."""


def await_deleted(client: ApiClient, target: Target, uid: str, timeout: float, say: Say) -> None:
    """Waits until the object with this uid is gone; one of the same name that came later is another.

    Raises:
        ProviderError: it is still there after ``timeout`` seconds; names the finalizers that hold it.
    """
    path, query = only(target.kind.collection(target.namespace), target.name)
    deadline = time.monotonic() + timeout
    reminded = time.monotonic()
    last: Json = {}
    try:
        for found in follow(client, path, query, deadline):
            left = [live for live in found if not uid or text(live, "metadata", "uid") == uid]
            if not left:
                return
            last = left[0]
            say(f"waiting for {target} to be gone{_held_by(last)}")
            if _may_be_forgotten(last) and time.monotonic() - reminded >= _FORGOTTEN_SECONDS:
                reminded = time.monotonic()
                _remind(client, target, reminded)
    except ApiError as error:
        if error.status == 404:
            return  # its definition went with it
        raise ProviderError(f"{target}: {error.message}") from error
    raise ProviderError(f"{target} is still there {timeout:.0f} s after its deletion began{_held_by(last)}")


def _may_be_forgotten(live: Json) -> bool:
    """Whether the API server's own controller is to clear up after the definition of a kind.

    That one loses its turn when "storage is (re)initializing", as with a definition some seconds old: it notes the
    failure in the definition's status, its next attempt conflicts with that note, and a change of this note alone does
    not call it again. It looks at all every 5 minutes (apiextensions-apiserver 0.37.2, crd_finalizer.go; seen here
    with 4 minutes, 2026-11-22).
    """
    return text(live, "kind") == "CustomResourceDefinition" and field(live, "metadata", "finalizers") == [
        "customresourcecleanup.apiextensions.k8s.io"
    ]


def _remind(client: ApiClient, target: Target, now: float) -> None:
    """Any other change calls the controller again."""
    change = {"metadata": {"annotations": {"slipway.dev/waited-for": f"{now:.0f}"}}}
    client.merge(target.path, {"fieldManager": target.manager}, change)


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
