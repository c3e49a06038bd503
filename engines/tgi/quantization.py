"""The ways TGI 3.3.5 can shrink weights, as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Quantization(StrEnum):
    """Values of QUANTIZE (docs/source/reference/launcher.md at v3.3.5)."""

    AWQ = "awq"
    BITSANDBYTES = "bitsandbytes"
    BITSANDBYTES_FP4 = "bitsandbytes-fp4"
    BITSANDBYTES_NF4 = "bitsandbytes-nf4"
    COMPRESSED_TENSORS = "compressed-tensors"
    EETQ = "eetq"
    EXL2 = "exl2"
    FP8 = "fp8"
    GPTQ = "gptq"
    MARLIN = "marlin"


@dataclass(frozen=True, kw_only=True)
class QuantizationFacts:
    """The requirements of one way of quantizing."""

    prequantized: bool
    """True if the weights must already be in this form; else TGI makes it from full weights at its start."""
    compute_capability: tuple[int, int]
    """The least that the GPU must have."""
    sharded: bool = True
    """True if one model may be spread over several GPUs."""
    takes_precision: bool = False
    """True if DTYPE may be given with it (server/text_generation_server/cli.py; the launcher's help says never)."""


AMPERE: Final = (8, 0)
"""The compute capability that most of the image's kernels need: TORCH_CUDA_ARCH_LIST is "8.0;8.6;9.0+PTX" (Dockerfile
at v3.3.5)."""
TURING: Final = (7, 5)
"""The oldest GPU that TGI's docs call supported (T4, docs/source/installation_nvidia.md)."""
HOPPER: Final = (9, 0)

FACTS: Final[Mapping[Quantization, QuantizationFacts]] = MappingProxyType(
    {
        Quantization.AWQ: QuantizationFacts(prequantized=True, compute_capability=AMPERE),
        Quantization.BITSANDBYTES: QuantizationFacts(
            prequantized=False, compute_capability=TURING, takes_precision=True
        ),
        Quantization.BITSANDBYTES_FP4: QuantizationFacts(
            prequantized=False, compute_capability=TURING, takes_precision=True
        ),
        Quantization.BITSANDBYTES_NF4: QuantizationFacts(
            prequantized=False, compute_capability=TURING, takes_precision=True
        ),
        Quantization.COMPRESSED_TENSORS: QuantizationFacts(prequantized=True, compute_capability=AMPERE),
        Quantization.EETQ: QuantizationFacts(prequantized=False, compute_capability=AMPERE),
        # The launcher refuses it with more than one shard.
        Quantization.EXL2: QuantizationFacts(prequantized=True, compute_capability=AMPERE, sharded=False),
        # "H100 and above" in TGI's docs; on 8.x its code takes another path (Marlin) that nobody here has tried.
        Quantization.FP8: QuantizationFacts(prequantized=False, compute_capability=HOPPER),
        Quantization.GPTQ: QuantizationFacts(prequantized=True, compute_capability=AMPERE),
        Quantization.MARLIN: QuantizationFacts(prequantized=True, compute_capability=AMPERE),
    }
)
