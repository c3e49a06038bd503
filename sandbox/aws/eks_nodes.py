"""EKS managed node groups: moto holds the group, the local API server its nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from plugin_server.provider import CheckFailure
from plugin_server.values import UNKNOWN, Properties
from sandbox.aws import checks, nodes
from sandbox.aws.calls import AwsError, Call, given, unique_suffix
from sandbox.aws.capacity import Machine
from sandbox.aws.ec2_templates import check_user_data
from sandbox.aws.eks_lookups import VERSIONS, assumable_by, cluster_of, zones_of
from sandbox.aws.table import Autoname, Kind

TOKEN: Final = "aws:eks/nodeGroup:NodeGroup"  # noqa: S105 (a type token)

_NAME: Final = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,62}")
_RECORDED: Final = ("launchTemplate", "nodeRepairConfig", "releaseVersion", "updateConfig", "version")
_NODE_POLICY: Final = "AmazonEKSWorkerNodePolicy"


def _names(inputs: Properties) -> tuple[str, str]:
    cluster: str = inputs["clusterName"]
    return cluster, inputs.get("nodeGroupName") or inputs["nodeGroupNamePrefix"] + unique_suffix()


def _create(call: Call, inputs: Properties) -> str:
    cluster, name = _names(inputs)
    described = cluster_of(call, cluster)
    assumable_by(call, inputs["nodeRoleArn"], "ec2.amazonaws.com")
    zones_of(call, inputs["subnetIds"])
    _check_machines(call, inputs)
    check_user_data(call, inputs.get("launchTemplate"))
    _warn_of_missing_policy(call, inputs["nodeRoleArn"])
    same = ("amiType", "capacityType", "instanceTypes", "launchTemplate")
    call.aws(
        "eks",
        "create_nodegroup",
        clusterName=cluster,
        nodegroupName=name,
        nodeRole=inputs["nodeRoleArn"],
        subnets=inputs["subnetIds"],
        scalingConfig=inputs["scalingConfig"],
        labels=inputs.get("labels", {}),
        taints=[_api_taint(taint) for taint in inputs.get("taints", [])],
        tags=dict(call.tags),
        **({} if "launchTemplate" in inputs else {"diskSize": inputs.get("diskSize", 20)}),
        **given(inputs, {name: name for name in same}),
    )
    id_ = f"{cluster}:{name}"
    version = inputs.get("version", described["version"])
    _record(call, id_, {**inputs, "version": version}, call.tags)
    nodes.reconcile(call, _group(call, id_))
    return id_


def _record(call: Call, id_: str, inputs: Properties, tags: Mapping[str, str]) -> None:
    update = inputs.get("updateConfig") or {"maxUnavailable": 1}
    recorded = {key: inputs.get(key) for key in _RECORDED}
    call.records.put(TOKEN, id_, {**recorded, "updateConfig": update, "tags": dict(tags)})


def _api_taint(taint: Properties) -> dict[str, str]:
    return given(taint, {"key": "key", "value": "value", "effect": "effect"})


def _describe(call: Call, id_: str) -> dict[str, Any] | None:
    cluster, _, name = id_.partition(":")
    answer = call.find("eks", "describe_nodegroup", clusterName=cluster, nodegroupName=name)
    if answer is None:
        return None
    described: dict[str, Any] = answer["nodegroup"]
    return described


def _group(call: Call, id_: str) -> nodes.Group:
    record = call.records.get(TOKEN, id_) or {}
    described = _describe(call, id_)
    assert described is not None, "the group was made or observed just before"  # noqa: S101
    version = record.get("version") or VERSIONS[-1]
    return nodes.group_of(call, described, version, record.get("launchTemplate"))


def _observe(call: Call, id_: str, _: Properties) -> Properties | None:
    described = _describe(call, id_)
    if described is None:
        return None
    if restored := nodes.reconcile(call, _group(call, id_)):
        call.status(f"{restored} missing nodes were replaced, as an auto-scaling group does")
    record = call.records.get(TOKEN, id_) or {}
    scaling = described["scalingConfig"]
    return {
        "clusterName": described["clusterName"],
        "nodeGroupName": described["nodegroupName"],
        "arn": described["nodegroupArn"],
        "status": described["status"],
        "amiType": described["amiType"],
        "capacityType": described["capacityType"],
        "diskSize": None if record.get("launchTemplate") else int(described["diskSize"]),
        "instanceTypes": described["instanceTypes"],
        "labels": described.get("labels") or {},
        "nodeRoleArn": described["nodeRole"],
        "resources": [
            {
                "autoscalingGroups": [
                    {"name": group["name"]} for group in described["resources"]["autoScalingGroups"]
                ]
            }
        ],
        "scalingConfig": {key: scaling[key] for key in ("minSize", "maxSize", "desiredSize")},
        "subnetIds": described["subnets"],
        "taints": [_api_taint(taint) for taint in described.get("taints") or []],
        **{key: record.get(key) for key in _RECORDED},
        "tagsAll": record.get("tags") or described.get("tags") or {},
    }


def _update(call: Call, id_: str, _old: Properties, new: Properties) -> None:
    cluster, _, name = id_.partition(":")
    present = _describe(call, id_)
    assert present is not None, "the engine updates what it has seen"  # noqa: S101
    labels, taints = new.get("labels", {}), [_api_taint(taint) for taint in new.get("taints", [])]
    gone = sorted((present.get("labels") or {}).keys() - labels.keys())
    kept = {(taint["key"], taint["effect"]) for taint in taints}
    stale = [taint for taint in present.get("taints") or [] if (taint["key"], taint["effect"]) not in kept]
    call.aws(
        "eks",
        "update_nodegroup_config",
        clusterName=cluster,
        nodegroupName=name,
        scalingConfig=new["scalingConfig"],
        labels={"addOrUpdateLabels": labels, "removeLabels": gone},
        taints={"addOrUpdateTaints": taints, "removeTaints": [_api_taint(taint) for taint in stale]},
    )
    check_user_data(call, new.get("launchTemplate"))
    record = call.records.get(TOKEN, id_) or {}
    version = new.get("version") or record.get("version")
    _record(call, id_, {**new, "version": version}, record.get("tags", {}))
    nodes.reconcile(call, _group(call, id_))


def _delete(call: Call, id_: str, _: Properties) -> None:
    cluster, _sep, name = id_.partition(":")
    call.find("eks", "delete_nodegroup", clusterName=cluster, nodegroupName=name)
    nodes.remove_all(call, cluster, name)
    call.records.remove(TOKEN, id_)


def _tag(call: Call, id_: str, tags: Mapping[str, str], remove: list[str]) -> None:
    record = call.records.get(TOKEN, id_) or {}
    kept = {key: value for key, value in record.get("tags", {}).items() if key not in remove}
    call.records.put(TOKEN, id_, {**record, "tags": {**kept, **tags}})


def _check_machines(call: Call, inputs: Properties) -> None:
    """EKS refuses an instance type of another architecture than the AMI's; GPUs it does not compare."""
    ami, types = inputs["amiType"], inputs["instanceTypes"]
    described = call.aws("ec2", "describe_instance_types", InstanceTypes=types)["InstanceTypes"]
    for machine in map(Machine.of_description, described):
        if machine.architecture != ("arm64" if "_ARM_64" in ami else "amd64"):
            raise AwsError(
                "eks",
                "CreateNodegroup",
                "InvalidParameterException",
                f"[{machine.instance_type}] is not a valid instance type for requested amiType {ami}",
            )
        if "_NVIDIA" in ami or ami.endswith("_GPU"):
            if not machine.gpus:
                call.warn(
                    f"{ami} is for GPUs and {machine.instance_type} has none; EKS does not compare them"
                )
        elif machine.gpus:
            call.warn(f"{machine.instance_type} has GPUs and {ami} no driver for them: no pod will see a GPU")


