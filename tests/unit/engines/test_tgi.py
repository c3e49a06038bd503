from typing import Any

import pytest
from pydantic import ValidationError

from engines.tgi import QUANTIZATION_FACTS, Quantization, ServingOptions, launcher_environment

DIRECTORY = "/mnt/models/writer"


def launched(**fields: Any) -> dict[str, str]:
    return launcher_environment(ServingOptions.model_validate(fields), DIRECTORY)


def test_a_server_with_no_options_gets_tgi_s_defaults_and_what_must_not_be_left_to_it() -> None:
    assert launched() == {
        "CUDA_MEMORY_FRACTION": "1.0",
        "GRACEFUL_TERMINATION_TIMEOUT": "90",
        "HF_HUB_OFFLINE": "1",
        "HOSTNAME": "0.0.0.0",  # noqa: S104 - what the launcher is told
        "JSON_OUTPUT": "true",
        "MAX_CLIENT_BATCH_SIZE": "4",
        "MAX_CONCURRENT_REQUESTS": "128",
        "MODEL_ID": DIRECTORY,
        "NUM_SHARD": "1",
        "PAYLOAD_LIMIT": "2000000",
        "PORT": "8080",
        "TRUST_REMOTE_CODE": "false",
        "USAGE_STATS": "off",
        "WAITING_SERVED_RATIO": "0.3",
    }


@pytest.mark.parametrize(
    ("fields", "variable", "value"),
    [
        ({"max_input_tokens": "3072"}, "MAX_INPUT_TOKENS", "3072"),
        ({"max_total_tokens": "4096"}, "MAX_TOTAL_TOKENS", "4096"),
        ({"max_batch_prefill_tokens": "4096"}, "MAX_BATCH_PREFILL_TOKENS", "4096"),
        ({"quantize": "bitsandbytes-nf4"}, "QUANTIZE", "bitsandbytes-nf4"),
        ({"dtype": "float16"}, "DTYPE", "float16"),
        ({"kv_cache_dtype": "fp8_e5m2"}, "KV_CACHE_DTYPE", "fp8_e5m2"),
        ({"cuda_memory_fraction": "0.45"}, "CUDA_MEMORY_FRACTION", "0.45"),
        ({"payload_limit": "1MiB"}, "PAYLOAD_LIMIT", "1048576"),
        ({"graceful_termination_timeout": "2m"}, "GRACEFUL_TERMINATION_TIMEOUT", "120"),
        ({"num_shard": "4"}, "NUM_SHARD", "4"),
    ],
)
def test_an_option_is_one_variable(fields: dict[str, str], variable: str, value: str) -> None:
    environment = launched(**fields)
    assert environment[variable] == value
    assert {name for name in environment if environment[name] != launched().get(name)} == {variable}


def test_the_environment_is_sorted_so_that_equal_options_roll_no_pod() -> None:
    assert list(launched(dtype="float16")) == sorted(launched(dtype="float16"))


@pytest.mark.parametrize(
    "option", ["max_batch_total_tokens", "max_input_length", "sharded", "trust_remote_code"]
)
def test_what_tgi_ignores_renamed_or_must_not_do_is_no_option(option: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        ServingOptions.model_validate({option: "1"})


@pytest.mark.parametrize(
    "fields",
    [
        {"max_input_tokens": "4096", "max_total_tokens": "4096"},
        {"quantize": "awq", "dtype": "float16"},
        {"quantize": "exl2", "num_shard": "2"},
        {"quantize": "int4"},
        {"dtype": "float32"},
        {"num_shard": "0"},
        {"cuda_memory_fraction": "1.1"},
        {"cuda_memory_fraction": "nan"},
        {"waiting_served_ratio": "0"},
        {"graceful_termination_timeout": "500ms"},
    ],
)
def test_a_contradiction_is_refused_before_a_launcher_sees_it(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ServingOptions.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "capability"),
    [
        ({}, (7, 5)),
        ({"dtype": "float16"}, (7, 5)),
        ({"dtype": "bfloat16"}, (8, 0)),
        ({"kv_cache_dtype": "fp8_e4m3fn"}, (8, 0)),
        ({"quantize": "bitsandbytes"}, (7, 5)),
        ({"quantize": "marlin", "kv_cache_dtype": "fp8_e5m2"}, (8, 0)),
        ({"quantize": "fp8"}, (9, 0)),
    ],
)
def test_options_say_which_gpu_they_need(fields: dict[str, str], capability: tuple[int, int]) -> None:
    assert ServingOptions.model_validate(fields).compute_capability == capability


def test_every_quantization_says_what_it_needs() -> None:
    assert set(QUANTIZATION_FACTS) == set(Quantization)
    assert {q for q in Quantization if not QUANTIZATION_FACTS[q].sharded} == {Quantization.EXL2}
