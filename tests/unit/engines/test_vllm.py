from typing import Any

import pytest
from pydantic import ValidationError

from engines import Adapter, Precision
from engines.vllm import (
    LORA_RANKS,
    QUANTIZATION_FACTS,
    TUNABLE,
    Quantization,
    ServingOptions,
    compute_capability,
    server_arguments,
    server_environment,
    weight_problems,
)
from engines.vllm.metrics import COUNTERS, GAUGES, HISTOGRAMS

DIRECTORY = "/mnt/models/writer"
STYLE = Adapter(name="style", directory="/mnt/models/adapters/style")
TONE = Adapter(name="tone", directory="/mnt/models/adapters/tone")


def options(**fields: Any) -> ServingOptions:
    return ServingOptions.model_validate(fields)


def served(
    *adapters: Adapter,
    precision: Precision | None = None,
    quantization: Quantization | None = None,
    **fields: Any,
) -> tuple[str, ...]:
    return server_arguments(
        options(**fields),
        DIRECTORY,
        "writer",
        precision=precision,
        quantization=quantization,
        adapters=adapters,
    )


def test_a_server_with_no_options_gets_vllm_s_defaults_and_what_must_not_be_left_to_it() -> None:
    assert served() == (
        DIRECTORY,
        "--enable-prefix-caching",
        "--host=0.0.0.0",
        "--port=8000",
        "--served-model-name=writer",
        "--shutdown-timeout=90",
        "--tensor-parallel-size=1",
    )


@pytest.mark.parametrize(
    ("fields", "argument"),
    [
        ({"max_model_len": "4096"}, "--max-model-len=4096"),
        ({"max_num_seqs": "64"}, "--max-num-seqs=64"),
        ({"max_num_batched_tokens": "4096"}, "--max-num-batched-tokens=4096"),
        ({"max_num_queued_reqs": "128"}, "--max-num-queued-reqs=128"),
        ({"kv_cache_dtype": "fp8_e5m2"}, "--kv-cache-dtype=fp8_e5m2"),
        ({"gpu_memory_utilization": "0.45"}, "--gpu-memory-utilization=0.45"),
        ({"kv_cache_memory_bytes": "2GiB"}, "--kv-cache-memory-bytes=2147483648"),
        ({"enforce_eager": "true"}, "--enforce-eager"),
        ({"precision": Precision.FLOAT16}, "--dtype=float16"),
        ({"quantization": Quantization.AWQ}, "--quantization=awq"),
    ],
)
def test_an_option_is_one_argument(fields: dict[str, Any], argument: str) -> None:
    assert set(served(**fields)) - set(served()) == {argument}
    assert set(served()) < set(served(**fields))


@pytest.mark.parametrize(
    ("fields", "argument"),
    [
        ({"tensor_parallel_size": "4"}, "--tensor-parallel-size=4"),
        ({"enable_prefix_caching": "false"}, "--no-enable-prefix-caching"),
        ({"shutdown_timeout": "2m"}, "--shutdown-timeout=120"),
    ],
)
def test_what_has_a_default_of_ours_is_replaced(fields: dict[str, Any], argument: str) -> None:
    assert set(served(**fields)) - set(served()) == {argument}
    assert len(served(**fields)) == len(served())


def test_the_model_comes_first_and_the_rest_is_sorted_so_that_equal_options_roll_no_pod() -> None:
    directory, *arguments = served(max_num_seqs="8", precision=Precision.BFLOAT16, enforce_eager="true")
    assert directory == DIRECTORY
    assert arguments == sorted(arguments)


def test_adapters_are_named_in_one_list_whatever_their_order() -> None:
    arguments = served(TONE, STYLE, max_lora_rank="64")
    assert arguments == served(STYLE, TONE, max_lora_rank="64")
    at = arguments.index("--lora-modules")
    assert arguments[at + 1 : at + 3] == (
        "style=/mnt/models/adapters/style",
        "tone=/mnt/models/adapters/tone",
    )
    assert arguments[at + 3].startswith("--")
    assert set(arguments) >= {"--enable-lora", "--max-lora-rank=64", "--max-loras=1", "--max-cpu-loras=2"}


def test_without_adapters_their_options_say_nothing() -> None:
    assert served(max_lora_rank="64", max_loras="4") == served()


