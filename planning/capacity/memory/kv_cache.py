"""What keys and values of tokens take on each GPU."""

from math import ceil

from planning.capacity.memory.shape import ModelShape
from quantities import Bytes


def kv_bytes_per_token(shape: ModelShape, *, bytes_each: int = 2, tensor_parallel: int = 1) -> Bytes:
    """Key and value, of each layer, of each KV head that this GPU holds: at least one.

    Both engines: vllm/v1/kv_cache_interface.py (page_size_bytes of full attention) and TGI's flash_causal_lm.py
    (warmup, total_cache_size).
    """
    heads = max(1, ceil(shape.kv_heads / tensor_parallel))
    return Bytes(2 * shape.layers * heads * shape.head_size * bytes_each)


def whole_blocks(tokens: int, block: int) -> int:
    """Tokens, rounded up to blocks of this many."""
    return -(-tokens // block) * block
