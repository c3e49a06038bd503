"""Each kind of resource in the stack, edited and then deleted behind Pulumi's back: seen, and mended."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import requests

from sandbox.aws.recorded import RECORDED_ONLY
from sandbox.inspection import Inspection
from sandbox.lifecycle import shell_exports
from tests.engine import crashes, edits
from tests.engine.clones import Clone, new_clone
from tests.engine.edits import NOTHING_TO_EDIT

pytestmark = pytest.mark.engine

State = dict[str, dict[str, Any]]
"""URN → resource."""

NAMESPACE: Final = "kubernetes:core/v1:Namespace"


@pytest.fixture(scope="module", name="clone")
def _clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = new_clone(tmp_path_factory.mktemp("drift"))
    try:
        clone.slipway("sandbox", "up", "--no-serve").ok()
        yield clone
    finally:
        clone.sandbox.stop()


def _state(clone: Clone) -> State:
    return {
        r["urn"]: r for r in clone.state()["resources"] if r.get("custom") and "providers" not in r["type"]
    }


def _found(resource: dict[str, Any]) -> tuple[object, object]:
    """What a refresh says of a resource: its inputs as they are now, or what of its files is damaged.

    The version of a node group's launch template is left out: to mend the template is to add another version.
    """
    inputs = dict(resource.get("inputs", {}))
    if "launchTemplate" in inputs:
        inputs["launchTemplate"] = {**inputs["launchTemplate"], "version": ""}
    return inputs, resource.get("outputs", {}).get("damage")


def _one_of_each(state: State) -> dict[str, dict[str, Any]]:
    """Type → its first resource by URN: the state's own order differs from run to run."""
    found: dict[str, dict[str, Any]] = {}
    for urn in sorted(state):
        found.setdefault(state[urn]["type"], state[urn])
    return found


def _refresh(clone: Clone, *, cluster_is_gone: bool = False) -> State:
    exports = shell_exports(clone.sandbox.environment())
    forget = "PULUMI_K8S_DELETE_UNREACHABLE=true " if cluster_is_gone else ""
    clone.shell(f"{exports}{forget}pulumi refresh --stack sandbox --yes --skip-preview").ok()
    return _state(clone)


def _nodes(clone: Clone) -> dict[str, list[str]]:
    """Pool → its nodes."""
    found: dict[str, list[str]] = {}
    for node in Inspection(clone.sandbox).request("GET", "/api/v1/nodes")["items"]:
        found.setdefault(node["metadata"]["labels"]["slipway.dev/pool"], []).append(node["metadata"]["name"])
    return found


def test_an_edit_of_each_kind_is_seen_by_refresh_and_mended_by_up(clone: Clone) -> None:
    before = _state(clone)
    kinds = _one_of_each(before)
    unknown = [type_ for type_ in kinds if not edits.has_edit(type_) and type_ not in NOTHING_TO_EDIT]
    assert unknown == [], "a new kind of resource needs an edit"
    documented = (clone.root / "docs" / "operations.md").read_text()
    assert [type_ for type_ in NOTHING_TO_EDIT if type_ not in documented] == []
    edited = {type_: resource for type_, resource in kinds.items() if type_ not in NOTHING_TO_EDIT}
    nodes = _nodes(clone)
    Inspection(clone.sandbox).request("DELETE", f"/api/v1/nodes/{nodes['gpu-g4dn-xlarge'][0]}")
    for resource in edited.values():
        edits.edit(clone, resource)
    seen = _refresh(clone)
    changed = {
        type_ for type_, r in edited.items() if _found(seen.get(r["urn"], {})) != _found(before[r["urn"]])
    }
    assert set(edited) - changed == set(), "refresh did not see these"
    clone.slipway("sandbox", "up", "--no-serve").ok()
    assert clone.steps("--refresh") == {}
    after = _state(clone)
    left = {t for t, r in edited.items() if _found(after[r["urn"]]) != _found(before[r["urn"]])}
    assert left == set(), "up did not mend these"
    assert {pool: len(names) for pool, names in _nodes(clone).items()} == {
        p: len(n) for p, n in nodes.items()
    }


