"""The nodes of an emulated node group, as Node objects in the local API server.

A group's nodes occupy slots 0 … desired-1. A missing one is made again, as an auto-scaling group replaces a
terminated instance; scaling in removes the highest slots. No kubelet runs: kwok keeps the nodes ready.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from plugin_server.provider import ProviderError
from sandbox.aws.account import Account
from sandbox.aws.bottlerocket import data_disk_gib, gpu_resources, parse, template_version
from sandbox.aws.capacity import Machine, allocatable, capacity
from sandbox.aws.cluster_api import ClusterApi, ClusterApiError

GROUP_LABEL: Final = "slipway.dev/node-group"
"""The label that finds a group's nodes: the one API server may hold those of several clusters."""

_SLOT: Final = "slipway.dev/slot"
_APPLIED: Final = "slipway.dev/applied"
_TEMPLATE: Final = "slipway.dev/launch-template"
_EMULATED: Final = "slipway.dev/emulated"
_EFFECTS: Final = {
    "NO_SCHEDULE": "NoSchedule",
    "NO_EXECUTE": "NoExecute",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
}
_NODES: Final = "/api/v1/nodes"
_NOT_DIVIDED: Final = "GPUs are counted as the launch template's user data divides them; none is divided"


@dataclass(frozen=True)
class Group:
    """A node group as the API describes it, with its machine and its subnets."""

    cluster: str
    name: str
    region: str
    desired: int
    version: str
    ami_type: str
    capacity_type: str
    disk_gib: int
    labels: dict[str, str]
    taints: list[dict[str, str]]
    machine: Machine
    subnets: list[tuple[str, str]]
    """(availability zone, CIDR block), sorted."""
    template: str = ""
    """Id and version of its launch template."""
    divided: Mapping[str, str] | None = None
    """The device plugin's resources by the template's user data; None where there is none, and GPUs stay whole."""

    @property
    def key(self) -> str:
        """A label value that no other group has."""
        return hashlib.sha256(f"{self.cluster}/{self.name}".encode()).hexdigest()[:16]

    @property
    def has_device_plugin(self) -> bool:
        """True if the AMI itself reports GPUs to Kubernetes; of EKS's AMIs only Bottlerocket's do."""
        return self.ami_type.startswith("BOTTLEROCKET") and self.ami_type.endswith("_NVIDIA")


def group_of(
    account: Account, description: dict[str, Any], version: str, reference: Mapping[str, str] | None = None
) -> Group:
    """A group of DescribeNodegroup's answer, with the launch template that it names."""
    instance_type = description["instanceTypes"][0]
    answer = account.aws("ec2", "DescribeInstanceTypes", InstanceTypes=[instance_type])
    subnets = account.aws("ec2", "DescribeSubnets", SubnetIds=description["subnets"])["Subnets"]
    machine = Machine.of_description(answer["InstanceTypes"][0])
    template = template_version(account, reference) if reference else None
    data = template["LaunchTemplateData"] if template else {}
    return Group(
        cluster=description["clusterName"],
        name=description["nodegroupName"],
        region=account.region,
        desired=description["scalingConfig"]["desiredSize"],
        version=version,
        ami_type=description["amiType"],
        capacity_type=description["capacityType"],
        disk_gib=data_disk_gib(data),
        labels=dict(description.get("labels") or {}),
        taints=[_taint(taint) for taint in description.get("taints") or []],
        machine=machine,
        subnets=sorted((subnet["AvailabilityZone"], subnet["CidrBlock"]) for subnet in subnets),
        template=f"{template['LaunchTemplateId']}:{template['VersionNumber']}" if template else "",
        divided=gpu_resources(parse(data["UserData"]), machine) if data.get("UserData") else None,
    )


def reconcile(account: Account, group: Group) -> int:
    """Makes the nodes what the group says; returns how many had to be made."""
    cluster = account.cluster()
    present = {_slot(node): node for node in _nodes(cluster, group.key)}
    for slot in sorted(present, reverse=True):
        if slot >= group.desired or _template_of(present[slot]) != group.template:
            account.status(f"removing {present[slot]['metadata']['name']}")
            _remove(cluster, present.pop(slot)["metadata"]["name"])
        else:
            _amend(cluster, group, present[slot])
    missing = [slot for slot in range(group.desired) if slot not in present]
    for slot in missing:
        name = _add(cluster, group, slot)
        account.status(f"registered {name} ({len(missing)} new of {group.desired})")
    if missing and group.machine.gpus and not group.has_device_plugin:
        account.warn(
            f"the nodes of {group.name} offer no nvidia.com/gpu: {group.ami_type} brings no device plugin "
            f"(as in EKS); use a BOTTLEROCKET_*_NVIDIA type, or deploy the plugin, which the sandbox does not run"
        )
    return len(missing)


def remove_all(account: Account, cluster_name: str, name: str) -> None:
    """Removes a group's nodes and the pods on them."""
    cluster = account.cluster()
    key = hashlib.sha256(f"{cluster_name}/{name}".encode()).hexdigest()[:16]
    for node in _nodes(cluster, key):
        _remove(cluster, node["metadata"]["name"])


def _nodes(cluster: ClusterApi, key: str) -> list[dict[str, Any]]:
    return cluster.items(_NODES, labelSelector=f"{GROUP_LABEL}={key}")


def _template_of(node: dict[str, Any]) -> str:
    return str(node["metadata"]["annotations"].get(_TEMPLATE, ""))


def _slot(node: dict[str, Any]) -> int:
    return int(node["metadata"]["annotations"][_SLOT])


def _taint(taint: dict[str, str]) -> dict[str, str]:
    value = {"value": taint["value"]} if taint.get("value") else {}
    return {"key": taint["key"], **value, "effect": _EFFECTS[taint["effect"]]}


