"""hardware/instance_types.csv as EC2's own descriptions would have it, which moto records.

After an upgrade of moto, or to add a family or a size: `python -m tests.unit.hardware.described` writes the table anew;
read its diff before committing it.
"""

import csv
import gzip
import io
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import moto

from hardware.gpus import GPUS
from hardware.instance_types import COLUMNS

GPU_FAMILIES: Final = (
    "g4dn", "g5", "g6", "g6e", "g7", "g7e", "gr6", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300",
)  # fmt: skip
"""With whole NVIDIA GPUs beside x86 CPUs. Not g5g (Arm: no engine's image runs there), g6f and gr6f (a share of a GPU),
g4ad (AMD), p3dn (V100: no bfloat16, and engines are dropping it)."""

CPU_TYPES: Final = frozenset(
    {f"{family}.{size}" for family in ("m6i", "m7i", "r7i") for size in ("large", "xlarge")}
    | {
        f"{family}.{size}"
        for family in ("c7i", "m6i", "m7i", "r7i")
        for size in ("2xlarge", "4xlarge", "8xlarge")
    }
)
"""Not c7i.large and c7i.xlarge: what nodes keep for themselves is over a fifth of their memory."""

_PERFORMANCE: Final = re.compile(r"(?P<up_to>Up to )?((?P<cards>\d+)x )?(?P<gigabits>[\d.]+) Gigabit")


def table(descriptions: dict[str, Any]) -> str:
    """The whole file, sorted by name."""
    text = io.StringIO()
    lines = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    lines.writeheader()
    for name in sorted(descriptions):
        if name.split(".")[0] in GPU_FAMILIES or name in CPU_TYPES:
            lines.writerow(row(descriptions[name]))
    return text.getvalue()


def row(description: dict[str, Any]) -> dict[str, str | int]:
    """One type's figures."""
    vcpus = description["VCpuInfo"]["DefaultVCpus"]
    network = description["NetworkInfo"]
    default_card = network["NetworkCards"][network["DefaultNetworkCardIndex"]]
    addresses = default_card["MaximumNetworkInterfaces"] * (network["Ipv4AddressesPerInterface"] - 1) + 2
    model, count = _gpus(description)
    baseline, peak = _megabits(network)
    return {
        "name": description["InstanceType"],
        "vcpus": vcpus,
        "memory_mib": description["MemoryInfo"]["SizeInMiB"],
        "gpu": model,
        "gpu_count": count,
        "local_storage_gb": description.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0),
        "network_baseline_mbps": baseline,
        "network_peak_mbps": peak,
        "max_pods": min(addresses, 110 if vcpus <= 30 else 250),
    }


def _gpus(description: dict[str, Any]) -> tuple[str, int]:
    kinds = description.get("GpuInfo", {}).get("Gpus", [])
    if not kinds:
        return "", 0
    (kind,) = kinds
    memory = kind["MemoryInfo"]["SizeInMiB"] * 1024**2
    (model,) = (gpu.model for gpu in GPUS.values() if (gpu.ec2_name, gpu.memory) == (kind["Name"], memory))
    return model, kind["Count"]


def _megabits(network: dict[str, Any]) -> tuple[int, int]:
    """Baseline and peak. The machine's own figure, since the sum over its cards is sometimes more (g6e.48xlarge)."""
    performance = _PERFORMANCE.fullmatch(network["NetworkPerformance"])
    assert performance is not None, network["NetworkPerformance"]
    peak = int(Decimal(performance["gigabits"]) * int(performance["cards"] or 1) * 1000)
    if not performance["up_to"]:
        return peak, peak
    (card,) = network["NetworkCards"]
    return round(Decimal(str(card["BaselineBandwidthInGbps"])) * 1000), peak


def recorded() -> dict[str, Any]:
    """Every type's description, as moto holds it."""
    packed = Path(moto.__file__).parent / "ec2/resources/instance_types.json.gz"
    descriptions: dict[str, Any] = json.loads(gzip.decompress(packed.read_bytes()))
    return descriptions


if __name__ == "__main__":
    Path("hardware/instance_types.csv").write_text(table(recorded()), encoding="utf-8")