def _delete_objects(clone: Clone, kinds: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Deletes the first object of each Kubernetes kind; namespaces go with the cluster, in a test of its own."""
    inspection = Inspection(clone.sandbox)
    gone = {t: r for t, r in kinds.items() if t.startswith("kubernetes:") and t != NAMESPACE}
    for type_, resource in gone.items():
        if type_ == "kubernetes:helm.sh/v3:Release":
            paths = _records_of_release(inspection, resource)
        else:
            paths = [edits.path_of(clone, resource)]
        for path in paths:
            inspection.request("DELETE", path)
    return gone


def _records_of_release(inspection: Inspection, release: dict[str, Any]) -> list[str]:
    """Paths of the Secrets in which Helm keeps a release, one a revision."""
    namespace, _, name = release["id"].partition("/")
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    found = inspection.request("GET", f"{secrets}?labelSelector=owner%3Dhelm%2Cname%3D{name}")["items"]
    assert found, f"Helm keeps no release {name} in {namespace}"
    return [f"{secrets}/{secret['metadata']['name']}" for secret in found]


def test_a_deletion_of_each_kind_is_seen_by_refresh_and_mended_by_up(clone: Clone) -> None:
    kinds = _one_of_each(_state(clone))
    iam, ec2, s3, eks = (clone.aws(service) for service in ("iam", "ec2", "s3", "eks"))

    def bucket(call: str) -> Callable[[dict[str, Any]], object]:
        return lambda r: getattr(s3, call)(Bucket=r["outputs"]["bucket"])

    deletions: dict[str, Callable[[dict[str, Any]], object]] = {
        "aws:ec2/route:Route": lambda r: ec2.delete_route(
            RouteTableId=r["inputs"]["routeTableId"], DestinationCidrBlock=r["inputs"]["destinationCidrBlock"]
        ),
        "aws:ec2/routeTableAssociation:RouteTableAssociation": lambda r: ec2.disassociate_route_table(
            AssociationId=r["id"]
        ),
        "aws:ec2/vpcEndpoint:VpcEndpoint": lambda r: ec2.delete_vpc_endpoints(VpcEndpointIds=[r["id"]]),
        "aws:ec2/launchTemplate:LaunchTemplate": lambda r: ec2.delete_launch_template(
            LaunchTemplateId=r["id"]
        ),
        "aws:eks/nodeGroup:NodeGroup": lambda r: eks.delete_nodegroup(
            clusterName=r["id"].partition(":")[0], nodegroupName=r["id"].partition(":")[2]
        ),
        "aws:iam/rolePolicy:RolePolicy": lambda r: iam.delete_role_policy(
            RoleName=r["id"].partition(":")[0], PolicyName=r["id"].partition(":")[2]
        ),
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda r: iam.detach_role_policy(
            RoleName=r["inputs"]["role"], PolicyArn=r["inputs"]["policyArn"]
        ),
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": bucket("delete_bucket_lifecycle"),
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls": bucket("delete_bucket_ownership_controls"),
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": bucket("delete_public_access_block"),
        "slipway:index:ModelArtifact": lambda r: s3.delete_object(
            Bucket=r["outputs"]["bucket"], Key=r["outputs"]["manifestKey"]
        ),
        "slipway:index:ThinArchive": lambda r: s3.delete_object(
            Bucket=r["outputs"]["bucket"], Key=r["outputs"]["key"]
        ),
        **{
            token: lambda r: edits.records_of(clone).remove(r["type"], r["id"])
            for token in RECORDED_ONLY
            if " " not in token
        },
    }
    gone = _delete_objects(clone, kinds)
    for type_ in deletions.keys() & kinds.keys():
        deletions[type_](kinds[type_])
        gone[type_] = kinds[type_]
    _assert_gone_and_mended(clone, gone)


def _scaling(clone: Clone, group: dict[str, Any]) -> dict[str, int]:
    """A node group's bounds and size, as the account has them."""
    cluster, _, name = group["id"].partition(":")
    described = clone.aws("eks").describe_nodegroup(clusterName=cluster, nodegroupName=name)
    scaling: dict[str, int] = described["nodegroup"]["scalingConfig"]
    return scaling


def test_how_many_nodes_there_are_is_the_autoscaler_s_alone_where_there_is_one_and_else_the_plan_s(
    clone: Clone,
) -> None:
    pool = "gpu-g4dn-xlarge"
    (group,) = (
        resource
        for resource in _state(clone).values()
        if resource["type"] == "aws:eks/nodeGroup:NodeGroup" and resource["urn"].endswith(pool)
    )
    planned, nodes = _scaling(clone, group), len(_nodes(clone)[pool])
    setting = "slipway:forceDestroy: true"
    clone.edit("Pulumi.sandbox.yaml", setting, f"{setting}\n  slipway:nodeAutoscaler: true")
    try:
        edits.edit(clone, group)
        assert _scaling(clone, group) == {
            "minSize": planned["minSize"],
            "desiredSize": planned["desiredSize"] + 1,
            "maxSize": planned["maxSize"] + 1,
        }
        _refresh(clone)
        clone.slipway("sandbox", "up", "--no-serve").ok()
        allowed = 4
        assert _scaling(clone, group) == {
            "minSize": 0,
            "desiredSize": planned["desiredSize"] + 1,
            "maxSize": allowed,
        }, "its bounds are the setting's, gpuNodes, which no model changes"
        assert len(_nodes(clone)[pool]) == nodes + 1
    finally:
        clone.restore()
    clone.slipway("sandbox", "up", "--no-serve").ok()
    assert _scaling(clone, group) == planned
    assert len(_nodes(clone)[pool]) == nodes


def test_an_account_that_somebody_emptied_is_built_anew_with_a_new_cluster_and_all_in_it(
    clone: Clone,
) -> None:
    """Deletes every kind that others hang on: network, cluster, namespaces, roles, keys, bucket."""
    kinds = _one_of_each(_state(clone))
    requests.post(f"{clone.sandbox.endpoints().aws_url}/moto-api/reset", timeout=30).raise_for_status()
    shutil.rmtree(clone.sandbox.paths.root / "recorded")
    _assert_gone_and_mended(clone, kinds, cluster_is_gone=True)


def _assert_gone_and_mended(
    clone: Clone, gone: dict[str, dict[str, Any]], *, cluster_is_gone: bool = False
) -> None:
    seen = _refresh(clone, cluster_is_gone=cluster_is_gone)
    # A setting that a bucket cannot be without is seen as changed.
    unseen = {t for t, r in gone.items() if seen.get(r["urn"], {}).get("inputs") == r["inputs"]}
    assert unseen == set(), "refresh did not see these"
    ran = clone.slipway("sandbox", "up", "--no-serve")
    assert str(crashes.check(clone, ran)) == "converged"