def _warn_of_missing_policy(call: Call, role_arn: str) -> None:
    role = role_arn.rpartition("/")[2]
    attached = call.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=role)
    if not any(policy["PolicyName"] == _NODE_POLICY for policy in attached):
        call.warn(
            f"the node role {role} has no {_NODE_POLICY} (yet): in AWS its nodes would not join the cluster "
            "(NodeCreationFailure). Attach it, and let the node group depend on the attachment"
        )


def _check(inputs: Properties) -> Iterator[CheckFailure]:
    rule = "1 to 63 letters, digits, - and _, beginning with a letter or digit"
    yield from checks.matching(inputs, "nodeGroupName", _NAME, rule)
    yield from checks.arn(inputs, "nodeRoleArn")
    yield from checks.between(inputs, "diskSize", 1, 16384)
    sizes = [checks.known(inputs, "scalingConfig", key) for key in ("minSize", "desiredSize", "maxSize")]
    least, desired, most = sizes
    if None not in sizes and not 0 <= least <= desired <= most:
        yield CheckFailure(
            "scalingConfig",
            f"minSize {least} <= desiredSize {desired} <= maxSize {most} does not hold",
        )
    if most is not None and most < 1:
        yield CheckFailure("scalingConfig.maxSize", "must be at least 1")
    version = checks.known(inputs, "version")
    if version is not None and version not in VERSIONS:
        yield CheckFailure("version", f"{version!r} is not one of {', '.join(VERSIONS)}")
    for key in checks.known(inputs, "labels") or {}:
        if key.startswith(("kubernetes.io/", "eks.amazonaws.com/")):
            yield CheckFailure("labels", f"{key!r} has a prefix that is reserved")
    template = inputs.get("launchTemplate")
    if template not in (None, UNKNOWN) and ("id" in template) == ("name" in template):
        yield CheckFailure("launchTemplate", "takes either id or name, beside version")
    if template is not None and not str(inputs.get("amiType")).startswith("BOTTLEROCKET"):
        yield CheckFailure("launchTemplate", "is emulated for Bottlerocket's AMI types only")
    update = inputs.get("updateConfig")
    if update not in (None, UNKNOWN) and len(update) != 1:
        yield CheckFailure("updateConfig", "takes either maxUnavailable or maxUnavailablePercentage")
    if inputs.get("amiType") == "CUSTOM" or str(inputs.get("amiType")).startswith("WINDOWS"):
        yield CheckFailure("amiType", f"{inputs['amiType']} is not emulated (no own images, no Windows)")


