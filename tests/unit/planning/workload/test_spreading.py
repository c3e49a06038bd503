from typing import Any

import pytest

from model_catalog import Environment, load_catalog
from planning import Server, TorchServePlan, make_plan
from planning.workload import text_generation_pod, torchserve_pod
from tests.support.pools import POOLS

SERVERS = make_plan(
    load_catalog(),
    Environment.SANDBOX,
    POOLS,
).servers


def template(server: Server) -> dict[str, Any]:
    pod = torchserve_pod(server) if isinstance(server, TorchServePlan) else text_generation_pod(server)
    return pod.template()


def constraints(server: Server) -> dict[tuple[str, str], Any]:
    """By topology key and what happens where they cannot hold: the API server takes one of each pair."""
    spread = template(server)["spec"]["topologySpreadConstraints"]
    found = {(one["topologyKey"], one["whenUnsatisfiable"]): one for one in spread}
    assert len(found) == len(spread)
    return found


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_two_replicas_of_a_server_are_never_on_one_node_however_few_nodes_there_are(server: Server) -> None:
    node = constraints(server)["kubernetes.io/hostname", "DoNotSchedule"]
    assert node["maxSkew"] == 1
    assert node["minDomains"] > 450, "EKS allows a node group so many nodes"
    assert node["labelSelector"] == {"matchLabels": {"slipway.dev/server": server.name}}


def test_a_node_without_any_server_is_preferred_to_another_zone() -> None:
    labels = {"app.kubernetes.io/component": "inference-server"}
    for server in SERVERS:
        assert labels.items() <= template(server)["metadata"]["labels"].items()
        wish = constraints(server)["kubernetes.io/hostname", "ScheduleAnyway"]
        assert wish["labelSelector"] == {"matchLabels": labels}


def test_replicas_are_spread_over_zones_as_far_as_the_nodes_are() -> None:
    zone = constraints(SERVERS[0])["topology.kubernetes.io/zone", "ScheduleAnyway"]
    assert zone["maxSkew"] == 1
    assert "minDomains" not in zone
