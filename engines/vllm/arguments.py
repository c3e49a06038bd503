"""The command line and the environment of a server."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from engines.adapter import Adapter, refuse_repeated_names
from engines.precision import Precision
from engines.vllm.facts import PORT, WRITABLE
from engines.vllm.options import ServingOptions
from engines.vllm.quantization import Quantization

_SECOND: Final = timedelta(seconds=1)


def server_arguments(
    options: ServingOptions,
    model_directory: str,
    served_name: str,
    *,
    precision: Precision | None,
    quantization: Quantization | None,
    adapters: Sequence[Adapter] = (),
) -> tuple[str, ...]:
    """Return the arguments of `vllm serve`: the model's directory, then options sorted by name; equal for equal input.

    `model_directory` is absolute. `served_name` names the model in requests and metrics; adapters have names of their
    own. Raises ValueError where two of these names are equal.
    """
    values: dict[str, object | None] = {
        "dtype": precision,
        "gpu-memory-utilization": options.gpu_memory_utilization,
        "host": "0.0.0.0",  # noqa: S104 - a NetworkPolicy decides who may ask
        "kv-cache-dtype": options.kv_cache_dtype,
        "kv-cache-memory-bytes": None
        if options.kv_cache_memory_bytes is None
        else int(options.kv_cache_memory_bytes),
        "max-model-len": options.max_model_len,
        "max-num-batched-tokens": options.max_num_batched_tokens,
        "max-num-queued-reqs": options.max_num_queued_reqs,
        "max-num-seqs": options.max_num_seqs,
        "port": PORT,
        "quantization": quantization,
        "served-model-name": served_name,
        "shutdown-timeout": options.shutdown_timeout // _SECOND,
        "tensor-parallel-size": options.tensor_parallel_size,
    }
    given: list[tuple[str, ...]] = [
        (f"--{name}={value}",) for name, value in values.items() if value is not None
    ]
    given.append(
        ("--enable-prefix-caching" if options.enable_prefix_caching else "--no-enable-prefix-caching",)
    )
    if options.enforce_eager:
        given.append(("--enforce-eager",))
    if adapters:
        given += _lora(options, served_name, tuple(adapters))
    return (model_directory, *(word for words in sorted(given) for word in words))


def _lora(options: ServingOptions, served_name: str, adapters: tuple[Adapter, ...]) -> list[tuple[str, ...]]:
    refuse_repeated_names(adapters)
    if any(adapter.name == served_name for adapter in adapters):
        raise ValueError(f"adapter {served_name} is named as the model itself; give it another name")
    return [
        ("--enable-lora",),
        # All in host memory; else vLLM reads an adapter from disk again each time another took its place.
        (f"--max-cpu-loras={max(len(adapters), options.max_loras)}",),
        (f"--max-lora-rank={options.max_lora_rank}",),
        (f"--max-loras={options.max_loras}",),
        # Takes several words and keeps the last mention alone, so it is mentioned once.
        ("--lora-modules", *sorted(f"{adapter.name}={adapter.directory}" for adapter in adapters)),
    ]


def server_environment(options: ServingOptions, writable_directory: str) -> dict[str, str]:
    """Variable → value, sorted; equal for equal input. `writable_directory` is absolute, and the server's alone.

    The pod must also be kept from Service variables: beside a Service named `vllm`, VLLM_PORT is a URL and vLLM stops
    on it (get_vllm_port in vllm/envs.py).
    """
    values = {
        **{name: f"{writable_directory}/{folder}".rstrip("/") for name, folder in WRITABLE.items()},
        "DO_NOT_TRACK": "1",
        # Weights come from the environment's bucket; a Hub that is down or changed must not matter.
        "HF_HUB_OFFLINE": "1",
        # Else torch looks the user up by id and fails where the image does not know it
        # (docker/entrypoints/vllm-nonroot-entrypoint.sh).
        "USER": "vllm",
        # vLLM gives up on its own engine by this clock, however long the pod's startup probe would wait.
        "VLLM_ENGINE_READY_TIMEOUT_S": str(options.startup_timeout // _SECOND),
        "VLLM_NO_USAGE_STATS": "1",
    }
    return {name: values[name] for name in sorted(values)}
