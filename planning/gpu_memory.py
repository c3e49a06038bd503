"""Whether a server's models fit the memory of its GPUs, asked before a node is paid for."""

from collections.abc import Sequence
from typing import Final

from hardware import INSTANCE_TYPES, InstanceType
from planning.capacity import GpuMemory, MemoryEstimate, estimate, fits
from planning.errors import PlanningError
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan
from planning.torchserve_servers import TorchServePlan
from quantities import Bytes

_SHOWN: Final = 6
"""Machines, or versions, that an error names."""


def require_gpu_memory(kind: InstanceType, server: Server) -> None:
    """Raises PlanningError where the server's models need more than its GPUs have, with what would help.

    Says nothing of a machine without GPUs, or whose usable memory nobody has found out.
    """
    gpu = GpuMemory.of(kind.gpu, kind.name) if kind.gpu else None
    if gpu is None or server.resources.gpus == 0:
        return
    match server:
        case TextGenerationPlan():
            fit = fits(
                server.version, gpu, server.resources.gpus, alternatives=_larger(gpu, server.resources.gpus)
            )
            if not fit.fits:
                raise PlanningError(f"server {server.name} does not fit its GPU: {fit}")
        case TorchServePlan():
            _require_room(server, gpu)


def _require_room(server: TorchServePlan, gpu: GpuMemory) -> None:
    """All versions of a TorchServe server share its GPU."""
    needs = [(str(model.selector), estimate(model.triple, gpu)) for model in server.models]
    total = sum(need.total for _, need in needs)
    if total <= gpu.usable:
        return
    larger = [other.name for other in _larger(gpu, 1) if total <= other.usable][:_SHOWN]
    remedy = f"take one of {', '.join(larger)}" if larger else "no machine that is known here holds them"
    raise PlanningError(
        f"server {server.name} does not fit its GPU: short by {_gibibytes(total - gpu.usable)} on {gpu.name}, which "
        f"has {_gibibytes(gpu.usable)} usable: {_listed(needs)}; {remedy}, or lower max_workers or batch_size"
    )


def _listed(needs: Sequence[tuple[str, MemoryEstimate]]) -> str:
    largest = sorted(needs, key=lambda need: (-need[1].total, need[0]))
    shown = [f"{selector} {_gibibytes(need.total)}" for selector, need in largest[:_SHOWN]]
    rest = len(largest) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _larger(gpu: GpuMemory, gpus: int) -> tuple[GpuMemory, ...]:
    """The smallest machine of each GPU that has more memory, with enough of them; smaller machines first."""
    kinds = sorted(
        (kind for kind in INSTANCE_TYPES.values() if kind.gpu_count >= gpus),
        key=lambda kind: (kind.gpu_count, kind.vcpus, kind.memory, kind.name),
    )
    smallest: dict[str, GpuMemory] = {}
    for kind in kinds:
        other = GpuMemory.of(kind.gpu, kind.name) if kind.gpu else None
        if other is not None and other.usable > gpu.usable:
            smallest.setdefault(other.card, other)
    return tuple(smallest.values())


def _gibibytes(amount: int) -> str:
    return f"{Bytes(amount) / 1024**3:.1f} GiB"
