"""A case of each emulated type: inputs, a change in place, a replacement, and the id that `pulumi import` takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.engine.sandbox.aws.conftest import Engine, Resource

Inputs = dict[str, Any]


def trust(service: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                }
            ],
        }
    )


def allow(action: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [action], "Resource": ["*"]}]}
    )


def deny(action: str) -> str:
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "arn:aws:s3:::models/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def bucket(engine: Engine) -> str:
    return engine.create("aws:s3/bucket:Bucket", "models", {"forceDestroy": True}).id


def role(engine: Engine, service: str = "eks.amazonaws.com", name: str = "role") -> str:
    made = engine.create("aws:iam/role:Role", name, {"assumeRolePolicy": trust(service)})
    return str(made.state["arn"])


def vpc(engine: Engine) -> str:
    return engine.create("aws:ec2/vpc:Vpc", "network", {"cidrBlock": "10.0.0.0/16"}).id


def subnets(engine: Engine) -> list[str]:
    network = vpc(engine)
    return [
        engine.create(
            "aws:ec2/subnet:Subnet",
            f"private-{zone}",
            {"vpcId": network, "cidrBlock": f"10.0.{index}.0/24", "availabilityZone": f"eu-west-1{zone}"},
        ).id
        for index, zone in enumerate("ab")
    ]


def cluster_name(engine: Engine) -> str:
    inputs = {
        "roleArn": role(engine),
        "vpcConfig": {"subnetIds": subnets(engine)},
        "accessConfig": {"authenticationMode": "API"},
    }
    return engine.create("aws:eks/cluster:Cluster", "cluster", inputs).id


def table(engine: Engine) -> str:
    return engine.create("aws:ec2/routeTable:RouteTable", "table", {"vpcId": vpc(engine)}).id


def gateway(engine: Engine, network: str, name: str = "gateway") -> str:
    return engine.create("aws:ec2/internetGateway:InternetGateway", name, {"vpcId": network}).id


@dataclass(frozen=True)
class Case:
    token: str
    base: Callable[[Engine], Inputs]
    change: Inputs = field(default_factory=dict)
    """In place."""
    replace: Inputs = field(default_factory=dict)
    stays: bool = False
    """Whether AWS keeps it: versioning that was on once can be suspended and never removed."""

    import_id: Callable[[Resource], str] = lambda made: made.id
    """As the real provider documents it."""

    def __str__(self) -> str:
        return self.token.rpartition(":")[2]


def _route(engine: Engine) -> Inputs:
    network = vpc(engine)
    own = engine.create("aws:ec2/routeTable:RouteTable", "table", {"vpcId": network}).id
    return {
        "routeTableId": own,
        "destinationCidrBlock": "0.0.0.0/0",
        "gatewayId": gateway(engine, network),
    }


def node_group(engine: Engine) -> Inputs:
    name = cluster_name(engine)
    return {
        "clusterName": name,
        "nodeRoleArn": role(engine, "ec2.amazonaws.com", "nodes"),
        "subnetIds": [resource.id for resource in engine.made if ":Subnet" in resource.urn],
        "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 3},
        "instanceTypes": ["g5.xlarge", "g5.2xlarge"],
        "amiType": "BOTTLEROCKET_x86_64_NVIDIA",
        "labels": {"pool": "gpu"},
        "taints": [{"key": "gpu", "value": "true", "effect": "NO_SCHEDULE"}],
        "updateConfig": {"maxUnavailable": 1},
        "tags": {"team": "nlp"},
    }


def _pod_identity(engine: Engine) -> Inputs:
    return {
        "clusterName": cluster_name(engine),
        "namespace": "serving",
        "serviceAccount": "torchserve",
        "roleArn": role(engine, "pods.eks.amazonaws.com", "pods"),
    }


def _nat(engine: Engine) -> Inputs:
    return {
        "allocationId": engine.create("aws:ec2/eip:Eip", "address", {"domain": "vpc"}).id,
        "subnetId": subnets(engine)[0],
    }


CASES = (
    Case(
        "aws:s3/bucket:Bucket",
        lambda _: {"tags": {"team": "nlp"}},
        {"tags": {"team": "platform", "cost": "1"}},
        {"bucket": "another-name"},
    ),
    Case(
        "aws:s3/bucketVersioning:BucketVersioning",
        lambda engine: {"bucket": bucket(engine), "versioningConfiguration": {"status": "Enabled"}},
        {"versioningConfiguration": {"status": "Suspended"}},
        {"bucket": "other"},
        stays=True,
    ),
    Case(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        lambda engine: {
            "bucket": bucket(engine),
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": engine.create("aws:kms/key:Key", "key", {}).state["arn"],
                    },
                    "bucketKeyEnabled": True,
                }
            ],
        },
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        {"bucket": "other"},
    ),
    Case(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        lambda engine: {
            "bucket": bucket(engine),
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        {"blockPublicAcls": False},
        {"bucket": "other"},
    ),
    Case(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        lambda engine: {"bucket": bucket(engine), "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "ObjectWriter"}},
        {"bucket": "other"},
    ),
    Case(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        lambda engine: {
            "bucket": bucket(engine),
            "rules": [
                {
                    "id": "superseded",
                    "status": "Enabled",
                    "filter": {"prefix": "models/"},
                    "noncurrentVersionExpiration": {"noncurrentDays": 30},
                },
                {
                    "id": "uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                },
            ],
        },
        {
            "rules": [
                {
                    "id": "old",
                    "status": "Disabled",
                    "filter": {"prefix": ""},
                    "noncurrentVersionExpiration": {"noncurrentDays": 9},
                }
            ]
        },
        {"bucket": "other"},
    ),
    Case(
        "aws:s3/bucketPolicy:BucketPolicy",
        lambda engine: {"bucket": bucket(engine), "policy": deny("s3:GetObject")},
        {"policy": deny("s3:PutObject")},
        {"bucket": "other"},
    ),
    Case(
        "aws:kms/key:Key",
        lambda _: {"enableKeyRotation": True, "tags": {"team": "nlp"}},
        {"enableKeyRotation": False, "description": "artifacts", "tags": {}},
    ),
    Case(
        "aws:iam/role:Role",
        lambda _: {"assumeRolePolicy": trust("ec2.amazonaws.com"), "tags": {"a": "1"}},
        {"assumeRolePolicy": trust("eks.amazonaws.com"), "tags": {"b": "1"}},
        {"name": "other"},
    ),
    Case(
        "aws:iam/rolePolicy:RolePolicy",
        lambda engine: {"role": role(engine).rpartition("/")[2], "policy": allow("s3:GetObject")},
        {"policy": allow("s3:ListBucket")},
        {"name": "other"},
    ),
    Case(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        lambda engine: {
            "role": role(engine).rpartition("/")[2],
            "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy",
        },
        {},
        {"policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"},
    ),
    Case(
        "aws:ec2/vpc:Vpc",
        lambda _: {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": {"Name": "a"}},
        {"enableDnsHostnames": False, "tags": {"Name": "b"}},
        {"cidrBlock": "10.1.0.0/16"},
    ),
    Case(
        "aws:ec2/subnet:Subnet",
        lambda engine: {"vpcId": vpc(engine), "cidrBlock": "10.0.0.0/24", "availabilityZone": "eu-west-1a"},
        {"mapPublicIpOnLaunch": True, "tags": {"kubernetes.io/role/elb": "1"}},
        {"cidrBlock": "10.0.1.0/24"},
    ),
    Case(
        "aws:ec2/internetGateway:InternetGateway", lambda engine: {"vpcId": vpc(engine)}, {"tags": {"a": "1"}}
    ),
    Case("aws:ec2/eip:Eip", lambda _: {"domain": "vpc"}, {"tags": {"a": "1"}}),
    Case("aws:ec2/natGateway:NatGateway", _nat, {"tags": {"a": "1"}}, {"subnetId": "subnet-1"}),
    Case(
        "aws:ec2/routeTable:RouteTable",
        lambda engine: {"vpcId": vpc(engine)},
        {"tags": {"a": "1"}},
        {"vpcId": "vpc-1"},
    ),
    Case(
        "aws:ec2/route:Route",
        _route,
        {},
        {"destinationCidrBlock": "192.168.0.0/16"},
        import_id=lambda made: f"{made.inputs['routeTableId']}_{made.inputs['destinationCidrBlock']}",
    ),
    Case(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        lambda engine: {
            "routeTableId": table(engine),
            "subnetId": engine.create(
                "aws:ec2/subnet:Subnet", "s", {"vpcId": engine.made[0].id, "cidrBlock": "10.0.9.0/24"}
            ).id,
        },
        {},
        {"routeTableId": "rtb-1"},
        import_id=lambda made: f"{made.inputs['subnetId']}/{made.inputs['routeTableId']}",
    ),
    Case(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda engine: {
            "routeTableIds": [table(engine)],
            "vpcId": engine.made[0].id,
            "serviceName": "com.amazonaws.eu-west-1.s3",
        },
        {"tags": {"a": "1"}},
        {"serviceName": "com.amazonaws.eu-west-1.dynamodb"},
    ),
    Case(
        "aws:eks/cluster:Cluster",
        lambda engine: {
            "roleArn": role(engine),
            "vpcConfig": {"subnetIds": subnets(engine), "endpointPrivateAccess": True},
            "version": "1.33",
            "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"},
            "enabledClusterLogTypes": ["audit", "api"],
            "tags": {"team": "nlp"},
        },
        {"version": "1.34", "enabledClusterLogTypes": ["api"], "accessConfig": {"authenticationMode": "API"}},
        {"roleArn": "arn:aws:iam::123456789012:role/other"},
    ),
    Case(
        "aws:ec2/launchTemplate:LaunchTemplate",
        lambda _: {
            "userData": "YSA9IDE=",
            "blockDeviceMappings": [
                {
                    "deviceName": "/dev/xvdb",
                    "ebs": {
                        "volumeSize": 100,
                        "volumeType": "gp3",
                        "encrypted": "true",
                        "deleteOnTermination": "true",
                    },
                }
            ],
            "metadataOptions": {
                "httpEndpoint": "enabled",
                "httpTokens": "required",
                "httpPutResponseHopLimit": 1,
            },
            "tags": {"team": "nlp"},
        },
        {"userData": "YSA9IDI=", "tags": {"team": "platform"}},
        {"name": "other"},
    ),
    Case(
        "aws:eks/nodeGroup:NodeGroup",
        node_group,
        {
            "scalingConfig": {"minSize": 1, "desiredSize": 3, "maxSize": 3},
            "labels": {"pool": "big"},
            "taints": [{"key": "gpu", "value": "no", "effect": "NO_SCHEDULE"}],
            "tags": {"team": "platform"},
        },
        {"instanceTypes": ["g5.2xlarge", "g5.xlarge"]},
    ),
    Case(
        "aws:eks/addon:Addon",
        lambda engine: {"clusterName": cluster_name(engine), "addonName": "vpc-cni", "tags": {"a": "1"}},
        {"configurationValues": '{"env": {}}', "tags": {"a": "2"}},
        {"addonName": "coredns"},
    ),
    Case(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        _pod_identity,
        {"tags": {"a": "1"}},
        {"namespace": "x"},
        import_id=lambda made: f"{made.inputs['clusterName']},{made.id}",
    ),
)
