"""Why an object is not ready, in the words of those who know: scheduler, kubelet, controllers, admission."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sandbox.kubernetes.client import ApiClient, ApiError, UnreachableError
from sandbox.kubernetes.objects import condition, field, name_of, namespace_of, text

Live = Mapping[str, Any]

_MOST: Final = 8
"""Reasons shown of one object; hundreds of pods fail for the same few."""

_NORMAL_WAITING: Final = frozenset({"ContainerCreating", "PodInitializing"})


def explain(client: ApiClient, live: Live) -> list[str]:
    """Why an object is not ready; empty when nobody has said anything.

    Asks the cluster for the object's pods and recent warnings; what cannot be asked is left out.
    """
    namespace = namespace_of(live)
    if not namespace:
        return list(condition_reasons(live))
    pods = [live] if text(live, "kind") == "Pod" else _selected(client, live, "/api/v1", "pods")
    related = [live, *pods]
    if text(live, "kind") == "Deployment":
        related += _selected(client, live, "/apis/apps/v1", "replicasets")
    events = _list(client, f"/api/v1/namespaces/{namespace}/events", {"fieldSelector": "type=Warning"})
    about = {text(item, "metadata", "uid") for item in related}
    said = [
        *condition_reasons(live),
        *(reason for item in pods for reason in pod_reasons(item)),
        *event_reasons(events, about),
    ]
    return distinct(said)[:_MOST]


def distinct(reasons: Iterable[str]) -> list[str]:
    """Reasons without those that another one says already, in order."""
    kept: list[str] = []
    for reason in reasons:
        if not any(_core(reason) in other for other in kept):
            kept.append(reason)
    return kept


def condition_reasons(live: Live) -> Iterator[str]:
    """What the object's own conditions complain about."""
    failure = condition(live, "ReplicaFailure")
    if failure.get("status") == "True":
        yield f"{failure.get('reason')}: {failure.get('message')}"
    progressing = condition(live, "Progressing")
    if progressing.get("status") == "False":
        yield f"{progressing.get('reason')}: {progressing.get('message')}"


def pod_reasons(pod: Live) -> Iterator[str]:
    """Why one pod does not run: not scheduled, or a container that waits or crashed."""
    name = name_of(pod)
    if text(pod, "status", "phase") == "Succeeded" or condition(pod, "Ready").get("status") == "True":
        return
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        yield f"pod {name}: {scheduled.get('reason')}: {scheduled.get('message')}"
        return
    statuses: Sequence[Live] = [
        *(field(pod, "status", "initContainerStatuses") or ()),
        *(field(pod, "status", "containerStatuses") or ()),
    ]
    said = False
    for status in statuses:
        waiting = field(status, "state", "waiting") or {}
        ended = field(status, "state", "terminated") or field(status, "lastState", "terminated") or {}
        if waiting.get("reason") and waiting["reason"] not in _NORMAL_WAITING:
            yield f"pod {name}, container {status.get('name')}: " + _joined(waiting)
            said = True
        if ended.get("exitCode"):
            ending = f"exit code {ended['exitCode']}: " + _joined(ended)
            yield f"pod {name}, container {status.get('name')}: " + ending.rstrip(": ")
            said = True
    if not said and (text(pod, "status", "message") or text(pod, "status", "reason")):
        yield f"pod {name}: {text(pod, 'status', 'reason')}: {text(pod, 'status', 'message')}"


def event_reasons(events: Sequence[Live], about: set[str]) -> Iterator[str]:
    """The newest warnings about objects with these uids."""
    related = [event for event in events if text(event, "involvedObject", "uid") in about]
    newest = sorted(related, key=_when, reverse=True)
    for event in newest[:_MOST]:
        thing = event["involvedObject"]
        kind = str(thing.get("kind", "")).lower()
        yield f"{kind} {thing.get('name')}: {event.get('reason')}: {event.get('message')}"


def _when(event: Live) -> str:
    return (
        text(event, "lastTimestamp")
        or text(event, "series", "lastObservedTime")
        or text(event, "eventTime")
        or text(event, "metadata", "creationTimestamp")
    )


def _core(reason: str) -> str:
    """A reason without who it is about."""
    return reason.partition(": ")[2] or reason


def _joined(state: Live) -> str:
    return f"{state.get('reason', '')}: {state.get('message', '')}".strip(": ")


def _selected(client: ApiClient, live: Live, root: str, plural: str) -> list[Live]:
    labels = field(live, "spec", "selector", "matchLabels")
    if text(live, "kind") == "Service":
        labels = field(live, "spec", "selector")
    if not isinstance(labels, Mapping) or not labels:
        return []
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    path = f"{root}/namespaces/{namespace_of(live)}/{plural}"
    return _list(client, path, {"labelSelector": selector})


def _list(client: ApiClient, path: str, query: Mapping[str, str]) -> list[Live]:
    try:
        return list(client.get(path, query).get("items") or ())
    except (ApiError, UnreachableError):
        return []  # an explanation must not fail what it explains
