"""The launcher's environment: every option is a variable as well as an argument, and variables diff line by line."""

from collections.abc import Sequence
from datetime import timedelta

from engines.adapter import Adapter, refuse_repeated_names
from engines.precision import Precision
from engines.tgi.facts import PORT
from engines.tgi.options import ServingOptions
from engines.tgi.quantization import Quantization


def launcher_environment(
    options: ServingOptions,
    model_directory: str,
    *,
    precision: Precision | None,
    quantization: Quantization | None,
    adapters: Sequence[Adapter] = (),
) -> dict[str, str]:
    """Variable → value, sorted; equal for equal input. `model_directory` holds the weights, absolute.

    With adapters TGI turns prefix caching off (resolve_attention in launcher/src/main.rs). Raises ValueError where two
    adapters share a name.
    """
    refuse_repeated_names(tuple(adapters))
    values: dict[str, object | None] = {
        "CUDA_MEMORY_FRACTION": options.cuda_memory_fraction,
        "DTYPE": precision,
        "GRACEFUL_TERMINATION_TIMEOUT": options.graceful_termination_timeout // timedelta(seconds=1),
        # Weights come from the environment's bucket; a Hub that is down or changed must not matter.
        "HF_HUB_OFFLINE": 1,
        # Kubernetes sets HOSTNAME to the pod's name, and TGI takes it for the address to listen on.
        "HOSTNAME": "0.0.0.0",  # noqa: S104 - a NetworkPolicy decides who may ask
        "JSON_OUTPUT": "true",
        "KV_CACHE_DTYPE": options.kv_cache_dtype,
        # A path after the name, so that nothing is downloaded.
        "LORA_ADAPTERS": ",".join(sorted(f"{adapter.name}={adapter.directory}" for adapter in adapters))
        or None,
        "MAX_BATCH_PREFILL_TOKENS": options.max_batch_prefill_tokens,
        "MAX_CLIENT_BATCH_SIZE": options.max_client_batch_size,
        "MAX_CONCURRENT_REQUESTS": options.max_concurrent_requests,
        "MAX_INPUT_TOKENS": options.max_input_tokens,
        "MAX_TOTAL_TOKENS": options.max_total_tokens,
        "MODEL_ID": model_directory,
        # Left out, TGI takes every GPU it sees.
        "NUM_SHARD": options.num_shard,
        "PAYLOAD_LIMIT": int(options.payload_limit),
        "PORT": PORT,
        "QUANTIZE": quantization,
        "TRUST_REMOTE_CODE": "false",
        "USAGE_STATS": "off",
        "WAITING_SERVED_RATIO": options.waiting_served_ratio,
    }
    return {name: str(values[name]) for name in sorted(values) if values[name] is not None}
