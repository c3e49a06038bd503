"""Thirty models on a real scheduler: what the placement says is what runs, now and after each kind of change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import yaml

from sandbox.inspection import Inspection
from tests.engine import many_models, research
from tests.engine.clones import Clone, new_clone
from tests.engine.many_models import LOCK, RELEASE, torchserve

pytestmark = pytest.mark.engine

SEED: Final = 7
SERVING: Final = "slipway-serving"
PODS: Final = f"/api/v1/namespaces/{SERVING}/pods"
GPU: Final = "nvidia.com/gpu"
PATIENCE_SECONDS: Final = 60


@dataclass(frozen=True)
class Pod:
    name: str
    uid: str
    server: str
    node: str
    phase: str
    gpus: int

    @classmethod
    def of(cls, pod: dict[str, Any]) -> Pod:
        requests = [container["resources"].get("requests", {}) for container in pod["spec"]["containers"]]
        return cls(
            name=pod["metadata"]["name"],
            uid=pod["metadata"]["uid"],
            server=pod["metadata"]["labels"]["slipway.dev/server"],
            node=pod["spec"].get("nodeName", ""),
            phase=pod["status"]["phase"],
            gpus=sum(int(request.get(GPU, 0)) for request in requests),
        )


@pytest.fixture(scope="module", name="placed")
def _placed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = new_clone(tmp_path_factory.mktemp("placed"))
    models = many_models.many_models(SEED)
    many_models.write(clone.root, models)
    _write_lock(clone)
    _git(clone, "checkout -q -b base")
    _commit(clone)
    try:
        clone.slipway("sandbox", "start").ok()
        research.upload(clone, [model.entry["model"] for model in models if model.is_language_model])
        clone.slipway("sandbox", "up", "--no-serve").ok()
        yield clone
    finally:
        clone.sandbox.stop()


@pytest.fixture(name="clone")
def _clone(placed: Clone) -> Iterator[Clone]:
    yield placed
    _git(placed, "checkout -q --force base")
    _git(placed, "clean -fdq model_catalog")


@pytest.fixture(scope="module", name="plan")
def _plan(placed: Clone) -> dict[str, Any]:
    """Pool → what `slipway plan` says of it."""
    report = json.loads(placed.slipway("plan", "--env", "sandbox", "--format", "json").ok())
    return {pool["name"]: pool for pool in report["pools"]}


def test_every_replica_of_the_plan_runs_on_a_node_of_its_pool_where_the_scheduler_bound_it(
    clone: Clone, plan: dict[str, Any]
) -> None:
    pods, pools = _pods(clone), _pools(clone)
    planned = {
        (server["name"], name): server["replicas"]
        for name, pool in plan.items()
        for server in pool["servers"]
    }
    assert Counter((pod.server, pools[pod.node]) for pod in pods) == planned
    assert {pod.phase for pod in pods} == {"Running"}
    events = _items(clone, f"/api/v1/namespaces/{SERVING}/events")
    bound = {
        event["involvedObject"]["name"]: event.get("reportingComponent") or event["source"]["component"]
        for event in events
        if event["reason"] == "Scheduled"
    }
    assert {bound[pod.name] for pod in pods} == {"default-scheduler"}
    kinds = {(server.split("-torchserve-")[0] == pool, "-set-" in pool) for server, pool in planned}
    assert kinds == {(shared, packed) for shared in (True, False) for packed in (True, False)}, (
        "the seed gives shared servers and language models, alone on a node and beside others"
    )


def test_each_pool_has_the_nodes_of_the_plan_none_is_empty_and_none_gives_more_gpus_than_it_has(
    clone: Clone, plan: dict[str, Any]
) -> None:
    pods, pools = _pods(clone), _pools(clone)
    assert Counter(pools.values()) == {name: pool["nodes"] for name, pool in plan.items()}
    assert {node for node, pool in pools.items() if plan[pool]["use"] == "model"} == {
        pod.node for pod in pods
    }
    offered = {
        node["metadata"]["name"]: int(node["status"]["allocatable"].get(GPU, 0))
        for node in _items(clone, "/api/v1/nodes")
    }
    asked = dict.fromkeys(offered, 0)
    for pod in pods:
        asked[pod.node] += pod.gpus
    assert {node: gpus for node, gpus in asked.items() if gpus > offered[node]} == {}
    taken = dict.fromkeys(plan, 0)
    for node, gpus in asked.items():
        taken[pools[node]] += gpus
    assert taken == {name: pool["gpus"]["taken"] for name, pool in plan.items()}


def test_replicas_of_one_server_are_on_different_nodes(clone: Clone) -> None:
    nodes: dict[str, list[str]] = {}
    for pod in _pods(clone):
        nodes.setdefault(pod.server, []).append(pod.node)
    several = {server: found for server, found in nodes.items() if len(found) > 1}
    assert len(several) >= 3, "on CPUs, on GPUs, and with several GPUs each"
    assert {server: found for server, found in several.items() if len(set(found)) < len(found)} == {}


def test_a_replica_waits_for_a_node_of_its_own_where_another_node_of_the_pool_has_room(clone: Clone) -> None:
    """Each of the pool's two nodes has a GPU to spare, and one takes no pods for a while."""
    inspection, before = Inspection(clone.sandbox), {pod.uid for pod in _pods(clone)}
    pod = next(pod for pod in _pods(clone) if pod.server == "gpu-g5-12xlarge-set-2-torchserve-1")
    node = f"/api/v1/nodes/{pod.node}"
    try:
        inspection.request("PATCH", node, {"spec": {"unschedulable": True}})
        inspection.request("DELETE", f"{PODS}/{pod.name}")
        why = _await(clone, pod.server, before, _refused)
    finally:
        inspection.request("PATCH", node, {"spec": {"unschedulable": None}})
    assert "didn't match pod topology spread constraints" in why
    assert _await(clone, pod.server, before, _node_where_it_runs) == pod.node


