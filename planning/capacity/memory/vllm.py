"""vLLM 0.33.0. Paths are those of its source archive.

What it does at its start (init_device and determine_available_memory in vllm/v1/worker/gpu_worker.py, request_memory
in vllm/v1/worker/utils.py): makes a CUDA context and NCCL's buffers; then asks that gpu_memory_utilization of the
card's total is free, beside those; loads the weights; tries one step of the largest size; captures a few CUDA graphs
to know what all of them take (on by default since 0.21.0: VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS); and gives the
rest of the utilization to the KV cache. It stops where that holds less than one request of max_model_len.
"""

from dataclasses import dataclass
from typing import Final

from engines import vllm
from model_catalog import VllmVersion
from planning.capacity.memory.activations import layer_peak, sampler_peak
from planning.capacity.memory.breakdown import MemoryEstimate, Part, PartName
from planning.capacity.memory.gpu import GpuMemory
from planning.capacity.memory.kv_cache import whole_blocks
from planning.capacity.memory.language_model import (
    Model,
    kv_part,
    longest_request,
    resolve,
    tokens_in,
    unknown_overhead,
    weights_part,
)
from planning.capacity.memory.overheads import COMMUNICATION, CUDA_CONTEXT, NON_TORCH, graph_bytes, lora_bytes
from planning.capacity.memory.shape import ModelShape
from quantities import Bytes

BLOCK: Final = 16
"""Tokens of a block of the KV cache, on CUDA (DEFAULT_BLOCK_SIZE in vllm/config/cache.py)."""

SHARE_MARGIN_PERCENT: Final = 5
"""Of weights and activations, that a KV cache of fixed size leaves free in a share of a card. Chosen: two and a half
times the worst error of either against vLLM's own logs (docs/memory-model.md, section 5)."""

FRACTION_STEPS: Final = 10_000
"""gpu_memory_utilization is told to four digits, cut."""

