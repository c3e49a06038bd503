"""The requirements of a version's weights on a GPU, and the choices that contradict each other."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from engines.precision import Precision
from engines.vllm.options import KvCacheDtype, ServingOptions
from engines.vllm.quantization import AMPERE, FACTS, TURING, Quantization

_CACHE_CAPABILITY: Final[Mapping[KvCacheDtype, tuple[int, int]]] = MappingProxyType(
    {KvCacheDtype.FP8_E4M3: (8, 9), KvCacheDtype.FP8_E5M2: AMPERE}
)
"""vllm/model_executor/layers/attention/attention.py calls fp8_e5m2 the only one of them that is usable on Ampere, where
FlashInfer takes it (from 8.0 on: vllm/v1/attention/backends/flashinfer.py); Triton takes either from 8.9 on."""


def compute_capability(
    options: ServingOptions, precision: Precision | None, quantization: Quantization | None
) -> tuple[int, int]:
    """The least that a GPU must have. A checkpoint's own scheme may ask for more (scheme_may_ask_more)."""
    needed = [TURING if quantization is None else FACTS[quantization].compute_capability]
    if precision is Precision.BFLOAT16:
        # supported_dtypes in vllm/platforms/cuda.py.
        needed.append(AMPERE)
    if options.kv_cache_dtype is not None:
        needed.append(_CACHE_CAPABILITY[options.kv_cache_dtype])
    return max(needed)


def weight_problems(
    options: ServingOptions, precision: Precision | None, quantization: Quantization | None
) -> tuple[str, ...]:
    """Return the choices that vLLM would refuse at its start, each as `what is wrong; what to do`."""
    problems = []
    if quantization is not None:
        facts = FACTS[quantization]
        if precision is not None and precision not in facts.precisions:
            others = " or ".join(sorted(facts.precisions))
            problems.append(
                f"quantization {quantization} cannot be computed in {precision}; set precision to {others}, or leave "
                "it out"
            )
        if options.kv_cache_dtype is KvCacheDtype.FP8_E5M2 and not facts.e5m2_cache:
            problems.append(
                f"kv_cache_dtype fp8_e5m2 is refused beside quantization {quantization}; use fp8_e4m3, or leave it out"
            )
    return tuple(problems)
