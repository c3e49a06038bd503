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
    VERSION,
)
from engines.tgi.options import Dtype, KvCacheDtype, ServingOptions
from engines.tgi.quantization import FACTS as QUANTIZATION_FACTS
from engines.tgi.quantization import Quantization, QuantizationFacts

__all__ = [
    "Dtype",
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
    "ServingOptions",
    "VERSION",
    "launcher_environment",
]
