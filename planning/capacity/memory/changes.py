"""Single changes that could make a version need less: candidates only, none of them checked here."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from engines import tgi, vllm
from model_catalog import TgiVersion, TorchServeVersion, Version, VllmVersion, split_problem
from planning.capacity.memory.weights import SCHEMES

V = TypeVar("V", TorchServeVersion, TgiVersion, VllmVersion)

PARALLEL: Final = (2, 4, 8)
"""Over how many GPUs of one node a model is spread: EC2 sells GPUs by 1, 4 and 8, and two of four can be asked for."""
SEQUENCES: Final = (128, 64, 32, 16, 8)
LENGTHS: Final = (65_536, 32_768, 16_384, 8192, 4096, 2048, 1024)
"""Tokens, rounded as people write them; a shorter context than 1024 is another product."""


class ChangeKind(StrEnum):
    """What a change is about."""

    CONCURRENCY = "concurrency"
    GPU = "gpu"
    KV_CACHE = "kv_cache"
    LENGTH = "length"
    PARALLEL = "parallel"
    QUANTIZATION = "quantization"
    STEP = "step"
    WORKERS = "workers"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A version that differs from another in one place."""

    kind: ChangeKind
    key: str
    """What to change, as in max_model_len."""
    value: str
    note: str
    """What it costs or needs; may be empty."""
    version: Version


def candidates(version: Version, compute_capability: tuple[int, int]) -> Iterator[Candidate]:
    """Within one kind the mildest first."""
    match version:
        case TorchServeVersion():
            yield from _torchserve(version)
        case TgiVersion():
            yield from _tgi(version, compute_capability)
        case VllmVersion():
            yield from _vllm(version, compute_capability)


def _with_serving(version: V, **values: Any) -> V:
    return version.model_copy(update={"serving": version.serving.model_copy(update=values)})


def _torchserve(version: TorchServeVersion) -> Iterator[Candidate]:
    options = version.serving
    for workers in range(options.worker_limit - 1, 0, -1):
        changed = _with_serving(version, min_workers=min(options.min_workers, workers), max_workers=workers)
        yield Candidate(
            kind=ChangeKind.WORKERS,
            key="max_workers",
            value=str(workers),
            note="fewer requests at once",
            version=changed,
        )
    for batch in range(options.batch_size - 1, 0, -1):
        yield Candidate(
            kind=ChangeKind.STEP,
            key="batch_size",
            value=str(batch),
            note="fewer requests at once",
            version=_with_serving(version, batch_size=batch),
        )


def _tgi(version: TgiVersion, compute_capability: tuple[int, int]) -> Iterator[Candidate]:
    options = version.serving
    for length in _below(LENGTHS, options.max_total_tokens):
        if options.max_input_tokens is None or options.max_input_tokens < length:
            yield Candidate(
                kind=ChangeKind.LENGTH,
                key="max_total_tokens",
                value=str(length),
                note="shorter prompts and answers",
                version=_with_serving(version, max_total_tokens=length),
            )
    for length in _below(LENGTHS, options.max_batch_prefill_tokens or LENGTHS[0] + 1):
        if (options.max_input_tokens or 0) <= length:
            yield Candidate(
                kind=ChangeKind.STEP,
                key="max_batch_prefill_tokens",
                value=str(length),
                note="prompts wait longer",
                version=_with_serving(version, max_batch_prefill_tokens=length),
            )
    if version.quantization is None:
        for tgi_scheme, tgi_facts in tgi.QUANTIZATION_FACTS.items():
            precision = version.precision if tgi_facts.takes_precision else None
            if (
                str(tgi_scheme) in SCHEMES
                and tgi_facts.compute_capability <= compute_capability
                and not tgi.weight_problems(options, precision, tgi_scheme)
                and version.architecture is not None
            ):
                changed = version.model_copy(
                    update={"quantization": tgi_scheme, "precision": precision, "memory": None}
                )
                yield _quantized(tgi_scheme, changed, prequantized=tgi_facts.prequantized)
    for size in _splits(version, options.num_shard):
        split = _with_serving(version, num_shard=size)
        if not tgi.weight_problems(split.serving, version.precision, version.quantization):
            yield _spread("num_shard", size, split)


def _vllm(version: VllmVersion, compute_capability: tuple[int, int]) -> Iterator[Candidate]:
    options = version.serving
    longest = options.max_model_len or (version.architecture and version.architecture.max_positions)
    for length in _below(LENGTHS, longest or LENGTHS[0] + 1):
        yield Candidate(
            kind=ChangeKind.LENGTH,
            key="max_model_len",
            value=str(length),
            note="shorter prompts and answers",
            version=_with_serving(version, max_model_len=length),
        )
    for sequences in _below(SEQUENCES, options.max_num_seqs or SEQUENCES[0] + 1):
        yield Candidate(
            kind=ChangeKind.STEP,
            key="max_num_seqs",
            value=str(sequences),
            note="more requests wait",
            version=_with_serving(version, max_num_seqs=sequences),
        )
    if options.kv_cache_memory_bytes is not None:
        yield Candidate(
            kind=ChangeKind.KV_CACHE,
            key="kv_cache_memory_bytes",
            value="left out",
            note="vLLM takes what its utilization leaves",
            version=_with_serving(version, kv_cache_memory_bytes=None),
        )
    if version.quantization is None:
        for scheme, facts in vllm.QUANTIZATION_FACTS.items():
            needed = vllm.compute_capability(options, version.precision, scheme)
            if (
                str(scheme) in SCHEMES
                and needed <= compute_capability
                and not vllm.weight_problems(options, version.precision, scheme)
                and version.architecture is not None
            ):
                changed = version.model_copy(update={"quantization": scheme, "memory": None})
                yield _quantized(scheme, changed, prequantized=facts.prequantized)
    for size in _splits(version, options.tensor_parallel_size):
        yield _spread("tensor_parallel_size", size, _with_serving(version, tensor_parallel_size=size))


def _below(values: tuple[int, ...], limit: int | None) -> Iterator[int]:
    return (value for value in values if limit is not None and value < limit)


def _splits(version: TgiVersion | VllmVersion, size: int) -> Iterator[int]:
    """Larger numbers of GPUs among which the engine can divide the model; none where its heads are not known."""
    if version.architecture is not None:
        yield from (n for n in PARALLEL if n > size and split_problem(version, n) is None)


def _quantized(scheme: str, changed: Version, *, prequantized: bool) -> Candidate:
    return Candidate(
        kind=ChangeKind.QUANTIZATION,
        key="quantization",
        value=str(scheme),
        note="needs weights that were written so; answers change"
        if prequantized
        else "made at the start; answers change",
        version=changed,
    )


def _spread(key: str, size: int, changed: Version) -> Candidate:
    return Candidate(
        kind=ChangeKind.PARALLEL,
        key=key,
        value=str(size),
        note=f"{size} GPUs of the same kind in one node",
        version=changed,
    )
