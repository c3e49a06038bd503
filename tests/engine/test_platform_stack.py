"""Platform and servers in two stacks, and the way from one stack to two and back."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from sandbox.inspection import Inspection
from tests.engine.clones import Clone, new_clone
from tests.support.network_connections import (
    ALLOWED,
    GPU_EXPORTER,
    GRAFANA,
    MONITORING,
    NODES,
    OPERATOR,
    OTHERS,
    PROMETHEUS,
    REFUSED,
    STRANGER,
)
from tests.support.network_connections import SERVING as SERVING_NAMESPACE
from tests.support.network_policies import Pod, passes, selects

pytestmark = pytest.mark.engine

ONE, PLATFORM, SERVING = "sandbox", "sandbox-platform", "sandbox-serving"
RELEASE = "model_catalog/releases/sandbox.yaml"
ENTRY = "model_catalog/entries/language_identification/fast_text.yaml"
NETWORK_POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"
MONITORS = "/apis/monitoring.coreos.com/v1/namespaces/slipway-serving"
SERVING_PARTS = (
    r"::slipway::(slipway:(serving|index):|slipway:monitoring:ServerMonitoring::|kubernetes:.*::serving$)"
)
PLATFORM_PARTS = r"::slipway::slipway:"


def up(clone: Clone, stack: str) -> str:
    return clone.pulumi("up", f"--yes --skip-preview --non-interactive --stack {stack}").ok()


def resources(clone: Clone, stack: str) -> list[dict[str, Any]]:
    exported = json.loads(clone.pulumi("stack", f"export --stack {stack}").ok())
    found: list[dict[str, Any]] = exported["deployment"].get("resources") or []
    return found


def move(clone: Clone, pattern: str, source: str, target: str) -> str:
    """Moves the top-level resources whose URN matches; their children and providers go along."""
    urns = [
        resource["urn"]
        for resource in resources(clone, source)
        if "::pulumi:pulumi:Stack::" in resource.get("parent", "") and re.search(pattern, resource["urn"])
    ]
    stacks = f"--source organization/slipway/{source} --dest organization/slipway/{target}"
    named = " ".join(f"'{urn}'" for urn in urns)
    return clone.pulumi("state", f"move --yes --non-interactive {stacks} {named}").ok()


def is_unchanged(output: str) -> bool:
    return re.search(r"Resources:\n\s+\d+ unchanged\n", output) is not None


def phases(clone: Clone) -> set[str]:
    pods = Inspection(clone.sandbox).pods("slipway-serving", "app.kubernetes.io/part-of=slipway")
    return {pod.phase for pod in pods}


@pytest.fixture(scope="module", name="split")
def _split(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Clone, str]]:
    """Both stacks deployed, and what serving said before there was a platform."""
    clone = new_clone(tmp_path_factory.mktemp("split"))
    try:
        clone.slipway("sandbox", "start").ok()
        for stack in (PLATFORM, SERVING):
            clone.pulumi("stack", f"init {stack} --no-select --non-interactive").ok()
        too_early = clone.pulumi("preview", f"--non-interactive --stack {SERVING}")
        assert too_early.code != 0
        up(clone, PLATFORM)
        up(clone, SERVING)
        yield clone, too_early.output
    finally:
        clone.sandbox.stop()


@pytest.fixture(name="clone")
def _clone(split: tuple[Clone, str]) -> Iterator[Clone]:
    yield split[0]
    split[0].restore()


def test_servers_without_a_platform_say_which_stack_to_deploy_first(split: tuple[Clone, str]) -> None:
    _, output = split
    assert "Pulumi.sandbox-serving.yaml: slipway:platformStack:" in output
    assert "First run: pulumi up --stack organization/slipway/sandbox-platform" in output
    assert "Traceback" not in output


def test_servers_run_on_the_platform_of_another_stack(clone: Clone) -> None:
    assert phases(clone) == {"Running"}


def test_each_half_up_again_changes_nothing(clone: Clone) -> None:
    assert is_unchanged(up(clone, PLATFORM))
    assert is_unchanged(up(clone, SERVING))


def test_a_new_default_touches_serving_alone(clone: Clone) -> None:
    entry = yaml.safe_load((clone.root / ENTRY).read_text())
    versions = entry["languages"]["mul"]["versions"]
    versions["2"] = {**versions["1"], "notes": "The same, once more."}
    (clone.root / ENTRY).write_text(yaml.safe_dump(entry))
    clone.edit(RELEASE, 'FastText/mul: {default: "1"}', 'FastText/mul: {default: "2", versions: ["1", "2"]}')
    assert is_unchanged(clone.pulumi("preview", f"--non-interactive --stack {PLATFORM}").ok())
    previewed = clone.pulumi("preview", f"--non-interactive --stack {SERVING}").ok()
    assert not is_unchanged(previewed)
    assert "ConfigMap cpu-m6i-2xlarge-torchserve-1-models" in previewed
    assert "aws:eks" not in previewed


def test_every_server_has_a_monitor_and_alerts_of_real_kinds(clone: Clone) -> None:
    inspection = Inspection(clone.sandbox)
    servers = {
        item["metadata"]["labels"]["slipway.dev/server"]
        for item in inspection.request("GET", "/apis/apps/v1/namespaces/slipway-serving/deployments")["items"]
    }
    for kind in ("podmonitors", "prometheusrules"):
        watched = [
            item["metadata"]["labels"]["slipway.dev/server"]
            for item in inspection.request("GET", f"{MONITORS}/{kind}")["items"]
        ]
        assert sorted(watched) == sorted(servers), kind


def listed(clone: Clone, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = Inspection(clone.sandbox).request("GET", path)["items"]
    return items


def admit(clone: Clone, pod: Pod) -> str:
    """Make a pod with these labels, as the standard of its namespace wants it; returns its path."""
    confined = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    spec = {"containers": [{"name": "main", "image": "none", "securityContext": confined}]}
    body = {"metadata": {"generateName": "probe-", "labels": dict(pod.labels)}, "spec": spec}
    pods = f"/api/v1/namespaces/{pod.namespace}/pods"
    made = Inspection(clone.sandbox).request("POST", pods, body)
    return f"{pods}/{made['metadata']['name']}"


def test_the_api_server_s_policies_let_pass_what_is_needed_and_nothing_else(clone: Clone) -> None:
    policies = listed(clone, NETWORK_POLICIES)
    namespaces = {
        one["metadata"]["name"]: one["metadata"]["labels"] for one in listed(clone, "/api/v1/namespaces")
    }
    assert {SERVING_NAMESPACE, MONITORING, NODES} <= namespaces.keys()
    known = {**OTHERS, **namespaces}
    assert [one for one in ALLOWED if not passes(policies, known, *one)] == []
    assert [one for one in REFUSED if passes(policies, known, *one)] == []


def test_every_policy_selects_the_pods_that_it_should_by_the_api_server_s_own_word(clone: Clone) -> None:
    probes = [admit(clone, pod) for pod in (PROMETHEUS, GRAFANA, OPERATOR, GPU_EXPORTER, STRANGER)]
    pods = listed(clone, "/api/v1/pods")
    for policy in listed(clone, NETWORK_POLICIES):
        labels = policy["spec"]["podSelector"].get("matchLabels", {})
        selector = quote(",".join(f"{key}={value}" for key, value in labels.items()))
        namespace = policy["metadata"]["namespace"]
        found = listed(clone, f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")
        assert {one["metadata"]["name"] for one in found} == {
            one["metadata"]["name"]
            for one in pods
            if selects(policy, Pod(one["metadata"]["namespace"], one["metadata"]["labels"]))
        }
        assert found, f"{policy['metadata']['name']} selects nobody"
    for path in probes:
        Inspection(clone.sandbox).request("DELETE", f"{path}?gracePeriodSeconds=0")


@pytest.mark.long
def test_moving_from_two_stacks_to_one_and_back_changes_no_resource(clone: Clone) -> None:
    assert resources(clone, ONE) == [], "starting the sandbox made the stack"
    move(clone, PLATFORM_PARTS, PLATFORM, ONE)
    move(clone, SERVING_PARTS, SERVING, ONE)
    assert is_unchanged(clone.slipway("sandbox", "up", "--no-serve").ok())
    move(clone, SERVING_PARTS, ONE, SERVING)
    move(clone, PLATFORM_PARTS, ONE, PLATFORM)
    assert {r["type"] for r in resources(clone, ONE) if not r["type"].startswith("pulumi:")} == set()
    assert is_unchanged(up(clone, PLATFORM))
    assert is_unchanged(up(clone, SERVING))
    assert phases(clone) == {"Running"}
    assert clone.shell("git status --porcelain").ok() == ""


def test_destroying_both_halves_leaves_nothing(split: tuple[Clone, str]) -> None:
    clone, _ = split
    for stack in (SERVING, PLATFORM):
        clone.pulumi("destroy", f"--yes --skip-preview --non-interactive --stack {stack}").ok()
    inspection = Inspection(clone.sandbox)
    assert inspection.leftovers() == []
    definitions = inspection.request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
    assert definitions["items"] == []