@pytest.mark.parametrize(
    ("adapters", "message"),
    [
        ((STYLE, STYLE), "adapter listed twice: style; give each"),
        ((Adapter(name="writer", directory="/a"),), "adapter writer is named as the model itself; give it"),
    ],
)
def test_two_answers_to_one_name_are_refused(adapters: tuple[Adapter, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        served(*adapters)


def test_the_environment_keeps_the_server_silent_offline_and_writing_to_one_directory() -> None:
    environment = server_environment(options(startup_timeout="20m"), "/var/lib/vllm")
    assert environment == {
        "DO_NOT_TRACK": "1",
        "HF_HOME": "/var/lib/vllm/huggingface",
        "HF_HUB_OFFLINE": "1",
        "HOME": "/var/lib/vllm",
        "USER": "vllm",
        "VLLM_CACHE_ROOT": "/var/lib/vllm/cache/vllm",
        "VLLM_CONFIG_ROOT": "/var/lib/vllm/config/vllm",
        "VLLM_ENGINE_READY_TIMEOUT_S": "1200",
        "VLLM_NO_USAGE_STATS": "1",
        "XDG_CACHE_HOME": "/var/lib/vllm/cache",
        "XDG_CONFIG_HOME": "/var/lib/vllm/config",
    }
    assert list(environment) == sorted(environment)


@pytest.mark.parametrize(
    "option", ["dtype", "quantization", "pipeline_parallel_size", "trust_remote_code", "load_format"]
)
def test_what_a_version_says_itself_or_nobody_may_say_is_no_option(option: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        options(**{option: "1"})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"gpu_memory_utilization": "0"}, "0 is no share of a GPU; write a number above 0"),
        ({"gpu_memory_utilization": "1.1"}, "1.1 is no share of a GPU; write"),
        ({"kv_cache_memory_bytes": "0B"}, "no memory at all; write an amount"),
        ({"kv_cache_memory_bytes": "4096"}, "not a size; write a number and a unit"),
        ({"kv_cache_dtype": "int8"}, "'fp8_e4m3' or 'fp8_e5m2'"),
        ({"max_lora_rank": "24"}, "'24' is no rank that vLLM takes; write one of 1, 8, 16"),
        ({"max_num_seqs": "0"}, "whole number above 0"),
        ({"enforce_eager": "yes"}, "neither true nor false; write one of them"),
        ({"startup_timeout": "500ms"}, "not a whole number of seconds; write 1s or more"),
        ({"shutdown_timeout": "0s"}, "not a whole number of seconds; write 1s or more"),
        (
            {"max_num_seqs": "256", "max_num_batched_tokens": "128"},
            "max_num_batched_tokens 128 .*; raise the",
        ),
        (
            {"max_num_seqs": "256", "max_num_queued_reqs": "128"},
            "max_num_queued_reqs 128 .*; raise the first",
        ),
    ],
)
def test_a_contradiction_is_refused_before_a_server_sees_it(fields: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        options(**fields)


def test_beside_a_neighbour_both_the_cache_and_the_share_that_must_be_free_can_be_said() -> None:
    beside = options(gpu_memory_utilization="0.4", kv_cache_memory_bytes="2GiB")
    assert beside.memory_utilization == 0.4
    assert options(kv_cache_memory_bytes="2GiB").memory_utilization == 0.92


@pytest.mark.parametrize("rank", LORA_RANKS)
def test_every_rank_of_vllm_is_taken(rank: int) -> None:
    assert options(max_lora_rank=str(rank)).max_lora_rank == rank


@pytest.mark.parametrize(
    ("fields", "precision", "quantization", "capability"),
    [
        ({}, None, None, (7, 5)),
        ({}, Precision.FLOAT16, None, (7, 5)),
        ({}, Precision.FLOAT32, None, (7, 5)),
        ({}, Precision.BFLOAT16, None, (8, 0)),
        ({"kv_cache_dtype": "fp8_e5m2"}, None, None, (8, 0)),
        ({"kv_cache_dtype": "fp8_e4m3"}, None, None, (8, 9)),
        ({}, None, Quantization.AWQ, (7, 5)),
        ({}, Precision.BFLOAT16, Quantization.FP8, (8, 0)),
        ({}, None, Quantization.MXFP4, (8, 0)),
        ({"kv_cache_dtype": "fp8_e4m3"}, None, Quantization.MODELOPT, (8, 9)),
    ],
)
def test_options_and_weights_say_which_gpu_they_need(
    fields: dict[str, str],
    precision: Precision | None,
    quantization: Quantization | None,
    capability: tuple[int, int],
) -> None:
    assert compute_capability(options(**fields), precision, quantization) == capability


@pytest.mark.parametrize(
    ("fields", "precision", "quantization", "problems"),
    [
        ({}, Precision.FLOAT32, None, ()),
        ({}, Precision.FLOAT16, Quantization.AWQ, ()),
        ({}, Precision.FLOAT32, Quantization.TORCHAO, ()),
        ({"kv_cache_dtype": "fp8_e4m3"}, None, Quantization.FP8, ()),
        (
            {},
            Precision.FLOAT32,
            Quantization.GPTQ,
            (
                (
                    "quantization gptq cannot be computed in float32; "
                    "set precision to bfloat16 or float16, or leave it out"
                ),
            ),
        ),
        (
            {"kv_cache_dtype": "fp8_e5m2"},
            Precision.FLOAT16,
            Quantization.MODELOPT_MXFP8,
            (
                "quantization modelopt_mxfp8 cannot be computed in float16; set precision to bfloat16, or leave it out",
                "kv_cache_dtype fp8_e5m2 is refused beside quantization modelopt_mxfp8; use fp8_e4m3, or leave it out",
            ),
        ),
    ],
)
def test_what_vllm_would_refuse_at_its_start_is_said_with_a_way_out(
    fields: dict[str, str],
    precision: Precision | None,
    quantization: Quantization | None,
    problems: tuple[str, ...],
) -> None:
    assert weight_problems(options(**fields), precision, quantization) == problems


def test_every_quantization_says_what_it_needs() -> None:
    assert set(QUANTIZATION_FACTS) == set(Quantization)


def test_what_changes_answers_is_not_tuned_in_a_release() -> None:
    assert set(ServingOptions.model_fields) - TUNABLE == {
        "enforce_eager",
        "kv_cache_dtype",
        "max_lora_rank",
        "max_model_len",
        "tensor_parallel_size",
    }
    assert set(ServingOptions.model_fields) > TUNABLE


def test_a_counter_is_named_as_a_scrape_sees_it() -> None:
    assert [name for name in COUNTERS if not name.endswith("_total")] == []
    assert COUNTERS.isdisjoint(GAUGES | HISTOGRAMS)
    assert GAUGES.isdisjoint(HISTOGRAMS)
