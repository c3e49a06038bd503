import json
from collections.abc import Callable, Sequence
from functools import cache

import pytest

from components import Cluster, ClusterArgs
from components.cluster import kubeconfig
from tests.support.recording import Recording


@pytest.fixture(scope="module")
def cluster(built: Callable[..., Recording]) -> Callable[[Sequence[str]], Recording]:
    def build(cidrs: Sequence[str]) -> Recording:
        args = ClusterArgs(
            region="eu-west-1", version="1.35", subnet_ids=["subnet-a", "subnet-b"], public_access_cidrs=cidrs
        )
        return built(lambda opts: Cluster("main", args, opts))

    return cache(build)


EKS = "aws:eks/cluster:Cluster"


def test_the_api_is_private_unless_somebody_is_let_in(cluster: Callable[[Sequence[str]], Recording]) -> None:
    closed = cluster(()).one(EKS).inputs["vpcConfig"]
    assert (closed["endpointPrivateAccess"], closed["endpointPublicAccess"]) == (True, False)
    assert "publicAccessCidrs" not in closed
    opened = cluster(("192.0.2.0/24",)).one(EKS).inputs["vpcConfig"]
    assert (opened["endpointPublicAccess"], opened["publicAccessCidrs"]) == (True, ["192.0.2.0/24"])


def test_secrets_are_encrypted_and_every_control_plane_log_is_kept(
    cluster: Callable[[Sequence[str]], Recording],
) -> None:
    recording = cluster(())
    inputs = recording.one(EKS).inputs
    assert inputs["encryptionConfig"] == {
        "provider": {"keyArn": "arn:mock:main-key"},
        "resources": ["secrets"],
    }
    assert recording.one("aws:kms/key:Key").inputs["enableKeyRotation"] is True
    assert len(inputs["enabledClusterLogTypes"]) == 5


def test_access_is_granted_by_api_and_its_creator_administers_it(
    cluster: Callable[[Sequence[str]], Recording],
) -> None:
    assert cluster(()).one(EKS).inputs["accessConfig"] == {
        "authenticationMode": "API",
        "bootstrapClusterCreatorAdminPermissions": True,
    }


def test_network_policies_are_enforced_and_pods_get_roles(
    cluster: Callable[[Sequence[str]], Recording],
) -> None:
    addons = {a.inputs["addonName"]: a.inputs for a in cluster(()).of_type("aws:eks/addon:Addon")}
    assert set(addons) == {"eks-pod-identity-agent", "vpc-cni"}
    assert json.loads(addons["vpc-cni"]["configurationValues"]) == {"enableNetworkPolicy": "true"}


def test_the_cluster_outlives_no_policy_that_it_needs(cluster: Callable[[Sequence[str]], Recording]) -> None:
    recording = cluster(())
    attachment = recording.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert attachment.inputs["policyArn"].endswith("/AmazonEKSClusterPolicy")
    assert attachment.urn in recording.one(EKS).dependencies


def test_the_kubeconfig_asks_for_a_token_and_holds_none() -> None:
    text = kubeconfig(name="main", endpoint="https://x", authority="Q0E=", region="eu-west-1")
    config = json.loads(text)
    (user,) = config["users"]
    assert set(user["user"]) == {"exec"}
    assert user["user"]["exec"]["apiVersion"] == "client.authentication.k8s.io/v1beta1"
    assert [user["user"]["exec"]["command"], *user["user"]["exec"]["args"]] == (
        ["aws", "eks", "get-token", "--cluster-name", "main", "--region", "eu-west-1", "--output", "json"]
    )
    assert config["clusters"][0]["cluster"] == {
        "certificate-authority-data": "Q0E=",
        "server": "https://x",
    }
    assert config["current-context"] == config["contexts"][0]["name"] == "main"


def test_it_registers_name_and_kubeconfig(cluster: Callable[[Sequence[str]], Recording]) -> None:
    recording = cluster(())
    outputs = recording.outputs[recording.one("slipway:cluster:Cluster").urn]
    assert set(outputs) == {"name", "kubeconfig"}
    assert outputs["name"] in outputs["kubeconfig"]
