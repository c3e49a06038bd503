"""The requirements of a version's weights on a GPU, and the choices that contradict each other."""

from engines.precision import Precision
from engines.tgi.options import ServingOptions
from engines.tgi.quantization import AMPERE, FACTS, TURING, Quantization


def compute_capability(
    options: ServingOptions, precision: Precision | None, quantization: Quantization | None
) -> tuple[int, int]:
    """The least that a GPU must have."""
    needed = [TURING if quantization is None else FACTS[quantization].compute_capability]
    if precision is Precision.BFLOAT16:
        needed.append(AMPERE)
    if options.kv_cache_dtype is not None:
        # FlashInfer alone takes it on CUDA (layers/attention/kv_cache.py), and is built for 8.0 and up.
        needed.append(AMPERE)
    return max(needed)


def weight_problems(
    options: ServingOptions, precision: Precision | None, quantization: Quantization | None
) -> tuple[str, ...]:
    """Return the choices that TGI would refuse at its start, each as `what is wrong; what to do`."""
    problems = []
    if precision is Precision.FLOAT32:
        problems.append(
            "precision float32 is none that TGI computes in; set it to bfloat16 or float16, or leave it out"
        )
    if quantization is not None:
        facts = FACTS[quantization]
        if precision is not None and not facts.takes_precision:
            problems.append(
                f"quantization {quantization} and precision are both given and exclude each other; keep one of them"
            )
        if options.num_shard > 1 and not facts.sharded:
            problems.append(
                f"quantization {quantization} cannot be spread over {options.num_shard} GPUs; set num_shard to 1, or "
                "choose another quantization"
            )
    return tuple(problems)
