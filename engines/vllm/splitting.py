"""The number of GPUs that vLLM can spread one model over, and the parts of a model that do not divide.

Read 2026-11-28 at github.com/vllm-project/vllm: `verify_with_parallel_config` in vllm/config/model.py refuses attention
heads that do not divide; `LlamaAttention` in vllm/model_executor/models/llama.py asserts, as the other models do, that
key-value heads divide, or are repeated a whole number of times where there are fewer of them than GPUs;
`VocabParallelEmbedding` in vllm/model_executor/layers/vocab_parallel_embedding.py pads the vocabulary to 64 and asserts
that the padded one divides (so 96 heads on 6 GPUs still fail: vllm#31474).
"""

from typing import Final

VOCABULARY_PADDING: Final = 64
"""DEFAULT_VOCAB_PADDING_SIZE."""


def split_problem(gpus: int, *, attention_heads: int, kv_heads: int, vocabulary: int | None) -> str | None:
    """Return what cannot be divided among so many GPUs, or None where everything can."""
    if attention_heads % gpus:
        return f"the {attention_heads} attention heads of the model cannot be divided among {gpus} GPUs"
    if kv_heads >= gpus and kv_heads % gpus:
        return f"the {kv_heads} key-value heads of the model cannot be divided among {gpus} GPUs"
    if kv_heads < gpus and gpus % kv_heads:
        return f"the {kv_heads} key-value heads of the model cannot be repeated a whole number of times on {gpus} GPUs"
    if vocabulary is not None:
        padded = -(-vocabulary // VOCABULARY_PADDING) * VOCABULARY_PADDING
        if padded % gpus:
            return f"the vocabulary of {vocabulary} entries, padded to {padded}, cannot be divided among {gpus} GPUs"
    return None
