"""What an update that was cut off left in the account is found and removed; what a state knows is not touched."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sandbox.paths import SandboxPaths
from tests.engine.holdings import Holdings
from tests.engine.sandbox.aws import cases

if TYPE_CHECKING:
    from tests.engine.sandbox.aws.conftest import Engine, FakeCluster


def _holdings(engine: Engine) -> Holdings:
    sandbox: Any = SimpleNamespace(
        endpoints=lambda: SimpleNamespace(aws_url=engine.environment["AWS_ENDPOINT_URL"]),
        paths=SandboxPaths.of_environment(engine.environment),
    )
    return Holdings(sandbox)


def _state(engine: Engine) -> list[dict[str, str]]:
    return [{"type": made.urn.split("::")[2], "id": made.id, "urn": made.urn} for made in engine.made]


def test_all_that_no_state_knows_is_found_and_removed_in_whatever_order_it_takes(
    engine: Engine, empty_account: Callable[[], None], cluster: FakeCluster
) -> None:
    empty_account()
    kept = engine.create("aws:s3/bucket:Bucket", "kept", {"forceDestroy": False})
    lost_from = len(engine.made)
    engine.create("aws:eks/nodeGroup:NodeGroup", "pool", cases.node_group(engine))
    for token, inputs in {
        "aws:eks/addon:Addon": {"clusterName": engine.made[-1].inputs["clusterName"], "addonName": "vpc-cni"},
        "aws:ec2/eip:Eip": {"domain": "vpc"},
        "aws:kms/key:Key": {},
        "aws:ec2/launchTemplate:LaunchTemplate": {"userData": "YSA9IDE="},
    }.items():
        engine.create(token, "lost", inputs)
    role = engine.create(
        "aws:iam/role:Role", "pods", {"assumeRolePolicy": cases.trust("pods.eks.amazonaws.com")}
    ).id
    policy = {"role": role, "policy": cases.allow("s3:GetObject")}
    engine.create("aws:iam/rolePolicy:RolePolicy", "read", policy)
    holdings, everything = _holdings(engine), _state(engine)
    lost = {(one["type"], one["id"]) for one in everything[lost_from:]}
    assert holdings.strays(everything) == []
    assert holdings.missing(everything) == []
    state = everything[:lost_from]
    assert {(stray.type, stray.id) for stray in holdings.strays(state)} == lost
    assert holdings.remove_lost(state, lambda _: None) == []
    assert holdings.strays(state) == []
    assert holdings.missing(everything) == sorted(f"{type_} {id_}" for type_, id_ in lost)
    assert engine.read(kept) is not None
    assert cluster.nodes == {}
