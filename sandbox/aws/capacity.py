"""The resources that an EC2 instance offers to pods once EKS's node software runs on it.

Sources: the reservations are those of nodeadm (awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config.go),
the pod limit is the VPC CNI's (nodeadm/assets/eni-max-pods.txt, capped as in managed node groups:
https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html). The machine's own share is
Karpenter's default ``vmMemoryOverheadPercent`` 0.075 (https://karpenter.sh/docs/reference/settings/): EC2's
nominal memory is more than the kernel reports, and the exact figure differs by type. 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

GPU: Final = "nvidia.com/gpu"

_MEBI: Final = 1024 * 1024
_MEMORY_OVERHEAD: Final = 0.075
_EVICTION_MIB: Final = 100
_RESERVED_CPU_PER_MILLE: Final = ((1, 60), (1, 10), (2, 5))
"""The reserved share: 6 % of the first core, 1 % of the next, 0.5 % of each of the next two, 0.25 % of every other
one."""


@dataclass(frozen=True)
class Machine:
    """An instance type's figures."""

    instance_type: str
    architecture: str
    """Kubernetes's word: ``amd64`` or ``arm64``."""
    cores: int
    memory_mib: int
    gpus: int
    max_pods: int
    gpu_name: str = ""
    """The name of each of its GPUs; empty where it has none."""
    gpu_memory_mib: int = 0

    @classmethod
    def of_description(cls, description: dict[str, Any]) -> Machine:
        """Read an instance type of EC2's DescribeInstanceTypes."""
        network = description["NetworkInfo"]
        cores = description["VCpuInfo"]["DefaultVCpus"]
        card = network["NetworkCards"][network["DefaultNetworkCardIndex"]]  # the CNI uses no other
        addresses = card["MaximumNetworkInterfaces"] * (network["Ipv4AddressesPerInterface"] - 1) + 2
        architectures = description["ProcessorInfo"]["SupportedArchitectures"]
        gpus = description.get("GpuInfo", {}).get("Gpus", [])
        nvidia = [gpu for gpu in gpus if gpu["Manufacturer"] == "NVIDIA"]
        return cls(
            instance_type=description["InstanceType"],
            architecture="arm64" if "arm64" in architectures else "amd64",
            cores=cores,
            memory_mib=description["MemoryInfo"]["SizeInMiB"],
            gpus=sum(gpu["Count"] for gpu in nvidia),
            max_pods=min(addresses, 110 if cores <= 30 else 250),
            gpu_name=nvidia[0]["Name"] if nvidia else "",
            gpu_memory_mib=nvidia[0]["MemoryInfo"]["SizeInMiB"] if nvidia else 0,
        )


def reserved_cpu_millicores(cores: int) -> int:
    """CPU kept for the kubelet and the container runtime."""
    reserved, left = 0.0, cores
    for step, per_mille in _RESERVED_CPU_PER_MILLE:
        reserved += min(left, step) * per_mille
        left = max(0, left - step)
    return int(reserved + left * 2.5)


def reserved_memory_mib(max_pods: int) -> int:
    """Memory kept for the kubelet and the container runtime."""
    return 255 + 11 * max_pods


def capacity(
    machine: Machine, disk_gib: int, *, device_plugin: bool, divided: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A node's capacity; GPUs are seen only where a device plugin reports them, as `divided` where that is given."""
    resources = {
        "cpu": str(machine.cores),
        "memory": f"{_real_memory_mib(machine) * 1024}Ki",
        "ephemeral-storage": f"{disk_gib * 1024 * 1024}Ki",
        "pods": str(machine.max_pods),
    }
    return {**resources, **_gpus(machine, divided, device_plugin=device_plugin)}


def allocatable(
    machine: Machine, disk_gib: int, *, device_plugin: bool, divided: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the resources that the scheduler may give to pods."""
    memory = _real_memory_mib(machine) - reserved_memory_mib(machine.max_pods) - _EVICTION_MIB
    disk = int(disk_gib * 1024 * 0.9) - 1024  # nodeadm reserves 1 GiB, and the kubelet evicts below 10 % free
    resources = {
        "cpu": f"{machine.cores * 1000 - reserved_cpu_millicores(machine.cores)}m",
        "memory": f"{memory * 1024}Ki",
        "ephemeral-storage": f"{disk * _MEBI}",
        "pods": str(machine.max_pods),
    }
    return {**resources, **_gpus(machine, divided, device_plugin=device_plugin)}


def _real_memory_mib(machine: Machine) -> int:
    return int(machine.memory_mib * (1 - _MEMORY_OVERHEAD))


def _gpus(machine: Machine, divided: Mapping[str, str] | None, *, device_plugin: bool) -> dict[str, str]:
    if not machine.gpus or not device_plugin:
        return {}
    return {GPU: str(machine.gpus)} if divided is None else dict(divided)