def test_an_added_model_changes_what_watches_one_server_and_restarts_none(clone: Clone) -> None:
    """Its digest is unresolved, so the agent is not told of it yet."""
    pods, generations = _pods(clone), _generations(clone)
    many_models.add(clone.root, torchserve("Added", owner="ads", weights=300))
    added = _write_lock(clone)
    assert added.startswith("Classification/Added/fr: nowhere → "), added
    server = _place(clone, "Classification/Added/fr").replace("/", "-")
    steps = clone.steps()
    assert steps[f"kubernetes:monitoring.coreos.com/v1:PodMonitor {server}-monitoring-pods"] == "update"
    assert {name.rpartition(" ")[2].removeprefix(server) for name in steps} <= {
        "-monitoring-alerts",
        "-monitoring-pods",
    }
    clone.slipway("sandbox", "up", "--no-serve").ok()
    assert _generations(clone) == generations
    assert _pods(clone) == pods


def test_a_rollback_leaves_the_lock_byte_for_byte_as_it_is(clone: Clone) -> None:
    before = (clone.root / LOCK).read_bytes()
    variant = "Classification/Gpu00/de"
    assert _release(clone)[variant]["default"] == "2"
    clone.slipway("rollback", variant, "--to", "1", "--env", "sandbox", "--yes").ok()
    assert _release(clone)[variant]["default"] == "1"
    assert "says so already" in _write_lock(clone)
    assert (clone.root / LOCK).read_bytes() == before


@pytest.fixture(scope="module", name="branches")
def _branches(placed: Clone) -> dict[str, set[str]]:
    """Pull requests that add a model each: branch → the lines of its lock. The first two have neighbouring lines."""
    return {name.lower(): _pull_request(placed, name) for name in ("Gpu020", "Gpu021", "Zuletzt")}


def test_two_pull_requests_that_each_place_a_model_merge_without_a_conflict_and_move_nothing(
    clone: Clone, branches: dict[str, set[str]]
) -> None:
    _git(clone, "checkout -q -b merged base")
    for branch in ("gpu020", "zuletzt"):
        _git(clone, f"merge -q --no-edit {branch}")
    assert _lock_lines(clone) == branches["gpu020"] | branches["zuletzt"]
    assert "says so already" in _write_lock(clone)


