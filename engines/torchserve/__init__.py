"""TorchServe 0.12.0: what it takes, where it listens, what it is called."""

from engines.torchserve.config import (
    ServedVersion,
    ServerConfig,
    model_snapshot,
    render_config,
    render_empty_config,
)
from engines.torchserve.facts import (
    CONFIG_KEYS,
    FRONTEND_MEMORY,
    IMAGES,
    INFERENCE_PORT,
    MANAGEMENT_PORT,
    METRICS_PORT,
    SUPPORT,
    VERSION,
    WORKER_MEMORY,
)
from engines.torchserve.naming import archive_name, model_name, prediction_path
from engines.torchserve.options import TUNABLE, ServingOptions

__all__ = [
    "CONFIG_KEYS",
    "FRONTEND_MEMORY",
    "IMAGES",
    "INFERENCE_PORT",
    "MANAGEMENT_PORT",
    "METRICS_PORT",
    "SUPPORT",
    "ServedVersion",
    "ServerConfig",
    "ServingOptions",
    "TUNABLE",
    "VERSION",
    "WORKER_MEMORY",
    "archive_name",
    "model_name",
    "model_snapshot",
    "prediction_path",
    "render_config",
    "render_empty_config",
]
