from datetime import timedelta
from typing import Any

import pulumi_kubernetes as k8s
import pytest

from components.server_identity import server_labels
from components.server_pod import server_pod
from model_catalog import Environment, load_catalog
from planning import Server, make_plan
from tests.support.pools import POOLS

SERVERS = make_plan(
    load_catalog(),
    Environment.SANDBOX,
    POOLS,
).servers


def constraints(server: Server) -> dict[tuple[str, str], Any]:
    """By topology key and what happens where they cannot hold: the API server takes one of each pair."""
    container = k8s.core.v1.ContainerArgs(name="server")
    pod = server_pod(
        server,
        service_account="reader",
        init_container=container,
        container=container,
        volumes=[],
        stop=timedelta(seconds=30),
    )
    spread = pod.topology_spread_constraints
    assert isinstance(spread, list)
    found = {(one.topology_key, one.when_unsatisfiable): one for one in spread}
    assert len(found) == len(spread)
    return found


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_two_replicas_of_a_server_are_never_on_one_node_however_few_nodes_there_are(server: Server) -> None:
    node = constraints(server)["kubernetes.io/hostname", "DoNotSchedule"]
    assert node.max_skew == 1
    assert node.min_domains > 450, "EKS allows a node group so many nodes"
    assert node.label_selector == k8s.meta.v1.LabelSelectorArgs(
        match_labels={"slipway.dev/server": server.name}
    )


def test_a_node_without_any_server_is_preferred_to_another_zone() -> None:
    labels = {"app.kubernetes.io/component": "inference-server"}
    for server in SERVERS:
        assert labels.items() <= server_labels(server).items()
        wish = constraints(server)["kubernetes.io/hostname", "ScheduleAnyway"]
        assert wish.label_selector == k8s.meta.v1.LabelSelectorArgs(match_labels=labels)


def test_replicas_are_spread_over_zones_as_far_as_the_nodes_are() -> None:
    zone = constraints(SERVERS[0])["topology.kubernetes.io/zone", "ScheduleAnyway"]
    assert (zone.max_skew, zone.min_domains) == (1, None)
