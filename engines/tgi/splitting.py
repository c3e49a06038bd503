"""The number of GPUs that TGI can spread one model over, and the parts of a model that do not divide.

Read 2026-11-28 at tag v3.3.5 of github.com/huggingface/text-generation-inference, in
server/text_generation_server/models/custom_modeling: each model raises "`num_heads` must be divisible by `num_shards`".
flash_llama_modeling.py says the same of key-value heads; the others give each shard kv_heads // num_shards of them and
fail on what is left, or divide by none. Nothing repeats key-value heads but for models that have a single one
(FlashMQAttention of flash_santacoder_modeling.py, FlashRWAttention of flash_rw_modeling.py). A vocabulary of any size
is taken (TensorParallelEmbedding and TensorParallelHead in layers/tensor_parallel.py).
"""


def split_problem(gpus: int, *, attention_heads: int, kv_heads: int) -> str | None:
    """Return what cannot be divided among so many GPUs, or None where everything can.

    A single key-value head passes: whether the model's code repeats it, the catalog cannot know.
    """
    if attention_heads % gpus:
        return f"the {attention_heads} attention heads of the model cannot be divided among {gpus} GPUs"
    if kv_heads > 1 and kv_heads % gpus:
        return f"the {kv_heads} key-value heads of the model cannot be divided among {gpus} GPUs"
    return None
