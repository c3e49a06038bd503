"""EC2 instance types that pools may use, as a table; one row, one source."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from quantities import Bytes

_EC2 = "https://docs.aws.amazon.com/ec2/latest/instancetypes/"
_READ = date(2026, 11, 22)
"""When the rows were read, from EC2's DescribeInstanceTypes answers as recorded in moto 5.2.5
(moto/ec2/resources/instance_types.json.gz). `source` is the page where AWS publishes the type."""


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One model of GPU."""

    model: str
    memory: Bytes
    """As EC2 reports it for one device; what a process can use is less."""
    compute_capability: tuple[int, int]
    """https://developer.nvidia.com/cuda-gpus"""


@dataclass(frozen=True, kw_only=True)
class InstanceType:
    """One EC2 instance type, as EC2 reports it."""

    name: str
    vcpus: int
    memory: Bytes
    gpu: Gpu | None
    gpu_count: int
    max_pods: int
    """Pods that the VPC CNI gives addresses to, as managed node groups set it: interfaces x (addresses - 1) + 2, at
    most 110 up to 30 vCPUs and 250 above
    (https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html)."""
    source: str
    source_date: date


class UnknownInstanceTypeError(ValueError):
    """An instance type that the table does not hold."""


T4 = Gpu(model="T4", memory=Bytes.mebibytes(16384), compute_capability=(7, 5))
A10G = Gpu(model="A10G", memory=Bytes.mebibytes(22888), compute_capability=(8, 6))
L4 = Gpu(model="L4", memory=Bytes.mebibytes(22888), compute_capability=(8, 9))
L40S = Gpu(model="L40S", memory=Bytes.mebibytes(45776), compute_capability=(8, 9))

_ACCELERATED = f"{_EC2}ac.html"
_GENERAL = f"{_EC2}gp.html"

# name, vCPUs, memory in MiB, GPU, number of GPUs, pods, source
_ROWS: tuple[tuple[str, int, int, Gpu | None, int, int, str], ...] = (
    ("g4dn.12xlarge", 48, 196608, T4, 4, 234, _ACCELERATED),
    ("g4dn.2xlarge", 8, 32768, T4, 1, 29, _ACCELERATED),
    ("g4dn.xlarge", 4, 16384, T4, 1, 29, _ACCELERATED),
    ("g5.12xlarge", 48, 196608, A10G, 4, 250, _ACCELERATED),
    ("g5.2xlarge", 8, 32768, A10G, 1, 58, _ACCELERATED),
    ("g5.xlarge", 4, 16384, A10G, 1, 58, _ACCELERATED),
    ("g6.12xlarge", 48, 196608, L4, 4, 234, _ACCELERATED),
    ("g6.2xlarge", 8, 32768, L4, 1, 58, _ACCELERATED),
    ("g6.xlarge", 4, 16384, L4, 1, 58, _ACCELERATED),
    ("g6e.2xlarge", 8, 65536, L40S, 1, 58, _ACCELERATED),
    ("g6e.xlarge", 4, 32768, L40S, 1, 58, _ACCELERATED),
    ("m6i.2xlarge", 8, 32768, None, 0, 58, _GENERAL),
    ("m6i.large", 2, 8192, None, 0, 29, _GENERAL),
    ("m6i.xlarge", 4, 16384, None, 0, 58, _GENERAL),
    ("m7i.2xlarge", 8, 32768, None, 0, 58, _GENERAL),
    ("m7i.large", 2, 8192, None, 0, 29, _GENERAL),
)

INSTANCE_TYPES: Final[Mapping[str, InstanceType]] = MappingProxyType(
    {
        name: InstanceType(
            name=name,
            vcpus=vcpus,
            memory=Bytes.mebibytes(memory),
            gpu=gpu,
            gpu_count=gpu_count,
            max_pods=max_pods,
            source=source,
            source_date=_READ,
        )
        for name, vcpus, memory, gpu, gpu_count, max_pods, source in _ROWS
    }
)


def instance_type(name: str) -> InstanceType:
    """Look a type up. Raises UnknownInstanceTypeError with the nearest known names."""
    known = INSTANCE_TYPES.get(name)
    if known is not None:
        return known
    near = difflib.get_close_matches(name, INSTANCE_TYPES, n=3) or sorted(INSTANCE_TYPES)
    raise UnknownInstanceTypeError(
        f"{name!r} is not in the hardware table; did you mean {', '.join(near)}? "
        "To add a type, write its row and source in hardware/instance_types.py"
    )
