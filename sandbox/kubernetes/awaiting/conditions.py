"""When an object counts as ready, by kind: pure functions of what the API server answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.kubernetes.discovery import group_of
from sandbox.kubernetes.objects import condition, field, name_of, number, text

Live = Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """How far an object is."""

    done: bool
    message: str
    """What is waited for, or that it is done."""
    failed: bool = False
    """It will not become ready any more."""


Condition = Callable[[Live], Progress]


def progress_of(live: Live) -> Progress | None:
    """How far an object is by its own status; None for a kind that is ready as soon as it exists."""
    known = _BY_KIND.get((group_of(text(live, "apiVersion")), text(live, "kind")))
    return known(live) if known else None


def deployment(live: Live) -> Progress:
    """Rolled out: the controller has seen this generation, and all replicas are updated and available."""
    wanted = number(live, "spec", "replicas")
    updated = number(live, "status", "updatedReplicas")
    available = number(live, "status", "availableReplicas")
    total = number(live, "status", "replicas")
    if not _observed(live):
        return Progress(done=False, message="[1/2] waiting for the Deployment controller to see the change")
    if updated == wanted == available == total:
        return Progress(done=True, message=f"{wanted} of {wanted} pods are available")
    return Progress(
        done=False,
        message=f"[2/2] waiting for pods: {available} of {wanted} available, {updated} updated, {total} in all",
    )


def stateful_set(live: Live) -> Progress:
    """All replicas ready and of the update revision; of any revision when updates are OnDelete."""
    wanted = number(live, "spec", "replicas")
    ready = number(live, "status", "readyReplicas")
    if not _observed(live):
        return Progress(done=False, message="[1/2] waiting for the StatefulSet controller to see the change")
    right_count = ready == wanted == number(live, "status", "replicas")
    rolled = text(live, "status", "currentRevision") == text(live, "status", "updateRevision")
    if right_count and (rolled or text(live, "spec", "updateStrategy", "type") == "OnDelete"):
        return Progress(done=True, message=f"{wanted} of {wanted} pods are ready")
    updated = number(live, "status", "updatedReplicas")
    return Progress(
        done=False, message=f"[2/2] waiting for pods: {ready} of {wanted} ready, {updated} updated"
    )


def daemon_set(live: Live) -> Progress:
    """A pod of this generation available on every node that should have one."""
    if not _observed(live):
        return Progress(done=False, message="[1/2] waiting for the DaemonSet controller to see the change")
    wanted = number(live, "status", "desiredNumberScheduled")
    available = number(live, "status", "numberAvailable")
    updated = number(live, "status", "updatedNumberScheduled")
    if text(live, "spec", "updateStrategy", "type") == "OnDelete":
        updated = wanted
    if available == wanted == updated:
        return Progress(done=True, message=f"{wanted} of {wanted} pods are available")
    return Progress(
        done=False, message=f"[2/2] waiting for pods: {available} of {wanted} available, {updated} updated"
    )


def job(live: Live) -> Progress:
    """Complete; a suspended Job counts as ready, for nothing will happen until it is resumed."""
    failed = condition(live, "Failed")
    if failed.get("status") == "True":
        return Progress(done=False, failed=True, message=_because("the Job failed", failed))
    if condition(live, "Complete").get("status") == "True":
        return Progress(done=True, message="the Job is complete")
    if field(live, "spec", "suspend") is True:
        return Progress(done=True, message="the Job is suspended")
    succeeded = number(live, "status", "succeeded")
    wanted = field(live, "spec", "completions") or 1
    return Progress(done=False, message=f"waiting for the Job: {succeeded} of {wanted} pods succeeded")


def pod(live: Live) -> Progress:
    """Ready, or finished well."""
    phase = text(live, "status", "phase")
    if phase == "Succeeded" or condition(live, "Ready").get("status") == "True":
        return Progress(done=True, message="the Pod is ready")
    if phase == "Failed":
        message = text(live, "status", "message") or text(live, "status", "reason")
        return Progress(done=False, failed=True, message=f"the Pod failed: {message}".rstrip(": "))
    return Progress(done=False, message=f"waiting for the Pod to be ready, it is {phase or 'Pending'}")


def custom_resource_definition(live: Live) -> Progress:
    """Established, so that objects of it can be made."""
    if condition(live, "Established").get("status") == "True":
        return Progress(done=True, message="the CustomResourceDefinition is established")
    refused = condition(live, "NamesAccepted")
    if refused.get("status") == "False":
        message = _because("the names are not accepted", refused)
        return Progress(done=False, failed=True, message=message)
    return Progress(done=False, message="waiting for the CustomResourceDefinition to be established")


def persistent_volume(live: Live) -> Progress:
    """Available or bound."""
    phase = text(live, "status", "phase")
    done = phase in ("Available", "Bound")
    return Progress(done=done, message=f"the PersistentVolume is {phase or 'not seen yet'}")


def resource_quota(live: Live) -> Progress:
    """The controller has taken the limits over."""
    done = field(live, "spec", "hard") == field(live, "status", "hard")
    return Progress(done=done, message="waiting for the ResourceQuota to be in force")


def persistent_volume_claim(live: Live, storage_class: Live | None) -> Progress:
    """Bound; pending is right while its class waits for the first pod."""
    phase = text(live, "status", "phase") or "Pending"
    waits = storage_class is not None and text(storage_class, "volumeBindingMode") == "WaitForFirstConsumer"
    if phase == "Bound" or (waits and phase == "Pending"):
        return Progress(done=True, message=f"the PersistentVolumeClaim is {phase}")
    return Progress(done=False, message=f"waiting for the PersistentVolumeClaim to be bound, it is {phase}")


def waits_for_endpoints(live: Live) -> bool:
    """Whether a Service sends traffic to pods that it selects itself."""
    return (
        bool(field(live, "spec", "selector"))
        and text(live, "spec", "clusterIP") != "None"
        and text(live, "spec", "type") != "ExternalName"
    )


def service(live: Live, slices: Sequence[Live]) -> Progress:
    """No selected pod is unready, and a load balancer has its address.

    A Service that selects no pod at all is ready, as with the real provider: its pods may come later.
    """
    if text(live, "spec", "type") == "LoadBalancer" and not field(live, "status", "loadBalancer", "ingress"):
        return Progress(done=False, message="waiting for the load balancer's address")
    if not waits_for_endpoints(live):
        return Progress(done=True, message="the Service is ready")
    if not slices:
        return Progress(done=False, message="[1/2] waiting for the Service's endpoints")
    endpoints = [endpoint for piece in slices for endpoint in piece.get("endpoints") or ()]
    ready = [e for e in endpoints if field(e, "conditions", "ready") is not False]
    leaving = [e for e in endpoints if field(e, "conditions", "terminating") is True]
    pending = len([e for e in endpoints if e not in ready and e not in leaving])
    if pending:
        message = f"[2/2] waiting for the Service's pods: {len(ready)} ready, {pending} not"
        return Progress(done=False, message=message)
    return Progress(done=True, message=f"the Service {name_of(live)} has {len(ready)} endpoints")


def _observed(live: Live) -> bool:
    return number(live, "status", "observedGeneration") >= number(live, "metadata", "generation") > 0


def _because(what: str, cause: Mapping[str, Any]) -> str:
    return f"{what}: {cause.get('reason', '')}: {cause.get('message', '')}".rstrip(": ")


_BY_KIND: Final[Mapping[tuple[str, str], Condition]] = {
    ("", "PersistentVolume"): persistent_volume,
    ("", "Pod"): pod,
    ("", "ResourceQuota"): resource_quota,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): custom_resource_definition,
    ("apps", "DaemonSet"): daemon_set,
    ("apps", "Deployment"): deployment,
    ("apps", "StatefulSet"): stateful_set,
    ("batch", "Job"): job,
}
