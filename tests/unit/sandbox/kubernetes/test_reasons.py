from typing import Any

from sandbox.kubernetes.awaiting.reasons import condition_reasons, distinct, event_reasons, pod_reasons

GPU = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available."


def _pod(*conditions: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p"},
        "status": {"phase": "Pending", "conditions": list(conditions), **status},
    }


def test_the_scheduler_is_quoted() -> None:
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": GPU}
    assert list(pod_reasons(_pod(unscheduled))) == [f"pod p: Unschedulable: {GPU}"]


def test_a_container_that_waits_says_what_for() -> None:
    waiting = {"name": "c", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    assert list(pod_reasons(_pod(containerStatuses=[waiting]))) == [
        "pod p, container c: ImagePullBackOff: no such image"
    ]


def test_a_crash_shows_its_exit_code() -> None:
    crashed = {
        "name": "c",
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
    }
    assert list(pod_reasons(_pod(containerStatuses=[crashed]))) == [
        "pod p, container c: CrashLoopBackOff",
        "pod p, container c: exit code 137: OOMKilled",
    ]


def test_a_pod_that_starts_or_is_ready_gives_no_reason() -> None:
    starting = {"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}}
    assert list(pod_reasons(_pod(containerStatuses=[starting]))) == []
    assert list(pod_reasons(_pod({"type": "Ready", "status": "True"}))) == []


def test_admission_of_pods_is_quoted_from_the_replica_failure() -> None:
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota",
    }
    assert list(condition_reasons(_pod(failure))) == ["FailedCreate: exceeded quota"]


def test_warnings_are_taken_newest_first_and_about_these_objects_only() -> None:
    def event(uid: str, when: str) -> dict[str, Any]:
        about = {"uid": uid, "kind": "Pod", "name": "p"}
        return {"involvedObject": about, "reason": "R", "message": when, "lastTimestamp": when}

    events = [event("u", "2026-01-01"), event("other", "2026-01-03"), event("u", "2026-01-02")]
    assert list(event_reasons(events, {"u"})) == ["pod p: R: 2026-01-02", "pod p: R: 2026-01-01"]


def test_the_same_reason_of_many_pods_is_given_once() -> None:
    assert distinct(["pod a: Unschedulable: x", "pod b: Unschedulable: x", "pod c: y"]) == [
        "pod a: Unschedulable: x",
        "pod c: y",
    ]
