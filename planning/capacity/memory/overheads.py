"""What a process holds on a GPU before it computes anything, and what engines keep beside the model."""

from typing import Final

from planning.capacity.memory.shape import ModelShape
from quantities import Bytes

CUDA_CONTEXT: Final = Bytes.mebibytes(600)
"""Of one process: the driver's own, and the kernels it loaded. Chosen, above what was measured right after PyTorch
starts, 274 MiB (https://github.com/pytorch/pytorch/pull/86509) and 426 MiB with CUDA 13 on an RTX 6000 Ada
(https://github.com/unslothai/unsloth-zoo/pull/1053), since a server loads more kernels than that."""

COMMUNICATION: Final = Bytes.mebibytes(600)
"""NCCL's and custom all-reduce's buffers on each of several GPUs: 0.55 GiB on 2 H100s with vLLM 0.11.0, for which
llm-d-planner takes 0.6
(https://github.com/llm-d-incubation/llm-d-planner/blob/e50305af90f0812e77e1827f3bc740fe75b76370/docs/empirical-vllm-memory-results.md)."""

NON_TORCH: Final = Bytes.mebibytes(154)
"""What vLLM sees itself take outside of PyTorch as it tries the model on one GPU: 0.13 to 0.14 GiB in the same
document, which takes 0.15."""

GRAPH: Final = Bytes(891_290)
"""Of one layer and one captured batch size, 0.85 MiB. Chosen: the most that was seen (Qwen2.5-7B, 28 layers, 67
sizes, 1.56 GiB; section 5 of docs/memory-model.md). The same figure is 0.18 MiB on a T4, and vLLM 0.11.0 on an H100
even gave memory back in five of eight runs."""


def graph_bytes(shape: ModelShape, sizes: int) -> Bytes:
    """CUDA graphs of a model for so many batch sizes."""
    return Bytes(GRAPH * shape.layers * sizes)


def lora_bytes(
    shape: ModelShape, *, rank: int, adapters: int, bytes_each: int = 2, tensor_parallel: int = 1
) -> Bytes:
    """Room for LoRA adapters on each GPU, as vLLM takes it: for every linear layer and the output head, whatever an
    adapter changes, at the highest rank.

    Matrices A of split outputs and B of split inputs are whole on every GPU, the others are split
    (create_lora_weights in vllm/lora/layers/base_linear.py, logits_processor.py, of vLLM 0.33.0). Every expert has its
    own.
    """
    hidden, middle = shape.hidden_size, shape.intermediate_size
    queries, keys = shape.attention_heads * shape.head_size, shape.kv_heads * shape.head_size
    part = tensor_parallel
    attention = 3 * hidden + -(-queries // part) + 2 * -(-keys // part)  # q, k, v
    attention += -(-queries // part) + hidden  # output
    mlp = 2 * (hidden + -(-middle // part)) + -(-middle // part) + hidden
    head = shape.hidden_size + shape.known_vocabulary
    width = shape.layers * (attention + mlp * shape.experts) + head
    return Bytes(adapters * rank * width * bytes_each)
