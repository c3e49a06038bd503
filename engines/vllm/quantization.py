"""The ways vLLM 0.33.0 can shrink weights, as a table.

Source: get_min_capability and get_supported_act_dtypes of each class that get_quantization_config names
(vllm/model_executor/layers/quantization), which vLLM asks before it loads; and TORCH_CUDA_ARCH_LIST of
docker/Dockerfile, "7.5 8.0 8.6 8.9 9.0 10.0 11.0 12.0", below which the image holds no kernel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from engines.precision import Precision


class Quantization(StrEnum):
    """Values of --quantization that a person may choose.

    Left out: other names of the same (auto_awq, awq_marlin, auto_gptq, gptq_marlin, experts_int8); what vLLM itself
    makes of a checkpoint (gpt_oss_mxfp4, deepseek_v4_fp8); other kernels for weights in a form that is here (humming,
    moe_wna16); deprecated ones (fbgemm_fp8, fp_quant); `online`, which says nothing without a second option; and
    nvfp4_per_token, which runs on 10.x and no newer GPU.
    """

    AWQ = "awq"
    COMPRESSED_TENSORS = "compressed-tensors"
    FP8 = "fp8"
    FP8_PER_BLOCK = "fp8_per_block"
    FP8_PER_CHANNEL = "fp8_per_channel"
    FP8_PER_TENSOR = "fp8_per_tensor"
    GPTQ = "gptq"
    INC = "inc"
    INT8_PER_CHANNEL_WEIGHT_ONLY = "int8_per_channel_weight_only"
    MODELOPT = "modelopt"
    MODELOPT_FP4 = "modelopt_fp4"
    MODELOPT_MIXED = "modelopt_mixed"
    MODELOPT_MXFP8 = "modelopt_mxfp8"
    MXFP4 = "mxfp4"
    MXFP8 = "mxfp8"
    QUARK = "quark"
    TORCHAO = "torchao"


TURING: Final = (7, 5)
"""The oldest GPU that the image holds kernels for."""
AMPERE: Final = (8, 0)
HALF: Final = frozenset({Precision.BFLOAT16, Precision.FLOAT16})


@dataclass(frozen=True, kw_only=True)
class QuantizationFacts:
    """The requirements of one way of quantizing."""

    prequantized: bool
    """True if the weights must already be in this form; else vLLM makes it from full weights at its start."""
    compute_capability: tuple[int, int] = TURING
    """The least that the GPU must have."""
    scheme_may_ask_more: bool = False
    """True if the checkpoint's own scheme can need a newer GPU than that; vLLM then says so as it loads."""
    precisions: frozenset[Precision] = HALF
    """The formats in which the rest of the model may compute."""
    e5m2_cache: bool = True
    """True if kv_cache_dtype fp8_e5m2 is taken with it (vllm/model_executor/layers/attention/attention.py)."""
    experts_only: bool = False
    """True if it leaves all but the experts of a mixture as they are; a dense model does not shrink."""


FACTS: Final[Mapping[Quantization, QuantizationFacts]] = MappingProxyType(
    {
        Quantization.AWQ: QuantizationFacts(prequantized=True),
        Quantization.COMPRESSED_TENSORS: QuantizationFacts(
            prequantized=True, scheme_may_ask_more=True, precisions=frozenset(Precision)
        ),
        # Below 8.9 weights alone are fp8 (Marlin). Full weights are still taken, with a warning that fp8_per_tensor
        # is its name for that.
        Quantization.FP8: QuantizationFacts(prequantized=True, e5m2_cache=False),
        Quantization.FP8_PER_BLOCK: QuantizationFacts(prequantized=False),
        Quantization.FP8_PER_CHANNEL: QuantizationFacts(prequantized=False),
        Quantization.FP8_PER_TENSOR: QuantizationFacts(prequantized=False),
        Quantization.GPTQ: QuantizationFacts(prequantized=True),
        Quantization.INC: QuantizationFacts(prequantized=True, scheme_may_ask_more=True),
        Quantization.INT8_PER_CHANNEL_WEIGHT_ONLY: QuantizationFacts(prequantized=False, experts_only=True),
        Quantization.MODELOPT: QuantizationFacts(
            prequantized=True, compute_capability=AMPERE, e5m2_cache=False
        ),
        Quantization.MODELOPT_FP4: QuantizationFacts(prequantized=True, e5m2_cache=False),
        Quantization.MODELOPT_MIXED: QuantizationFacts(prequantized=True, e5m2_cache=False),
        Quantization.MODELOPT_MXFP8: QuantizationFacts(
            prequantized=True,
            compute_capability=AMPERE,
            precisions=frozenset({Precision.BFLOAT16}),
            e5m2_cache=False,
        ),
        # Both are also forms of checkpoints, which then want bfloat16. Made from full weights, vLLM's own check would
        # let a 7.5 pass, but "Turing does not support Marlin MXFP4" (docs/features/quantization/README.md), and
        # Marlin takes mxfp8 from 8.0 (modelopt.py).
        Quantization.MXFP4: QuantizationFacts(prequantized=False, compute_capability=AMPERE),
        Quantization.MXFP8: QuantizationFacts(prequantized=False, compute_capability=AMPERE),
        Quantization.QUARK: QuantizationFacts(prequantized=True, scheme_may_ask_more=True, e5m2_cache=False),
        # requirements/ of vLLM do not name torchao, and its docs have one install it: the image may lack it.
        Quantization.TORCHAO: QuantizationFacts(
            prequantized=True, scheme_may_ask_more=True, precisions=frozenset(Precision)
        ),
    }
)