def _addresses(group: Group, slot: int) -> Iterator[ipaddress.IPv4Address]:
    """Addresses of the slot's subnet that AWS would give out, beginning at one that depends on the slot alone."""
    network = ipaddress.IPv4Network(group.subnets[slot % len(group.subnets)][1])
    usable = network.num_addresses - 5  # AWS keeps the first four and the last
    first = int.from_bytes(hashlib.sha256(f"{group.key}/{slot}".encode()).digest()[:4], "big")
    for step in range(usable):
        yield network[4 + (first + step) % usable]


def _host_name(address: ipaddress.IPv4Address, region: str) -> str:
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{str(address).replace('.', '-')}.{domain}"


def _add(cluster: ClusterApi, group: Group, slot: int) -> str:
    for address in _addresses(group, slot):
        node = _manifest(group, slot, address)
        name: str = node["metadata"]["name"]
        # A new machine, even where it takes the name of one that is gone: what ran there ran on the old one.
        if cluster.find(f"{_NODES}/{name}") is None:
            _evict(cluster, name)
        try:
            cluster.create(_NODES, node)
        except ClusterApiError as error:
            if error.status == 409:  # another group's node has that address
                continue
            raise
        cluster.merge(f"{_NODES}/{name}/status", {"status": node["status"]})
        return name
    raise ProviderError(f"no free address is left for a node of {group.name} in {group.subnets}")


def _manifest(group: Group, slot: int, address: ipaddress.IPv4Address) -> dict[str, Any]:
    name = _host_name(address, group.region)
    zone = group.subnets[slot % len(group.subnets)][0]
    instance = "i-" + hashlib.sha256(f"{group.key}/{slot}/{name}".encode()).hexdigest()[:17]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                **group.labels,
                **_fixed_labels(group, name, zone),
            },
            "annotations": {
                "kwok.x-k8s.io/node": "fake",
                _SLOT: str(slot),
                _APPLIED: _applied(group),
                **({_TEMPLATE: group.template} if group.template else {}),
                **({_EMULATED: _NOT_DIVIDED} if group.divided else {}),
            },
        },
        "spec": {"providerID": f"aws:///{zone}/{instance}", "taints": group.taints},
        "status": _status(group, name, str(address)),
    }


def _fixed_labels(group: Group, name: str, zone: str) -> dict[str, str]:
    return {
        GROUP_LABEL: group.key,
        "eks.amazonaws.com/capacityType": group.capacity_type,
        "eks.amazonaws.com/nodegroup": group.name,
        "kubernetes.io/arch": group.machine.architecture,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": group.machine.instance_type,
        "topology.kubernetes.io/region": group.region,
        "topology.kubernetes.io/zone": zone,
    }


def _status(group: Group, name: str, address: str) -> dict[str, Any]:
    plugin = group.has_device_plugin
    system = "emulated, no kubelet runs"
    return {
        "capacity": capacity(group.machine, group.disk_gib, device_plugin=plugin, divided=group.divided),
        "allocatable": allocatable(
            group.machine, group.disk_gib, device_plugin=plugin, divided=group.divided
        ),
        "conditions": [
            _condition("Ready", "True", "KubeletReady"),
            _condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
            _condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
            _condition("PIDPressure", "False", "KubeletHasSufficientPID"),
        ],
        "addresses": [
            {"type": "InternalIP", "address": address},
            {"type": "Hostname", "address": name},
            {"type": "InternalDNS", "address": name},
        ],
        "nodeInfo": {
            "architecture": group.machine.architecture,
            "bootID": "",
            "containerRuntimeVersion": system,
            "kernelVersion": "",
            "kubeProxyVersion": "",
            "kubeletVersion": f"v{group.version}.0",
            "machineID": "",
            "operatingSystem": "linux",
            "osImage": f"{group.ami_type} ({system})",
            "systemUUID": "",
        },
    }


def _condition(type_: str, status: str, reason: str) -> dict[str, str]:
    return {"type": type_, "status": status, "reason": reason, "message": "set by the emulated EKS"}


def _applied(group: Group) -> str:
    """Return what the group put on its nodes, so that a later change removes that and nothing else."""
    return json.dumps({"labels": group.labels, "taints": group.taints}, sort_keys=True)


def _amend(cluster: ClusterApi, group: Group, node: dict[str, Any]) -> None:
    metadata = node["metadata"]
    before = metadata["annotations"].get(_APPLIED, "{}")
    if before == _applied(group):
        return
    applied = json.loads(before)
    labels: dict[str, str | None] = dict.fromkeys(applied.get("labels", {}), None)
    labels |= group.labels
    foreign = [
        taint for taint in node["spec"].get("taints", []) if not _is_among(taint, applied.get("taints"))
    ]
    cluster.merge(
        f"{_NODES}/{metadata['name']}",
        {
            "metadata": {"labels": labels, "annotations": {_APPLIED: _applied(group)}},
            "spec": {"taints": [*foreign, *group.taints]},
        },
    )


def _is_among(taint: dict[str, str], others: list[dict[str, str]] | None) -> bool:
    return any(taint["key"] == other["key"] and taint["effect"] == other["effect"] for other in others or [])


def _remove(cluster: ClusterApi, name: str) -> None:
    cluster.merge(f"{_NODES}/{name}", {"spec": {"unschedulable": True}})
    _evict(cluster, name)
    cluster.delete(f"{_NODES}/{name}")


def _evict(cluster: ClusterApi, name: str) -> None:
    for pod in cluster.items("/api/v1/pods", fieldSelector=f"spec.nodeName={name}"):
        where = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
        cluster.delete(where, gracePeriodSeconds=0)