KINDS: Final = (
    Kind(
        token=TOKEN,
        handles=frozenset(
            {
                "amiType",
                "capacityType",
                "clusterName",
                "diskSize",
                "forceUpdateVersion",
                "instanceTypes",
                "labels",
                "nodeGroupName",
                "nodeGroupNamePrefix",
                "nodeRoleArn",
                "scalingConfig",
                "subnetIds",
                "tags",
                "taints",
                *_RECORDED,
            }
        ),
        computed=frozenset(
            {"arn", "nodeGroupName", "releaseVersion", "resources", "status", "updateConfig", "version"}
        ),
        replaces=frozenset(
            {
                "amiType",
                "capacityType",
                "clusterName",
                "diskSize",
                "instanceTypes",
                "launchTemplate.id",
                "launchTemplate.name",
                "nodeGroupName",
                "nodeGroupNamePrefix",
                "nodeRoleArn",
                "subnetIds",
            }
        ),
        # EKS's own defaults, given by its API and not by the provider; written out so that previews show them.
        defaults={
            "amiType": "AL2023_x86_64_STANDARD",
            "capacityType": "ON_DEMAND",
            "instanceTypes": ["t3.medium"],
        },
        ordered=frozenset({"instanceTypes"}),
        conflicts=(("nodeGroupName", "nodeGroupNamePrefix"), ("diskSize", "launchTemplate")),
        enums={
            "amiType": ("eks", "AMITypes"),
            "capacityType": ("eks", "CapacityTypes"),
            "taints.*.effect": ("eks", "TaintEffect"),
        },
        check=_check,
        autoname=Autoname(property="nodeGroupName", prefix_property="nodeGroupNamePrefix", limit=63),
        identify=lambda _, inputs: (
            f"{inputs['clusterName']}:{inputs['nodeGroupName']}" if "nodeGroupName" in inputs else None
        ),
        named=lambda call, inputs: (
            call.pages("eks", "list_nodegroups", "nodegroups", clusterName=inputs["clusterName"])
            if call.find("eks", "describe_cluster", name=inputs["clusterName"])
            else ()
        ),
        create=_create,
        observe=_observe,
        update=_update,
        delete=_delete,
        tag=_tag,
    ),
)
