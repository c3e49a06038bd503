"""When objects count as ready. The statuses are a 1.37 API server's, shortened."""

from typing import Any

import pytest

from sandbox.kubernetes.awaiting import conditions


def _deployment(wanted: int, generation: int = 1, **status: int) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"generation": generation},
        "spec": {"replicas": wanted},
        "status": {"observedGeneration": 1, **status},
    }


@pytest.mark.parametrize(
    ("live", "done"),
    [
        (_deployment(2, replicas=2, updatedReplicas=2, availableReplicas=2), True),
        (_deployment(2, replicas=2, updatedReplicas=2, availableReplicas=1), False),
        (_deployment(2, replicas=3, updatedReplicas=2, availableReplicas=3), False),
        (_deployment(2, generation=2, replicas=2, updatedReplicas=2, availableReplicas=2), False),
        (_deployment(0), True),
        ({**_deployment(1), "status": {}}, False),
    ],
    ids=[
        "all",
        "one unavailable",
        "an old pod left",
        "change not seen yet",
        "scaled to nothing",
        "no status",
    ],
)
def test_a_deployment_is_ready_when_all_its_pods_are_of_this_generation_and_available(
    live: dict[str, Any], done: bool
) -> None:
    progress = conditions.progress_of(live)
    assert progress is not None
    assert progress.done is done


def _job(*conditions_: str, suspend: bool = False) -> dict[str, Any]:
    found = [{"type": kind, "status": "True", "reason": "R", "message": "m"} for kind in conditions_]
    return {"spec": {"suspend": suspend}, "status": {"conditions": found}}


def test_a_job_is_ready_when_complete_and_lost_when_failed() -> None:
    assert not conditions.job(_job()).done
    assert conditions.job(_job("SuccessCriteriaMet", "Complete")).done
    assert conditions.job(_job(suspend=True)).done
    failed = conditions.job(_job("Failed"))
    assert (failed.done, failed.failed, failed.message) == (False, True, "the Job failed: R: m")


def test_a_stateful_set_is_ready_when_all_pods_are_and_the_revision_is_rolled_out() -> None:
    status = {"observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "currentRevision": "a"}
    live = {"metadata": {"generation": 1}, "spec": {"replicas": 2}, "status": status}
    assert not conditions.stateful_set({**live, "status": {**status, "updateRevision": "b"}}).done
    assert conditions.stateful_set({**live, "status": {**status, "updateRevision": "a"}}).done


def test_a_daemon_set_needs_a_pod_on_each_node_that_should_have_one() -> None:
    status = {"observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2}
    live = {"metadata": {"generation": 1}, "status": {**status, "numberAvailable": 1}}
    assert not conditions.daemon_set(live).done
    assert conditions.daemon_set({**live, "status": {**status, "numberAvailable": 2}}).done
    nowhere = {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}
    assert conditions.daemon_set(nowhere).done


def test_a_definition_is_ready_when_established_and_lost_when_its_names_are_taken() -> None:
    ready = {"status": {"conditions": [{"type": "Established", "status": "True"}]}}
    taken = {"status": {"conditions": [{"type": "NamesAccepted", "status": "False", "message": "taken"}]}}
    assert conditions.custom_resource_definition(ready).done
    assert conditions.custom_resource_definition(taken).failed


def _service(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "s"}, "spec": {"selector": {"app": "a"}, **spec}}


def _slice(*ready: bool) -> dict[str, Any]:
    return {"endpoints": [{"conditions": {"ready": value}} for value in ready]}


@pytest.mark.parametrize(
    ("live", "slices", "done"),
    [
        (_service(), [], False),
        (_service(), [{"endpoints": None}], True),
        (_service(), [_slice(True, True)], True),
        (_service(), [_slice(True), _slice(False)], False),
        (_service(selector={}), [], True),
        (_service(clusterIP="None"), [], True),
        (_service(type="ExternalName"), [], True),
        (_service(type="LoadBalancer"), [_slice(True)], False),
    ],
    ids=["none yet", "no pods", "all ready", "one not", "no selector", "headless", "external", "no address"],
)
def test_a_service_waits_for_the_pods_that_it_selects(
    live: dict[str, Any], slices: list[dict[str, Any]], done: bool
) -> None:
    assert conditions.service(live, slices).done is done


def test_a_claim_may_stay_pending_when_its_class_waits_for_the_first_pod() -> None:
    pending = {"status": {"phase": "Pending"}}
    assert not conditions.persistent_volume_claim(pending, None).done
    waits = {"volumeBindingMode": "WaitForFirstConsumer"}
    assert conditions.persistent_volume_claim(pending, waits).done
    assert conditions.persistent_volume_claim({"status": {"phase": "Bound"}}, None).done


def test_a_kind_without_a_rule_is_ready_as_soon_as_it_exists() -> None:
    assert conditions.progress_of({"apiVersion": "v1", "kind": "ConfigMap"}) is None
