"""A refusal says what is missing and what would help, and each help was tried."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from planning.capacity import ChangeKind, Fit, GpuMemory, estimate, fits, gpus_needed
from tests.unit.planning.capacity.memory.versions import (
    A10G,
    H100,
    MISTRAL,
    MIXTRAL,
    T4,
    tgi_version,
    torchserve_version,
    vllm_version,
)


def _kinds(fit: Fit) -> dict[ChangeKind, list[str]]:
    found: dict[ChangeKind, list[str]] = {}
    for change in fit.changes:
        found.setdefault(change.kind, []).append(change.value)
    return found


def test_what_fits_needs_no_change() -> None:
    fit = fits(vllm_version({"max_model_len": 4096, "max_num_seqs": 32}), A10G)
    assert fit.fits
    assert fit.changes == ()
    assert fit.shortage == 0
    assert str(fit).startswith("fits on A10G: weights 13.5 + KV 0.5 + overhead ")


def test_a_refusal_says_by_how_much_and_what_would_help() -> None:
    fit = fits(vllm_version({"max_model_len": 4096, "max_num_seqs": 32}), T4, alternatives=(T4, A10G, H100))
    assert not fit.fits
    text = str(fit)
    assert text.startswith(
        "short by 1.3 GiB on T4: weights 13.5 + KV 0.5 + overhead 1.3 + kept free 0.6 of 14.6 GiB"
    )
    assert "quantization awq, fp8, gptq" in text
    assert (
        "quantization fp8_per_block, fp8_per_channel, fp8_per_tensor (made at the start; answers change)"
        in text
    )
    assert "tensor_parallel_size 2 (2 GPUs of the same kind in one node)" in text
    assert "on A10G, H100" in text
    assert "max_model_len" not in text


def test_a_shorter_context_is_proposed_where_it_is_enough() -> None:
    fit = fits(vllm_version({"max_num_seqs": 8}, precision="bfloat16"), A10G, concurrency=2)
    assert _kinds(fit)[ChangeKind.LENGTH] == ["16384"]
    assert _kinds(fit)[ChangeKind.CONCURRENCY] == ["1"]


def test_only_quantizations_that_the_gpu_can_run_are_proposed() -> None:
    turing = _kinds(fits(tgi_version(), T4))[ChangeKind.QUANTIZATION]
    assert turing == ["bitsandbytes", "bitsandbytes-fp4", "bitsandbytes-nf4"]
    hopper = _kinds(fits(tgi_version(architecture=MIXTRAL), H100))[ChangeKind.QUANTIZATION]
    assert "fp8" in hopper
    assert "exl2" not in hopper, "its width stands in the checkpoint alone"


def test_what_the_gpu_cannot_compute_is_not_proposed_for_it() -> None:
    fit = fits(vllm_version({"max_model_len": 4096}, precision="bfloat16"), T4, alternatives=(A10G,))
    assert _kinds(fit) == {ChangeKind.GPU: ["A10G"]}


def test_a_model_is_split_only_where_its_heads_can_be() -> None:
    seven = {**MISTRAL, "attention_heads": 28, "kv_heads": 4}
    fit = fits(vllm_version(architecture={**seven, "parameters": 80 * 10**9}), T4)
    assert ChangeKind.PARALLEL not in _kinds(fit)
    fit = fits(vllm_version({"max_model_len": 4096}, architecture=seven), T4)
    assert _kinds(fit)[ChangeKind.PARALLEL] == ["2"]


def test_no_number_of_gpus_is_proposed_that_the_engine_would_refuse() -> None:
    """Phi-3-medium has ten key-value heads: neither engine divides them by four."""
    phi = {**MISTRAL, "attention_heads": 40, "kv_heads": 10, "parameters": 40 * 10**9}
    for version in (tgi_version(architecture=phi), vllm_version({"max_model_len": 4096}, architecture=phi)):
        assert ChangeKind.PARALLEL not in _kinds(fits(version, A10G))
        assert fits(version, A10G).shortage > 0


def test_fewer_workers_are_proposed_for_torchserve() -> None:
    fit = fits(torchserve_version({"min_workers": 20}, measured=True), T4, share=0.5)
    assert _kinds(fit) == {ChangeKind.WORKERS: ["7"]}


def test_a_kv_cache_that_holds_no_request_does_not_fit_however_much_is_free() -> None:
    fit = fits(vllm_version({"max_model_len": 32_768, "kv_cache_memory_bytes": "1GiB"}), H100)
    assert fit.estimate.total < fit.estimate.usable
    assert fit.shortage == 3 * 1024**3
    assert _kinds(fit)[ChangeKind.LENGTH] == ["8192"]
    assert _kinds(fit)[ChangeKind.KV_CACHE] == ["left out"]


def test_where_nothing_helps_it_says_so() -> None:
    huge = {**MISTRAL, "parameters": 400 * 10**9}
    assert "no single change" in str(fits(vllm_version(architecture=huge), T4))


@given(
    length=st.integers(512, 32_768),
    sequences=st.integers(1, 512),
    share=st.floats(0.1, 1),
    gpu=st.sampled_from([T4, A10G, H100]),
    model=st.sampled_from([MISTRAL, MIXTRAL]),
    concurrency=st.integers(1, 4),
)
def test_every_change_that_is_proposed_fits_by_the_model_itself(
    length: int, sequences: int, share: float, gpu: GpuMemory, model: dict[str, Any], concurrency: int
) -> None:
    versions = (
        vllm_version({"max_model_len": length, "max_num_seqs": sequences}, architecture=model),
        tgi_version({"max_total_tokens": length}, architecture=model),
        torchserve_version({"min_workers": 1 + sequences % 30}),
    )
    for version in versions:
        fit = fits(version, gpu, share=share, concurrency=concurrency, alternatives=(T4, A10G, H100))
        assert fit.fits == (fit.shortage == 0) == (fit.estimate.total <= fit.estimate.usable)
        assert bool(fit.changes) <= (not fit.fits)
        for change in fit.changes:
            requests = int(change.value) if change.kind is ChangeKind.CONCURRENCY else concurrency
            again = estimate(
                change.version,
                change.estimate.gpu,
                gpus=gpus_needed(change.version),
                share=share,
                concurrency=requests,
            )
            assert again.fits
            assert again == change.estimate