_GIB: Final = 1024**3


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The largest step."""

    tokens: int
    sequences: int


def default_batch(gpu: GpuMemory) -> Batch:
    """By the card's memory (get_batch_defaults in vllm/engine/arg_utils.py, of the OpenAI API server).

    Its thresholds are 160 and 70 GiB of the card's total; here they are a little lower, `usable` being less than that.
    An A100 keeps the small ones whatever its size.
    """
    if gpu.usable >= 150 * _GIB:
        return Batch(tokens=16_384, sequences=1024)
    if gpu.usable >= 68 * _GIB and "A100" not in gpu.card:
        return Batch(tokens=8192, sequences=1024)
    return Batch(tokens=2048, sequences=256)


def capture_sizes(sequences: int, largest: int = 512) -> int:
    """How many batch sizes get a CUDA graph: 1, 2, 4, from 8 in steps of 8, from 256 in steps of 16, up to twice
    max_num_seqs and 512 (_set_cudagraph_sizes in vllm/config/vllm.py). On compute capability 10.x `largest` is
    1024."""
    end = min(2 * sequences, largest)
    sizes = {size for size in (1, 2, 4) if size <= end}
    sizes.update(range(8, min(end + 1, 256), 8), range(256, end + 1, 16))
    return len(sizes)


def step_peak(shape: ModelShape, batch: Batch, *, bytes_each: int, tensor_parallel: int) -> Bytes:
    """The larger of a layer's and the sampler's peak: the one is over when the other comes."""
    sequences = min(batch.sequences, batch.tokens)
    return max(
        layer_peak(shape, tokens=batch.tokens, bytes_each=bytes_each, tensor_parallel=tensor_parallel),
        sampler_peak(shape, tokens=batch.tokens, sequences=sequences, bytes_each=bytes_each),
    )


def estimate_vllm(
    version: VllmVersion, gpu: GpuMemory, *, share: float = 1.0, concurrency: int = 1
) -> MemoryEstimate:
    """Of each of tensor_parallel_size GPUs. `concurrency` requests of max_model_len are to fit at once.

    With less than the whole GPU and no gpu_memory_utilization of the version's own, the utilization is what the share
    leaves: `fraction` says which, and the server must be told it.
    """
    options = version.serving
    size = options.tensor_parallel_size
    model = _model(version)
    outside = _outside(options)
    fraction = _fraction(options, gpu, share, outside)
    budget = gpu.part(fraction)
    tokens = whole_blocks(longest_request(version, options.max_model_len), BLOCK) * concurrency
    fixed = _fixed_parts(version, model, gpu)
    used = sum(part.memory for part in fixed) + NON_TORCH
    kv = kv_part(model, tokens=tokens, requests=concurrency)
    cache, missing = options.kv_cache_memory_bytes, 0
    if cache is not None:
        missing = max(0, kv.memory - cache)
        kv = Part(
            name=PartName.KV_CACHE,
            memory=cache,
            source=f"kv_cache_memory_bytes; the requests ask for {kv.memory}",
        )
    held = used + (budget - used if cache is None else cache)
    return MemoryEstimate(
        gpu=gpu,
        gpus=size,
        share=share,
        parts=(
            *fixed,
            kv,
            Part(
                name=PartName.FRAMEWORK,
                memory=outside + NON_TORCH,
                source="CUDA context, NCCL where there are several GPUs, and what vLLM takes outside of PyTorch",
            ),
            _reserve(gpu, share, budget, outside, used + kv.memory, given=cache is not None),
        ),
        tokens=tokens_in(budget - used if cache is None else cache, model.kv_bytes_per_token, BLOCK),
        claimed=Bytes(outside + max(held, 0)),
        missing=Bytes(missing),
        fraction=fraction,
    )


def told_of_share(version: VllmVersion, gpu: GpuMemory, share: float) -> VllmVersion:
    """What vLLM must be told to live on a share of a card beside others, whoever starts first.

    Both options are needed. gpu_memory_utilization is what must be free at the start. Without kv_cache_memory_bytes it
    would also size the KV cache, from what the whole card holds before and after one step: a neighbour that loads
    meanwhile is taken for vLLM's own, and one that frees memory is given away twice (memory_profiling in
    vllm/utils/mem_utils.py). What a person wrote of either stays; then the estimate says whether it fits.

    The order of starts decides nothing: with n servers, the others hold (n - 1)/n of `usable` at most. vLLM asks for
    f = 1/n - outside/usable of CUDA's total T, which is not less than `usable`, and so finds it:
    T - (n - 1)/n x usable - outside >= T/n - outside x T/usable = f x T.
    """
    options = version.serving
    fraction = int(_fraction(options, gpu, share, _outside(options)) * FRACTION_STEPS) / FRACTION_STEPS
    if not fraction:
        return version
    utilization = options.gpu_memory_utilization or fraction
    cache = options.kv_cache_memory_bytes
    if cache is None:
        model = _model(version)
        used = sum(part.memory for part in _fixed_parts(version, model, gpu)) + NON_TORCH
        room = gpu.part(utilization) - used - used * SHARE_MARGIN_PERCENT // 100
        # No room leaves a cache that holds no request, and the estimate says what is missing.
        cache = Bytes.mebibytes(max(1, room // Bytes.mebibytes(1)))
    told = {"gpu_memory_utilization": utilization, "kv_cache_memory_bytes": cache}
    return version.model_copy(update={"serving": options.model_copy(update=told)})


def _model(version: VllmVersion) -> Model:
    options = version.serving
    return resolve(
        version,
        quantization=version.quantization,
        kv_bytes_each=None if options.kv_cache_dtype is None else 1,
        tensor_parallel=options.tensor_parallel_size,
    )


def _outside(options: vllm.ServingOptions) -> Bytes:
    """What is taken before the utilization is looked at."""
    return Bytes(CUDA_CONTEXT + (COMMUNICATION if options.tensor_parallel_size > 1 else 0))


def _fraction(options: vllm.ServingOptions, gpu: GpuMemory, share: float, outside: Bytes) -> float:
    """What vLLM is told, or what it must be told so that it starts beside its neighbours."""
    if options.gpu_memory_utilization is not None:
        return options.gpu_memory_utilization
    return max(0.0, min(vllm.DEFAULT_MEMORY_UTILIZATION, share - outside / gpu.usable))


def _fixed_parts(version: VllmVersion, model: Model, gpu: GpuMemory) -> tuple[Part, ...]:
    options, size = version.serving, version.serving.tensor_parallel_size
    weights = weights_part(model)
    if model.shape is None:
        return (weights, unknown_overhead(model.weights))
    default = default_batch(gpu)
    sequences = options.max_num_seqs or default.sequences
    batch = Batch(
        tokens=options.max_num_batched_tokens or max(default.tokens, sequences), sequences=sequences
    )
    sizes = (
        0
        if options.enforce_eager
        else capture_sizes(sequences, 1024 if gpu.compute_capability[0] == 10 else 512)
    )
    return (
        weights,
        Part(
            name=PartName.ACTIVATIONS,
            memory=step_peak(model.shape, batch, bytes_each=model.bytes_each, tensor_parallel=size),
            source=f"a step of {batch.tokens} tokens, or sampling for {batch.sequences} sequences",
        ),
        Part(
            name=PartName.ADAPTERS,
            memory=lora_bytes(
                model.shape,
                rank=options.max_lora_rank,
                adapters=options.max_loras,
                bytes_each=model.bytes_each,
                tensor_parallel=size,
            )
            if version.adapters
            else Bytes(0),
            source=f"{options.max_loras} at once, rank {options.max_lora_rank}, on every linear layer",
        ),
        Part(
            name=PartName.GRAPHS,
            memory=graph_bytes(model.shape, sizes),
            source=f"{sizes} sizes x {model.shape.layers} layers x 0.85 MiB, chosen",
        ),
    )


def _reserve(gpu: GpuMemory, share: float, budget: int, outside: int, used: int, *, given: bool) -> Part:
    """What keeps memory from use: the part beyond the utilization, or the demand that all of it be free at the
    start."""
    room = gpu.part(share)
    if budget + outside > room:
        # request_memory refuses to start, however little would be used: the whole of the request must be free.
        return Part(
            name=PartName.RESERVE,
            memory=Bytes(max(0, budget - used)),
            source="vLLM starts only where all of its gpu_memory_utilization is free",
        )
    if given:
        return Part(
            name=PartName.RESERVE, memory=Bytes(0), source="none: kv_cache_memory_bytes decides, not a share"
        )
    return Part(
        name=PartName.RESERVE,
        memory=Bytes(room - budget - outside),
        source="beyond gpu_memory_utilization, of this server's share",
    )
