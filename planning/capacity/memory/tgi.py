"""Text Generation Inference 3.3.5. Paths are those of its repository.

What it does at its start (warmup in server/text_generation_server/models/flash_causal_lm.py): loads the weights;
makes a KV cache for max_batch_prefill_tokens and runs a prompt of that size; and then takes, for the KV cache, what
is free of cuda_memory_fraction x 0.90 of the card, counted from its top, so that what neighbours hold is taken off
(get_cuda_free_memory in utils/import_utils.py). CUDA graphs come after that, into the remaining tenth. The order in
which neighbours start therefore decides what each gets; the estimate is for the worst one, where all others are there
first.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from model_catalog import TgiVersion
from planning.capacity.memory.activations import layer_peak
from planning.capacity.memory.breakdown import MemoryEstimate, Part, PartName
from planning.capacity.memory.gpu import GpuMemory
from planning.capacity.memory.language_model import (
    Model,
    kv_part,
    resolve,
    tokens_in,
    unknown_overhead,
    weights_part,
)
from planning.capacity.memory.overheads import COMMUNICATION, CUDA_CONTEXT, graph_bytes, lora_bytes
from planning.capacity.memory.shape import ModelShape
from quantities import Bytes

WIGGLE_ROOM: Final = 0.90
"""Of the fraction, what TGI uses (TGI_WIGGLE_ROOM in models/globals.py; 0.95 in 2.0.0 and 3.0.0, 0.93 in 3.1.0)."""

CAPTURE_SIZES: Final = 6
"""1, 2, 4, 8, 16 and 32 (CUDA_GRAPHS in launcher/src/main.rs)."""

UNKNOWN_PREFILL: Final = 4096
"""max_batch_prefill_tokens where the launcher knows the card or the model not (launcher/src/main.rs)."""

WORKSPACE: Final = Bytes.mebibytes(128)
"""FlashInfer's (get_workspace in layers/attention/flashinfer.py)."""

ADAPTER_RANK: Final = 64
"""Of a LoRA adapter whose rank nobody says: TGI has no option for it. Chosen; most public ones have 8 to 64."""

FLOPS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "A100": 312 * 10**12,
        "A10G": 125 * 10**12,
        "H100": 900 * 10**12,
        "H200": 989 * 10**12,
        "L40S": 363 * 10**12,
        "L4": 121 * 10**12,
        "T4": 65 * 10**12,
    }
)
"""As the launcher takes them to choose max_batch_prefill_tokens (f16_flop in launcher/src/main.rs)."""


def default_prefill(shape: ModelShape | None, gpu: GpuMemory, *, shards: int) -> int:
    """max_batch_prefill_tokens as the launcher chooses it: what keeps the card busy for a second, no more than the
    model's positions, and no more than memory holds by its own rough count (compute_optimal, vram_maximum)."""
    card = next((name for name in FLOPS if name in gpu.card), None)
    if shape is None or card is None:
        return UNKNOWN_PREFILL
    attention = (3 * shape.attention_heads + 2 * shape.kv_heads) * shape.head_size * shape.hidden_size
    mlp = 3 * shape.hidden_size * shape.intermediate_size * shape.active_experts
    optimal = FLOPS[card] * shards // (2 * (attention + mlp) * shape.layers)
    positions = shape.max_positions or optimal
    free = gpu.part(0.95) * shards - 2 * shape.parameters
    a_token = 4 * shape.kv_heads * shape.head_size * shape.layers
    a_token += 9 * shape.intermediate_size * shape.experts
    return max(1, min(optimal if optimal > 100 else UNKNOWN_PREFILL, positions, max(1, free // a_token)))


def estimate_tgi(
    version: TgiVersion, gpu: GpuMemory, *, share: float = 1.0, concurrency: int = 1
) -> MemoryEstimate:
    """Of each of num_shard GPUs. The KV cache is to hold the warm-up's prompt, and `concurrency` requests of
    max_total_tokens where that is given; TGI chooses the length by what fits where it is not."""
    options, shards = version.serving, version.serving.num_shard
    model = resolve(
        version,
        quantization=version.quantization,
        kv_bytes_each=None if options.kv_cache_dtype is None else 1,
        tensor_parallel=shards,
    )
    prefill = options.max_batch_prefill_tokens or default_prefill(model.shape, gpu, shards=shards)
    tokens = max(prefill, (options.max_total_tokens or 0) * concurrency)
    beyond = gpu.usable - gpu.part(options.cuda_memory_fraction * WIGGLE_ROOM)
    graphs = Bytes(0) if model.shape is None else graph_bytes(model.shape, CAPTURE_SIZES)
    framework = Bytes(CUDA_CONTEXT + WORKSPACE + (COMMUNICATION if shards > 1 else 0))
    fixed = _fixed_parts(version, model, prefill)
    kv = kv_part(model, tokens=tokens, requests=concurrency)
    used = sum(part.memory for part in fixed) + framework
    room = gpu.part(share) - max(beyond, graphs)
    return MemoryEstimate(
        gpu=gpu,
        gpus=shards,
        share=share,
        parts=(
            *fixed,
            kv,
            Part(
                name=PartName.GRAPHS,
                memory=graphs,
                source=f"{CAPTURE_SIZES} sizes x the layers x 0.85 MiB, chosen; within the part left unused",
            ),
            Part(
                name=PartName.FRAMEWORK,
                memory=framework,
                source="CUDA context, FlashInfer's workspace, and NCCL where there are several GPUs",
            ),
            Part(
                name=PartName.RESERVE,
                memory=Bytes(max(0, beyond - graphs)),
                source=f"the card's top, beyond cuda_memory_fraction {options.cuda_memory_fraction:g} x {WIGGLE_ROOM}",
            ),
        ),
        tokens=tokens_in(room - used, model.kv_bytes_per_token, 1),
        claimed=Bytes(max(gpu.usable - beyond, used) + graphs),
        fraction=options.cuda_memory_fraction,
    )


def _fixed_parts(version: TgiVersion, model: Model, prefill: int) -> tuple[Part, ...]:
    shards = version.serving.num_shard
    weights = weights_part(model)
    if model.shape is None:
        return (weights, unknown_overhead(model.weights))
    return (
        weights,
        Part(
            name=PartName.ACTIVATIONS,
            memory=layer_peak(
                model.shape, tokens=prefill, bytes_each=model.bytes_each, tensor_parallel=shards
            ),
            source=f"a prompt of {prefill} tokens",
        ),
        Part(
            name=PartName.ADAPTERS,
            memory=lora_bytes(
                model.shape,
                rank=ADAPTER_RANK,
                adapters=len(version.adapters),
                bytes_each=model.bytes_each,
                tensor_parallel=shards,
            ),
            source=f"{len(version.adapters)}, all resident, rank {ADAPTER_RANK} (chosen) on every linear layer",
        ),
    )
