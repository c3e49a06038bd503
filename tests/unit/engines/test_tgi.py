from typing import Any

import pytest
from pydantic import ValidationError

from engines import Adapter, Precision
from engines.tgi import (
    QUANTIZATION_FACTS,
    TUNABLE,
    Quantization,
    ServingOptions,
    compute_capability,
    launcher_environment,
    weight_problems,
)

DIRECTORY = "/mnt/models/writer"
STYLE = Adapter(name="style", directory="/mnt/models/adapters/style")
TONE = Adapter(name="tone", directory="/mnt/models/adapters/tone")


def options(**fields: Any) -> ServingOptions:
    return ServingOptions.model_validate(fields)


def launched(
    *adapters: Adapter,
    precision: Precision | None = None,
    quantization: Quantization | None = None,
    **fields: Any,
) -> dict[str, str]:
    return launcher_environment(
        options(**fields), DIRECTORY, precision=precision, quantization=quantization, adapters=adapters
    )


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
        ({"quantization": Quantization.BITSANDBYTES_NF4}, "QUANTIZE", "bitsandbytes-nf4"),
        ({"precision": Precision.FLOAT16}, "DTYPE", "float16"),
        ({"kv_cache_dtype": "fp8_e5m2"}, "KV_CACHE_DTYPE", "fp8_e5m2"),
        ({"cuda_memory_fraction": "0.45"}, "CUDA_MEMORY_FRACTION", "0.45"),
        ({"payload_limit": "1MiB"}, "PAYLOAD_LIMIT", "1048576"),
        ({"graceful_termination_timeout": "2m"}, "GRACEFUL_TERMINATION_TIMEOUT", "120"),
        ({"num_shard": "4"}, "NUM_SHARD", "4"),
    ],
)
def test_an_option_is_one_variable(fields: dict[str, Any], variable: str, value: str) -> None:
    environment = launched(**fields)
    assert environment[variable] == value
    assert {name for name in environment if environment[name] != launched().get(name)} == {variable}


def test_the_environment_is_sorted_so_that_equal_options_roll_no_pod() -> None:
    environment = launched(STYLE, precision=Precision.FLOAT16)
    assert list(environment) == sorted(environment)


def test_adapters_are_read_from_disk_whatever_their_order() -> None:
    assert launched(TONE, STYLE) == launched(STYLE, TONE)
    assert (
        launched(TONE, STYLE)["LORA_ADAPTERS"]
        == "style=/mnt/models/adapters/style,tone=/mnt/models/adapters/tone"
    )


def test_two_adapters_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="adapter listed twice: style; give each a name of its own"):
        launched(STYLE, STYLE)


@pytest.mark.parametrize(
    "option",
    ["dtype", "max_batch_total_tokens", "max_input_length", "quantize", "sharded", "trust_remote_code"],
)
def test_what_tgi_ignores_renamed_or_must_not_do_or_a_version_says_itself_is_no_option(option: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        ServingOptions.model_validate({option: "1"})


@pytest.mark.parametrize(
    "fields",
    [
        {"max_input_tokens": "4096", "max_total_tokens": "4096"},
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
    ("fields", "precision", "quantization", "capability"),
    [
        ({}, None, None, (7, 5)),
        ({}, Precision.FLOAT16, None, (7, 5)),
        ({}, Precision.BFLOAT16, None, (8, 0)),
        ({"kv_cache_dtype": "fp8_e4m3fn"}, None, None, (8, 0)),
        ({}, None, Quantization.BITSANDBYTES, (7, 5)),
        ({}, Precision.BFLOAT16, Quantization.BITSANDBYTES, (8, 0)),
        ({"kv_cache_dtype": "fp8_e5m2"}, None, Quantization.MARLIN, (8, 0)),
        ({}, None, Quantization.FP8, (9, 0)),
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
        ({}, None, None, ()),
        ({"num_shard": "2"}, Precision.BFLOAT16, None, ()),
        ({"num_shard": "2"}, None, Quantization.AWQ, ()),
        ({}, Precision.FLOAT16, Quantization.BITSANDBYTES_NF4, ()),
        (
            {},
            Precision.FLOAT32,
            None,
            (
                "precision float32 is none that TGI computes in; set it to bfloat16 or float16, or leave it out",
            ),
        ),
        (
            {},
            Precision.FLOAT16,
            Quantization.AWQ,
            ("quantization awq and precision are both given and exclude each other; keep one of them",),
        ),
        (
            {"num_shard": "2"},
            None,
            Quantization.EXL2,
            (
                "quantization exl2 cannot be spread over 2 GPUs; set num_shard to 1, or choose another quantization",
            ),
        ),
    ],
)
def test_what_tgi_would_refuse_at_its_start_is_said_with_a_way_out(
    fields: dict[str, str],
    precision: Precision | None,
    quantization: Quantization | None,
    problems: tuple[str, ...],
) -> None:
    assert weight_problems(options(**fields), precision, quantization) == problems


def test_what_changes_answers_or_refuses_requests_is_not_tuned_in_a_release() -> None:
    assert set(ServingOptions.model_fields) - TUNABLE == {
        "kv_cache_dtype",
        "max_client_batch_size",
        "max_input_tokens",
        "max_total_tokens",
        "num_shard",
        "payload_limit",
    }
    assert set(ServingOptions.model_fields) > TUNABLE


def test_every_quantization_says_what_it_needs() -> None:
    assert set(QUANTIZATION_FACTS) == set(Quantization)
    assert {q for q in Quantization if not QUANTIZATION_FACTS[q].sharded} == {Quantization.EXL2}
