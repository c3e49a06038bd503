"""Waits until a new or changed object is ready; the real provider's rules and annotations."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sandbox.kubernetes.apply import Target
from sandbox.kubernetes.awaiting import conditions, reasons
from sandbox.kubernetes.awaiting.conditions import Progress
from sandbox.kubernetes.awaiting.following import Say, follow, only
from sandbox.kubernetes.client import ApiClient, ApiError, CancelledError, Json, UnreachableError
from sandbox.kubernetes.objects import SKIP_AWAIT, TIMEOUT_SECONDS, annotation, is_annotated, text

DEFAULT_TIMEOUT_SECONDS: Final = 600.0

_BETWEEN_REASONS_SECONDS: Final = 3.0
"""Pods usually start sooner, and reasons cost three lists."""


@dataclass
class NotReadyError(Exception):
    """The object exists and did not become ready."""

    live: Json
    reasons: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "; ".join(self.reasons)


def timeout_of(asked: float | None, inputs: Json) -> float:
    """Seconds to wait: the resource's customTimeouts, else its annotation, else ten minutes."""
    noted = annotation(inputs, TIMEOUT_SECONDS)
    return asked or (float(noted) if noted.isdigit() else DEFAULT_TIMEOUT_SECONDS)


def await_ready(client: ApiClient, target: Target, live: Json, timeout: float, say: Say) -> Json:
    """Waits until the object is ready; the object as it is then.

    Raises:
        NotReadyError: it failed, or was not ready in time; with the reasons that the cluster gives.
    """
    if is_annotated(target.body, SKIP_AWAIT) or _progress(client, live) is None:
        return live
    current, progress = live, Progress(done=False, message="")
    started = time.monotonic()
    explained = started
    try:
        for current in _versions(client, target, started + timeout):
            progress = _progress(client, current) or progress
            if progress.done:
                return current
            if progress.failed:
                break
            if time.monotonic() - explained > _BETWEEN_REASONS_SECONDS:
                explained = time.monotonic()
                why = reasons.explain(client, current)
                say(f"{progress.message}: {why[0]}" if why else progress.message)
            elif explained == started:
                say(progress.message)
    except (ApiError, UnreachableError, CancelledError) as error:
        raise NotReadyError(current, [str(error)]) from error
    why = reasons.explain(client, current)
    if progress.failed:
        raise NotReadyError(current, reasons.distinct([f"{target}: {progress.message}", *why]))
    summary = f"{target} was not ready within {timeout:.0f} s: {progress.message}"
    raise NotReadyError(current, [summary, *why])


def check_ready(client: ApiClient, target: Target, live: Json) -> None:
    """Looks once whether an object is ready.

    Raises:
        NotReadyError: it is not.
    """
    if is_annotated(target.body, SKIP_AWAIT):
        return
    progress = _progress(client, live)
    if progress is not None and not progress.done:
        why = reasons.explain(client, live)
        raise NotReadyError(live, reasons.distinct([f"{target}: {progress.message}", *why]))


def _versions(client: ApiClient, target: Target, deadline: float) -> Iterator[Json]:
    path, query = only(target.kind.collection(target.namespace), target.name)
    if target.kind.name == "Service" and conditions.waits_for_endpoints(target.body):
        path = f"/apis/discovery.k8s.io/v1/namespaces/{target.namespace}/endpointslices"
        query = {"labelSelector": f"kubernetes.io/service-name={target.name}"}
        for _ in follow(client, path, query, deadline):
            yield _live(client, target)
        return
    for found in follow(client, path, query, deadline):
        if not found:
            raise NotReadyError(target.body, [f"{target} was deleted while it was waited for"])
        yield found[0]


def _live(client: ApiClient, target: Target) -> Json:
    live = client.find(target.path)
    if live is None:
        raise NotReadyError(target.body, [f"{target} was deleted while it was waited for"])
    return live


def _progress(client: ApiClient, live: Json) -> Progress | None:
    kind = (text(live, "apiVersion"), text(live, "kind"))
    if kind == ("v1", "Service"):
        return conditions.service(live, _slices(client, live))
    if kind == ("v1", "PersistentVolumeClaim"):
        return conditions.persistent_volume_claim(live, _storage_class(client, live))
    return conditions.progress_of(live)


def _slices(client: ApiClient, live: Json) -> list[Json]:
    if not conditions.waits_for_endpoints(live):
        return []
    namespace, name = text(live, "metadata", "namespace"), text(live, "metadata", "name")
    listing = client.get(
        f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices",
        {"labelSelector": f"kubernetes.io/service-name={name}"},
    )
    return list(listing.get("items") or ())


def _storage_class(client: ApiClient, live: Json) -> Json | None:
    name = text(live, "spec", "storageClassName")
    return client.find(f"/apis/storage.k8s.io/v1/storageclasses/{name}") if name else None
