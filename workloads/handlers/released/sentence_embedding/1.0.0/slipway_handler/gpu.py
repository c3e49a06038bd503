"""Which device a model runs on, and how much of its memory it may take. torch is passed in: not every model has one.

Never run on a GPU by this repository's tests: they pass a stand-in for torch, and see what is asked of it.
"""

from __future__ import annotations

from typing import Any


class GpuError(RuntimeError):
    """The GPU that TorchServe gave cannot be used."""


def choose_device(torch: Any, gpu_id: int | None) -> str:
    """`cuda:<n>` or `cpu`, as torch spells them. gpu_id is TorchServe's; None: it gave no GPU.

    Raises:
        GpuError: a GPU was given and torch cannot use one. Answering on the CPU would only look well.
    """
    if gpu_id is None:
        return "cpu"
    if not torch.cuda.is_available():
        raise GpuError(
            f"TorchServe gave GPU {gpu_id}, and torch finds no CUDA. Fix: the image's torch or the node's driver"
        )
    return f"cuda:{gpu_id}"


def limit_memory(torch: Any, device: str, fraction: float | None) -> None:
    """Before anything is loaded: what torch's allocator may take of the device. CUDA's own context is not counted."""
    if fraction is not None and device != "cpu":
        torch.cuda.set_per_process_memory_fraction(fraction, device)
