"""EC2 instance types that pools may use: hardware/instance_types.csv as types."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from hardware.bit_rate import BitRate
from hardware.gpu import Gpu
from hardware.gpus import GPUS
from hardware.tables import TableError, read_table, table_rows
from quantities import Bytes

_EC2: Final = "https://docs.aws.amazon.com/ec2/latest/instancetypes/"
_PAGES: Final = {"c": "co.html", "g": "ac.html", "m": "gp.html", "p": "ac.html", "r": "mo.html"}
"""A family's first letter → AWS's page of compute optimized, accelerated, general purpose or memory optimized types."""
_READ: Final = date(2026, 11, 22)
"""The day on which the rows were read, from EC2's DescribeInstanceTypes answers as recorded in moto 5.2.5
(moto/ec2/resources/instance_types.json.gz). `source` is the page where AWS publishes the type."""

TABLE: Final = "instance_types.csv"
COLUMNS: Final = (
    "name",
    "vcpus",
    "memory_mib",
    "gpu",
    "gpu_count",
    "local_storage_gb",
    "network_baseline_mbps",
    "network_peak_mbps",
    "max_pods",
)


@dataclass(frozen=True, kw_only=True)
class InstanceType:
    """One EC2 instance type, as EC2 reports it."""

    name: str
    vcpus: int
    memory: Bytes
    gpu: Gpu | None
    gpu_count: int
    local_storage: Bytes
    """NVMe disks in the machine, all together; gone when it stops. 0B where it has none."""
    network_baseline: BitRate
    """The rate at which the machine may send and receive at all times."""
    network_peak: BitRate
    """The rate for a while, where EC2 says "up to"; the baseline elsewhere."""
    max_pods: int
    """Pods that the VPC CNI gives addresses to, as managed node groups set it: interfaces x (addresses - 1) + 2, at
    most 110 up to 30 vCPUs and 250 above
    (https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html). Only the default network card's
    interfaces count, which matters on p5.48xlarge, p5e, p5en and p6: the CNI uses no other
    (https://github.com/aws/karpenter-provider-aws/blob/1d927085dd81a9df9301e613f371dac5b4d16bfe/pkg/providers/instancetype/types.go#L646)."""
    source: str
    source_date: date


class UnknownInstanceTypeError(ValueError):
    """An instance type that the table does not hold."""


def _parse(text: str) -> dict[str, InstanceType]:
    """Return the types by name. Raises TableError for an impossible row, naming its line."""
    types: dict[str, InstanceType] = {}
    for place, row in table_rows(text, COLUMNS, TABLE):
        name = row["name"]
        if name in types:
            raise TableError(f"{place}: {name} is there twice; leave one row")
        if row["gpu"] and row["gpu"] not in GPUS:
            raise TableError(
                f"{place}: no GPU is called {row['gpu']!r}; describe it in hardware/gpus.py first"
            )
        if name[:1] not in _PAGES:
            raise TableError(f"{place}: no page of AWS is known for {name}; add its family to _PAGES")
        try:
            types[name] = InstanceType(
                name=name,
                vcpus=int(row["vcpus"]),
                memory=Bytes.mebibytes(int(row["memory_mib"])),
                gpu=GPUS.get(row["gpu"]),
                gpu_count=int(row["gpu_count"]),
                local_storage=Bytes(int(row["local_storage_gb"]) * 10**9),
                network_baseline=BitRate.megabits(int(row["network_baseline_mbps"])),
                network_peak=BitRate.megabits(int(row["network_peak_mbps"])),
                max_pods=int(row["max_pods"]),
                source=f"{_EC2}{_PAGES[name[0]]}",
                source_date=_READ,
            )
        except ValueError as error:
            raise TableError(f"{place}: {error}; all but name and gpu are whole numbers") from error
    return types


INSTANCE_TYPES: Final[Mapping[str, InstanceType]] = MappingProxyType(_parse(read_table(TABLE)))


def instance_type(name: str) -> InstanceType:
    """Look a type up. Raises UnknownInstanceTypeError with the nearest known names."""
    known = INSTANCE_TYPES.get(name)
    if known is not None:
        return known
    near = difflib.get_close_matches(name, INSTANCE_TYPES, n=3)
    guess = f"did you mean {', '.join(near)}?" if near else "none there is spelt like it."
    raise UnknownInstanceTypeError(
        f"{name!r} is not in the hardware table; {guess} "
        "To add a type, write its row and source in hardware/instance_types.csv (docs/hardware.md)"
    )
