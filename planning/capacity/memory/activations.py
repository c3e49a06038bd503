"""What one step of the model needs on top of weights and KV cache: the peak that engines find by trying.

The shape of the formulas follows from the operations of a gated-MLP decoder; two constants were fitted on vLLM's own
logs and are marked so in docs/memory-model.md: SAMPLER_COPIES, and the hidden states that exist at once.
"""

from fractions import Fraction
from math import ceil
from typing import Final

from planning.capacity.memory.shape import ModelShape
from quantities import Bytes

SAMPLER_COPIES: Final = Fraction(39, 4)
"""How often the logits of all sequences exist at once in 32 bits as tokens are sampled with top-k and top-p: sorted
values, their 64-bit indices, the sort's own space, probabilities and sums. Fitted on Llama-3-8B: 9.79 by 1.26 GiB for
256 sequences (https://github.com/vllm-project/vllm/pull/10511), 9.60 by 4.76 GiB for 1024 with vLLM 0.11.0
(docs/empirical-vllm-memory-results.md of llm-d-planner); taken near the larger. vLLM 0.33.0 takes a Triton kernel in
place of the sort (apply_top_k_top_p in vllm/v1/sample/ops/topk_topp_sampler.py) and needs less; no log of that was
read, so the older, larger figure stands."""


def layer_peak(shape: ModelShape, *, tokens: int, bytes_each: int, tensor_parallel: int = 1) -> Bytes:
    """Of `tokens` that pass one layer together.

    In a gated MLP the two projections and their product exist at once (3 x intermediate size), beside hidden states,
    residual and their successors (4 x hidden size, fitted on two logs of Qwen2.5). With experts it is so many times
    the width of one as a token passes, and their outputs before they are added up. Tensor parallelism splits the
    widths and not the hidden states. Attention never needs more than the MLP of a common model, and counts where it
    does.
    """
    mlp = Fraction(3 * shape.intermediate_size * shape.active_experts, tensor_parallel)
    if shape.experts > 1:
        mlp += shape.active_experts * shape.hidden_size
    heads = 2 * shape.attention_heads + 2 * shape.kv_heads
    attention = Fraction(heads * shape.head_size, tensor_parallel)
    return Bytes(ceil(tokens * bytes_each * (max(mlp, attention) + 4 * shape.hidden_size)))


def sampler_peak(shape: ModelShape, *, tokens: int, sequences: int, bytes_each: int) -> Bytes:
    """Of choosing the next token of `sequences`, while the hidden states of `tokens` are still there."""
    logits = 4 * sequences * shape.known_vocabulary * SAMPLER_COPIES
    return Bytes(ceil(logits + tokens * shape.hidden_size * bytes_each))


def prompt_logits(shape: ModelShape, *, tokens: int, bytes_each: int, tensor_parallel: int = 1) -> Bytes:
    """Logits of every token of a prompt and, once more, their logarithms: what TGI's warm-up asked for before 3.0.0.

    Each GPU makes its part of the logits; the whole is gathered on all of them.
    """
    gathered = 1 + Fraction(1, tensor_parallel) if tensor_parallel > 1 else Fraction(1)
    return Bytes(ceil(tokens * shape.known_vocabulary * bytes_each * (1 + gathered)))
