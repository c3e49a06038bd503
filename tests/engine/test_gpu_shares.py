"""Shares of GPUs on the real scheduler: servers are bound to slices and instances as the plan says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from sandbox.inspection import Inspection
from tests.engine import research
from tests.engine.clones import Clone, new_clone
from tests.unit.planning.shares import chat

pytestmark = pytest.mark.engine

SLICED, MIG = "g5.2xlarge/time-sliced-2", "p4d.24xlarge/mig-3g.20gb"
MODELS = {"Chat0": SLICED, "Chat1": SLICED, **{f"Draft{number}": MIG for number in range(3)}}
POOLS = {SLICED: "gpu-g5-2xlarge-time-sliced-2-set-1", MIG: "gpu-p4d-24xlarge-mig-3g-20gb-set-1"}
GPU = "nvidia.com/gpu"


@pytest.fixture(scope="module", name="clone")
def _clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = new_clone(tmp_path_factory.mktemp("shares"))
    catalog = clone.root / "model_catalog"
    release: dict[str, Any] = {}
    for model, nodes in MODELS.items():
        path = catalog / "entries" / "text_generation" / f"{model.lower()}.yaml"
        path.write_text(yaml.safe_dump({**research.pinned(chat(model)), "owner": "nlp-platform"}))
        pin = {
            "instance_type": nodes.partition("/")[0],
            "reason": "As in tests.",
            "by": "nlp-platform",
            "until": "2099-12-31",
        }
        release[f"TextGeneration/{model}/mul"] = {"default": "1", "pin": pin}
    (catalog / "releases" / "sandbox.yaml").write_text(yaml.safe_dump(release))
    (catalog / "placement" / "sandbox.lock").unlink()
    clone.edit(
        "Pulumi.sandbox.yaml",
        "  slipway:forceDestroy: true\n",
        f"  slipway:forceDestroy: true\n  slipway:gpuNodes: {{{SLICED}: 1, {MIG}: 1}}\n",
    )
    try:
        clone.slipway("plan", "--env", "sandbox", "--write").ok()
        clone.slipway("sandbox", "start").ok()
        research.upload(clone, MODELS)
        clone.slipway("sandbox", "up", "--no-serve").ok()
        yield clone
    finally:
        clone.sandbox.stop()


def _listed(clone: Clone, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = Inspection(clone.sandbox).request("GET", path)["items"]
    return items


def test_every_server_is_bound_to_the_share_that_the_plan_gave_it(clone: Clone) -> None:
    pods = Inspection(clone.sandbox).pods("slipway-serving", "slipway.dev/server")
    assert Counter((pod.phase, pod.pool) for pod in pods) == {
        ("Running", POOLS[SLICED]): 2,
        ("Running", POOLS[MIG]): 3,
    }
    assert len({pod.node for pod in pods}) == 2


def test_nodes_offer_as_many_gpus_as_their_user_data_asks_for(clone: Clone) -> None:
    nodes = {node["metadata"]["labels"]["slipway.dev/pool"]: node for node in _listed(clone, "/api/v1/nodes")}
    assert nodes[POOLS[SLICED]]["status"]["allocatable"][GPU] == "2"
    assert nodes[POOLS[MIG]]["status"]["allocatable"][GPU] == "16"
    assert nodes[POOLS[MIG]]["metadata"]["labels"]["slipway.dev/gpu-share"] == "mig-3g.20gb"
    assert "none is divided" in nodes[POOLS[MIG]]["metadata"]["annotations"]["slipway.dev/emulated"]


def test_servers_on_slices_are_told_their_part_and_those_on_instances_are_not(clone: Clone) -> None:
    deployments = _listed(clone, "/apis/apps/v1/namespaces/slipway-serving/deployments")
    told = {
        item["metadata"]["name"]: sorted(
            word
            for word in item["spec"]["template"]["spec"]["containers"][0]["args"]
            if word.startswith(("--gpu-memory-utilization=", "--kv-cache-memory-bytes="))
        )
        for item in deployments
    }
    sliced = [words for words in told.values() if words]
    assert len(told) == len(MODELS)
    assert [words[0] for words in sliced] == ["--gpu-memory-utilization=0.4727"] * 2
    assert all(words[1].startswith("--kv-cache-memory-bytes=") for words in sliced)


def test_a_second_look_changes_nothing(clone: Clone) -> None:
    assert clone.steps() == {}
