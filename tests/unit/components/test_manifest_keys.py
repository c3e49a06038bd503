"""Manifests against the types of Kubernetes' API, as the provider's SDK has them: a misspelled key would be sent."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi import _types

from components.kubernetes_objects import KINDS
from components.monitoring_policies import Specs, exporter_policies, monitoring_policies
from model_catalog import Environment, load_catalog
from planning import TorchServePlan, make_plan
from planning.workload import manifests, text_generation_workload, torchserve_workload
from tests.support.pools import POOLS

MANIFESTS = {
    f"{server.name} {suffix}": manifest
    for server in make_plan(load_catalog(), Environment.DEV, POOLS).servers
    for suffix, manifest in manifests(
        torchserve_workload(server, "serving", "{}")
        if isinstance(server, TorchServePlan)
        else text_generation_workload(server, "serving")
    ).items()
}


def options(type_: Any) -> list[Any]:
    """The types that a value may have, without those of Pulumi's outputs."""
    if get_origin(type_) is not Union:
        return [type_]
    found = [option for part in get_args(type_) for option in options(part)]
    return [one for one in found if get_origin(one) not in (Awaitable, pulumi.Output)]


def wrong(value: Any, type_: Any, path: str) -> Iterator[str]:
    """Places that the API has no key for, or takes another type at."""
    possible = options(type_)
    first = possible[0]
    if _types.is_input_type(first) and isinstance(value, Mapping):
        known = _types.input_type_types(first)
        for key, part in value.items():
            if key in known:
                yield from wrong(part, known[key], f"{path}.{key}")
            else:
                yield f"{path} has no key {key}"
    elif get_origin(first) is Sequence and isinstance(value, list):
        for number, part in enumerate(value):
            yield from wrong(part, get_args(first)[0], f"{path}[{number}]")
    elif get_origin(first) is Mapping and isinstance(value, Mapping):
        for key, part in value.items():
            yield from wrong(part, get_args(first)[1], f"{path}.{key}")
    elif not any(fits(value, one) for one in possible):
        yield f"{path} is {value!r}"


def fits(value: Any, type_: Any) -> bool:
    return (
        value in get_args(type_)
        if get_origin(type_) is Literal
        else isinstance(type_, type) and isinstance(value, type_)
    )


def types(kind: str) -> dict[str, Any]:
    """Key → type, of an object of this kind."""
    module = __import__(KINDS[kind].__module__, fromlist=["*"])
    return dict(_types.input_type_types(getattr(module, f"{kind}InitArgs")))


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_every_key_of_a_manifest_is_one_of_the_api_s(name: str) -> None:
    manifest = MANIFESTS[name]
    known = types(manifest["kind"])
    assert manifest.keys() <= known.keys()
    assert [found for key in manifest for found in wrong(manifest[key], known[key], key)] == []


@pytest.mark.parametrize(
    "specs",
    [monitoring_policies("10.0.0.0/16", serving_namespace="a", node_namespace="b"), exporter_policies()],
)
def test_every_key_of_a_policy_of_monitoring_is_one_of_the_api_s(specs: Specs) -> None:
    type_ = k8s.networking.v1.NetworkPolicySpecArgs
    assert [found for name, spec in specs.items() for found in wrong(spec, type_, name)] == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"replicaz": 1}, "spec has no key replicaz"),
        ({"replicas": "1"}, "spec.replicas is '1'"),
        (
            {"template": {"spec": {"containers": [{"nam": "a"}]}}},
            "spec.template.spec.containers[0] has no key nam",
        ),
        ({"selector": {"matchLabels": {"a": 1}}}, "spec.selector.matchLabels.a is 1"),
    ],
)
def test_a_key_that_the_api_does_not_have_is_noticed(value: Any, told: str) -> None:
    assert list(wrong(value, k8s.apps.v1.DeploymentSpecArgs, "spec")) == [told]
