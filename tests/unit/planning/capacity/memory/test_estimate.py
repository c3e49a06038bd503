"""What each engine needs, by hand-made sums and by laws that hold for every version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware import GPUS
from planning.capacity import GpuMemory, PartName, estimate
from planning.capacity.memory.overheads import COMMUNICATION, CUDA_CONTEXT, NON_TORCH
from planning.capacity.memory.shape import ModelShape
from planning.capacity.memory.tgi import default_prefill
from planning.capacity.memory.vllm import capture_sizes, default_batch
from planning.capacity.memory.weights import SCHEMES, weight_bytes
from quantities import Bytes
from tests.unit.planning.capacity.memory.versions import (
    A10G,
    H100,
    MIXTRAL,
    T4,
    tgi_version,
    torchserve_version,
    vllm_version,
)

GIB = 1024**3
ADAPTERS = {"legal": {"bucket": "research", "path": "a/legal", "digest": "unresolved"}}


def test_every_torchserve_worker_has_a_context_and_weights_of_its_own() -> None:
    found = estimate(torchserve_version({"min_workers": 3, "batch_size": 4}, measured=True), T4)
    assert found.weights == Bytes.mebibytes(3 * 400)
    assert found.activations == Bytes.mebibytes(3 * 4 * 10)
    assert found.framework == CUDA_CONTEXT * 3


def test_a_measured_figure_is_taken_as_it_is_and_an_estimate_gets_a_margin() -> None:
    assert estimate(torchserve_version(measured=True), T4).reserve == 0
    assert estimate(torchserve_version(), T4).reserve == Bytes(Bytes.mebibytes(410) // 4)


def test_torchserve_s_workers_are_spread_over_its_gpus() -> None:
    version = torchserve_version({"min_workers": 5}, measured=True)
    assert estimate(version, T4, gpus=2).weights == Bytes.mebibytes(3 * 400)


def test_kv_heads_are_repeated_where_there_are_more_gpus_than_heads() -> None:
    kv = {
        size: estimate(vllm_version({"max_model_len": 4096, "tensor_parallel_size": size}), H100).kv_cache
        for size in (1, 8, 16)
    }
    assert kv[1] == 8 * kv[8] == 4096 * 131072
    assert kv[16] == kv[8]


def test_all_experts_are_resident_and_the_few_that_a_token_passes_decide_only_activations() -> None:
    found = estimate(vllm_version({"max_model_len": 4096}, architecture=MIXTRAL), H100)
    assert found.weights == 2 * MIXTRAL["parameters"]
    all_experts = {**MIXTRAL, "active_experts": 8}
    busier = estimate(vllm_version({"max_model_len": 4096}, architecture=all_experts), H100)
    assert (busier.weights, busier.kv_cache) == (found.weights, found.kv_cache)
    assert busier.activations > found.activations


def test_an_eight_bit_kv_cache_takes_half() -> None:
    whole = estimate(vllm_version({"max_model_len": 4096}), H100)
    half = estimate(vllm_version({"max_model_len": 4096, "kv_cache_dtype": "fp8_e4m3"}), H100)
    assert half.kv_cache * 2 == whole.kv_cache


def test_adapters_cost_by_rank_and_only_where_a_version_has_some() -> None:
    assert estimate(vllm_version({"max_lora_rank": 64}), H100).adapters == 0
    small = estimate(vllm_version({"max_lora_rank": 16}, adapters=ADAPTERS), H100).adapters
    assert estimate(vllm_version({"max_lora_rank": 64}, adapters=ADAPTERS), H100).adapters == small * 4
    # arcee-ai/sec-mistral-instruct-v2-qlora, rank 16 on all projections, has 41,943,040 parameters; vLLM also makes
    # room on the output head.
    assert 2 * 41_943_040 < small < 2 * 41_943_040 * 1.2


def test_vllm_fills_its_utilization_and_holds_its_context_beside_it() -> None:
    found = estimate(vllm_version({"max_model_len": 4096, "gpu_memory_utilization": 0.5}), H100)
    assert found.claimed == H100.part(0.5) + CUDA_CONTEXT
    left = H100.part(0.5) - found.weights - found.activations - found.graphs - NON_TORCH
    assert found.tokens == left // (131072 * 16) * 16


def test_vllm_does_not_start_where_its_utilization_is_not_free_however_little_it_would_use() -> None:
    options = {"max_model_len": 1024, "gpu_memory_utilization": 0.9, "max_num_seqs": 8}
    assert estimate(vllm_version(options), H100).fits
    assert not estimate(vllm_version(options), H100, share=0.5).fits
    given_cache = {**options, "kv_cache_memory_bytes": "1GiB"}
    assert not estimate(vllm_version(given_cache), H100, share=0.5).fits
    assert estimate(vllm_version({**given_cache, "gpu_memory_utilization": 0.3}), H100, share=0.5).fits


def test_without_a_utilization_of_its_own_a_share_decides_and_the_estimate_says_which() -> None:
    found = estimate(vllm_version({"max_model_len": 1024, "max_num_seqs": 8}), H100, share=0.5)
    assert found.fits
    assert found.fraction == pytest.approx(0.5 - CUDA_CONTEXT / H100.usable)
    assert found.claimed <= found.usable


def test_kv_cache_memory_bytes_is_held_whatever_the_card() -> None:
    options = {"max_model_len": 1024, "kv_cache_memory_bytes": "2GiB", "gpu_memory_utilization": 0.3}
    for gpu in (H100, GpuMemory(name="other", usable=Bytes(90 * GIB), compute_capability=(9, 0))):
        found = estimate(vllm_version(options), gpu)
        assert found.kv_cache == 2 * GIB
        assert found.tokens == 2 * GIB // 131072


def test_tgi_counts_its_fraction_from_the_card_s_top_so_that_neighbours_are_taken_off() -> None:
    options = {"max_total_tokens": 4096, "max_batch_prefill_tokens": 4096, "cuda_memory_fraction": 0.45}
    alone = estimate(tgi_version(options), H100)
    second = estimate(tgi_version(options), H100, share=0.5)
    assert alone.fits
    assert not second.fits
    assert second.tokens == 0
    assert estimate(tgi_version({**options, "cuda_memory_fraction": 1.0}), H100, share=0.5).fits


def test_several_gpus_need_buffers_to_talk() -> None:
    one, two = (
        estimate(vllm_version({"max_model_len": 1024, "tensor_parallel_size": size}), H100) for size in (1, 2)
    )
    assert two.framework - one.framework == COMMUNICATION


def test_weights_that_the_catalog_gives_go_before_computed_ones() -> None:
    memory = {"weights": "4GiB", "per_request": "0B"}
    assert estimate(vllm_version(quantization="awq", memory=memory), H100).weights == 4 * GIB


def test_without_an_architecture_nobody_says_how_many_tokens_fit() -> None:
    memory = {"weights": "4GiB", "per_request": "512MiB"}
    found = estimate(vllm_version(architecture=None, memory=memory), H100, concurrency=3)
    assert found.tokens is None
    assert found.kv_cache == 3 * GIB // 2


def test_vllm_s_defaults_follow_the_card() -> None:
    assert default_batch(T4).sequences == 256
    assert default_batch(H100).sequences == 1024
    assert [capture_sizes(n) for n in (1, 4, 256, 1024)] == [2, 4, 51, 51]


def test_a_card_keeps_its_defaults_under_another_name() -> None:
    for card in ("A10G", "A100-80GB"):
        plain, named = GpuMemory.of(GPUS[card]), GpuMemory.of(GPUS[card], "a machine")
        assert plain is not None
        assert named is not None
        assert estimate(tgi_version(), plain).parts == estimate(tgi_version(), named).parts
        assert default_batch(named).sequences == 256


def test_tgi_chooses_its_largest_prompt_by_card_and_model() -> None:
    shape = ModelShape.of(vllm_version().architecture)  # type: ignore[arg-type]
    unknown = GpuMemory(name="another", usable=A10G.usable, compute_capability=(8, 6))
    assert default_prefill(shape, unknown, shards=1) == 4096
    assert default_prefill(None, A10G, shards=1) == 4096
    assert 8000 < default_prefill(shape, A10G, shards=1) < 10_000
    assert default_prefill(shape, H100, shards=1) == 32_768


def test_every_part_says_where_it_comes_from() -> None:
    for version in (vllm_version(), tgi_version(), torchserve_version()):
        assert all(part.source for part in estimate(version, A10G).parts)
        assert {part.name for part in estimate(version, A10G).parts} <= set(PartName)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"share": 0}, "0 is no share"),
        ({"share": 1.5}, "1.5 is no share"),
        ({"concurrency": 0}, "0 requests"),
        ({"gpus": 1}, "split over 2 GPUs and the server has 1"),
    ],
)
def test_a_number_that_cannot_be_is_refused(keys: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        estimate(vllm_version({"tensor_parallel_size": 2}), H100, **keys)  # type: ignore[arg-type]


shapes = st.builds(
    lambda layers, kv, group, head, wide, extra, experts: ModelShape(
        parameters=layers * 4 * wide * kv * group * head + extra,
        layers=layers,
        attention_heads=kv * group,
        kv_heads=kv,
        head_size=head,
        hidden_size=wide,
        experts=experts,
        active_experts=min(2, experts),
    ),
    st.integers(1, 100),
    st.sampled_from([1, 2, 4, 8, 10]),
    st.sampled_from([1, 4, 7, 8]),
    st.sampled_from([32, 64, 128]),
    st.sampled_from([384, 1536, 4096, 8192]),
    st.integers(10**6, 5 * 10**10),
    st.sampled_from([1, 8, 128]),
)


@given(shape=shapes, scheme=st.sampled_from([None, *SCHEMES.values()]), size=st.integers(1, 32))
def test_one_more_gpu_never_makes_weights_heavier_and_quantization_neither(
    shape: ModelShape, scheme: object, size: int
) -> None:
    def weights(tensor_parallel: int, used: object) -> int:
        return weight_bytes(shape, bytes_each=2, scheme=used, tensor_parallel=tensor_parallel)  # type: ignore[arg-type]

    assert weights(size + 1, scheme) <= weights(size, scheme)
    assert weights(size, scheme) <= weights(size, None)
    assert weights(size, scheme) * size >= weights(1, scheme)


tokens = st.integers(16, 30_000)


@given(fewer=tokens, more=tokens, tight=st.floats(0.05, 1))
def test_memory_never_falls_as_requests_grow(fewer: int, more: int, tight: float) -> None:
    fewer, more = sorted((fewer, more))
    for make, key in ((vllm_version, "max_model_len"), (tgi_version, "max_total_tokens")):
        small, large = (estimate(make({key: length}), A10G, share=tight) for length in (fewer, more))
        assert small.total <= large.total
        assert small.tokens == large.tokens


@given(workers=st.integers(1, 8), batch=st.integers(1, 64), gpus=st.integers(1, 4), measured=st.booleans())
def test_memory_never_falls_as_workers_and_batches_grow(
    workers: int, batch: int, gpus: int, measured: bool
) -> None:
    def total(more_workers: int, more_batch: int) -> int:
        options = {"min_workers": workers + more_workers, "batch_size": batch + more_batch}
        return estimate(torchserve_version(options, measured=measured), T4, gpus=gpus).total

    assert total(0, 0) <= total(1, 0)
    assert total(0, 0) < total(0, 1)


@given(
    share=st.floats(0.01, 1),
    length=tokens,
    fraction=st.none() | st.floats(0.05, 1),
    cache=st.none() | st.integers(1, 20),
    size=st.sampled_from([1, 2, 4]),
)
def test_vllm_fits_just_where_it_starts(
    share: float, length: int, fraction: float | None, cache: int | None, size: int
) -> None:
    options: dict[str, object] = {"max_model_len": length, "tensor_parallel_size": size}
    if fraction is not None:
        options["gpu_memory_utilization"] = fraction
    if cache is not None:
        options["kv_cache_memory_bytes"] = f"{cache}GiB"
    found = estimate(vllm_version(options), A10G, share=share)
    assert found.fraction is not None
    assert found.tokens is not None
    outside = CUDA_CONTEXT + (COMMUNICATION if size > 1 else 0)
    request = A10G.part(found.fraction)
    free_at_the_start = request + outside <= found.usable
    inside = found.total - found.reserve - outside
    within = inside <= request if cache is None else inside + outside <= found.usable
    assert (found.total <= found.usable) == (free_at_the_start and within)
    assert found.fits == (free_at_the_start and within and found.tokens >= length)
