"""Text Generation Inference 3.3.5: what it takes, where it listens, what it needs."""

from engines.tgi.environment import launcher_environment
from engines.tgi.facts import (
    GENERATE_PATH,
    GRACEFUL_TERMINATION,
    HEALTH_PATH,
    IMAGE,
    METRICS_PATH,
    PORT,
    ROUTER_MEMORY,
    SHARD_MEMORY,
    SHARED_MEMORY,
    SUPPORT,
    VERSION,
)
from engines.tgi.options import TUNABLE, KvCacheDtype, ServingOptions
from engines.tgi.quantization import FACTS as QUANTIZATION_FACTS
from engines.tgi.quantization import Quantization, QuantizationFacts
from engines.tgi.splitting import split_problem
from engines.tgi.weights import compute_capability, weight_problems

__all__ = [
    "GENERATE_PATH",
    "GRACEFUL_TERMINATION",
    "HEALTH_PATH",
    "IMAGE",
    "KvCacheDtype",
    "METRICS_PATH",
    "PORT",
    "QUANTIZATION_FACTS",
    "Quantization",
    "QuantizationFacts",
    "ROUTER_MEMORY",
    "SHARD_MEMORY",
    "SHARED_MEMORY",
    "SUPPORT",
    "ServingOptions",
    "TUNABLE",
    "VERSION",
    "compute_capability",
    "launcher_environment",
    "split_problem",
    "weight_problems",
]
