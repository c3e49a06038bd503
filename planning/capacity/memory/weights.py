"""What the weights take on each GPU."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from types import MappingProxyType
from typing import Final

from engines import Precision
from planning.capacity.memory.shape import ModelShape
from quantities import Bytes

PRECISION_BYTES: Final[Mapping[Precision, int]] = MappingProxyType(
    {Precision.BFLOAT16: 2, Precision.FLOAT16: 2, Precision.FLOAT32: 4}
)


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """How many bits a quantized weight takes, its scales and zeros included."""

    bits: Fraction
    source: str
    experts_only: bool = False


def _scheme(bits: Fraction | int, source: str, *, experts_only: bool = False) -> Scheme:
    return Scheme(bits=Fraction(bits), source=source, experts_only=experts_only)


_GROUPS_OF_128: Final = _scheme(
    4 + Fraction(16 + 4, 128),
    "4 bits, and a 16-bit scale and a 4-bit zero for each group of 128 (arXiv:2306.00978; AutoAWQ's and AutoGPTQ's "
    "usual settings)",
)
_EIGHT: Final = _scheme(8, "8 bits; a scale for each channel or tensor is not counted, being under 0.1 %")
_BLOCKS_OF_32: Final = "an 8-bit scale for each 32 (OCP Microscaling Formats 1.0)"
_NF4: Final = _scheme(
    4 + Fraction(127, 1000),
    "4 bits, and 0.127 for scales that are quantized themselves (arXiv:2305.14314, section 3)",
)

SCHEMES: Final[Mapping[str, Scheme]] = MappingProxyType(
    {
        "awq": _GROUPS_OF_128,
        "bitsandbytes": _EIGHT,
        "bitsandbytes-fp4": _NF4,
        "bitsandbytes-nf4": _NF4,
        "eetq": _EIGHT,
        "fp8": _EIGHT,
        "fp8_per_block": _scheme(
            8 + Fraction(32, 128 * 128), "8 bits, and a 32-bit scale for each 128 x 128"
        ),
        "fp8_per_channel": _EIGHT,
        "fp8_per_tensor": _EIGHT,
        "gptq": _GROUPS_OF_128,
        "int8_per_channel_weight_only": _scheme(8, "8 bits, the experts alone", experts_only=True),
        "marlin": _GROUPS_OF_128,
        "modelopt": _EIGHT,
        "modelopt_fp4": _scheme(4 + Fraction(8, 16), "4 bits, and an 8-bit scale for each 16 (NVFP4)"),
        "modelopt_mxfp8": _scheme(8 + Fraction(8, 32), f"8 bits, and {_BLOCKS_OF_32}"),
        "mxfp4": _scheme(4 + Fraction(8, 32), f"4 bits, and {_BLOCKS_OF_32}"),
        "mxfp8": _scheme(8 + Fraction(8, 32), f"8 bits, and {_BLOCKS_OF_32}"),
    }
)
"""By the engine's name of it. compressed-tensors, exl2, inc, modelopt_mixed, quark and torchao are not here: how many
bits they take stands in the checkpoint alone. Such weights count as if they were whole, unless the catalog says
`memory.weights`."""


def weight_bytes(
    shape: ModelShape, *, bytes_each: int, scheme: Scheme | None = None, tensor_parallel: int = 1
) -> Bytes:
    """On each GPU, rounded up.

    Every matrix is split over the GPUs, embeddings and output head by vocabulary (vLLM's VocabParallelEmbedding,
    TGI's TensorParallelEmbedding). Projections of keys and values are repeated where there are more GPUs than KV heads
    (vllm/model_executor/models/llama.py, `num_kv_heads = max(1, total // tp_size)`). All experts are resident, whatever
    few of them a token passes. Embeddings, output head and, with `experts_only`, attention keep `bytes_each`.
    """
    whole = shape.embedding_parameters
    if scheme is not None and scheme.experts_only:
        whole = shape.parameters - (shape.mlp_parameters if shape.experts > 1 else 0)
    each = Fraction(bytes_each) if scheme is None else min(Fraction(bytes_each), scheme.bits / 8)
    attention_each = Fraction(bytes_each) if scheme is not None and scheme.experts_only else each
    total = whole * Fraction(bytes_each) + (shape.parameters - whole) * each
    repeated = max(Fraction(1), Fraction(tensor_parallel, shape.kv_heads))
    extra = shape.kv_projection_parameters * attention_each * (repeated - 1)
    return Bytes(ceil((total + extra) / tensor_parallel))
