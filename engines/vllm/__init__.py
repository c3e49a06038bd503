"""vLLM 0.33.0: what it takes, where it listens, what it needs."""

from engines.vllm.arguments import server_arguments, server_environment
from engines.vllm.facts import (
    API_KEY_PREFIXES,
    API_SERVER_MEMORY,
    CHAT_PATH,
    COMPLETIONS_PATH,
    DEFAULT_MEMORY_UTILIZATION,
    ENGINE_READY,
    ENTRYPOINT,
    HEALTH_PATH,
    IMAGE,
    METRICS_PATH,
    PORT,
    SHARED_MEMORY,
    SUPPORT,
    USER,
    VERSION,
    WORKER_MEMORY,
    WRITABLE,
)
from engines.vllm.options import LORA_RANKS, TUNABLE, KvCacheDtype, ServingOptions
from engines.vllm.quantization import FACTS as QUANTIZATION_FACTS
from engines.vllm.quantization import Quantization, QuantizationFacts
from engines.vllm.splitting import split_problem
from engines.vllm.weights import compute_capability, weight_problems

__all__ = [
    "API_KEY_PREFIXES",
    "API_SERVER_MEMORY",
    "CHAT_PATH",
    "COMPLETIONS_PATH",
    "DEFAULT_MEMORY_UTILIZATION",
    "ENGINE_READY",
    "ENTRYPOINT",
    "HEALTH_PATH",
    "IMAGE",
    "KvCacheDtype",
    "LORA_RANKS",
    "METRICS_PATH",
    "PORT",
    "QUANTIZATION_FACTS",
    "Quantization",
    "QuantizationFacts",
    "SHARED_MEMORY",
    "SUPPORT",
    "ServingOptions",
    "TUNABLE",
    "USER",
    "VERSION",
    "WORKER_MEMORY",
    "WRITABLE",
    "compute_capability",
    "server_arguments",
    "server_environment",
    "split_problem",
    "weight_problems",
]