def test_neighbouring_lines_conflict_and_keeping_both_sides_moves_nothing(
    clone: Clone, branches: dict[str, set[str]]
) -> None:
    _git(clone, "checkout -q -b both base")
    _git(clone, "merge -q --no-edit gpu020")
    conflict = clone.shell(f"{_GIT} merge --no-edit gpu021")
    assert conflict.code != 0
    assert f"Merge conflict in {LOCK}" in conflict.output
    _keep_both_sides(clone, RELEASE)
    refused = clone.slipway("plan", "--env", "sandbox")
    assert refused.code == 1
    assert "placement/sandbox.lock" in refused.output
    assert "Keep both sides' lines without the markers" in refused.output
    _keep_both_sides(clone, LOCK)
    assert "says so already" in _write_lock(clone)
    assert _lock_lines(clone) == branches["gpu020"] | branches["gpu021"]
    assert len(_lock_lines(clone)) == len(branches["gpu020"]) + 1


_GIT: Final = "git -c user.name=t -c user.email=t@localhost"


def _git(clone: Clone, words: str) -> None:
    clone.shell(f"{_GIT} {words}").ok()


def _commit(clone: Clone) -> None:
    _git(clone, "add -A")
    _git(clone, "commit -qm change")


def _pull_request(clone: Clone, name: str) -> set[str]:
    """A branch off base that adds a model and writes the lock; the lines of its lock."""
    _git(clone, f"checkout -q -b {name.lower()} base")
    many_models.add(clone.root, torchserve(name, owner="search", weights=100, device="cpu"))
    _write_lock(clone)
    _commit(clone)
    return _lock_lines(clone)


def _keep_both_sides(clone: Clone, file: str) -> None:
    path = clone.root / file
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(("<<<<<<<", "=======", ">>>>>>>"))))


def _write_lock(clone: Clone) -> str:
    return clone.slipway("plan", "--env", "sandbox", "--write").ok()


def _lock_lines(clone: Clone) -> set[str]:
    return {line for line in (clone.root / LOCK).read_text().splitlines() if not line.startswith("#")}


def _place(clone: Clone, selector: str) -> str:
    (line,) = (line for line in _lock_lines(clone) if line.startswith(f"{selector} "))
    return line.split()[1]


def _release(clone: Clone) -> dict[str, Any]:
    release: dict[str, Any] = yaml.safe_load((clone.root / RELEASE).read_text())
    return release


def _items(clone: Clone, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = Inspection(clone.sandbox).request("GET", path)["items"]
    return items


def _pods(clone: Clone) -> list[Pod]:
    return [Pod.of(pod) for pod in _items(clone, PODS) if "deletionTimestamp" not in pod["metadata"]]


def _pools(clone: Clone) -> dict[str, str]:
    """Node → its pool."""
    nodes = _items(clone, "/api/v1/nodes")
    return {node["metadata"]["name"]: node["metadata"]["labels"]["slipway.dev/pool"] for node in nodes}


def _generations(clone: Clone) -> dict[str, int]:
    """Server → how often its Deployment was changed."""
    return {
        item["metadata"]["labels"]["slipway.dev/server"]: item["metadata"]["generation"]
        for item in _items(clone, f"/apis/apps/v1/namespaces/{SERVING}/deployments")
    }


def _await(clone: Clone, server: str, before: set[str], says: Callable[[dict[str, Any]], str | None]) -> str:
    """What a new pod of the server says first, now or as it changes. `before` are the uids of pods that are not new."""
    for pod in Inspection(clone.sandbox).watch(PODS, PATIENCE_SECONDS):
        found = Pod.of(pod)
        if found.server == server and found.uid not in before and (said := says(pod)):
            return said
    raise AssertionError(f"no new pod of {server} said it within {PATIENCE_SECONDS} s")


def _refused(pod: dict[str, Any]) -> str | None:
    """The scheduler's words where it bound the pod to no node."""
    for condition in pod["status"].get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition["message"])
    return None


def _node_where_it_runs(pod: dict[str, Any]) -> str | None:
    return str(pod["spec"]["nodeName"]) if pod["status"]["phase"] == "Running" else None
