"""Constants of TorchServe 0.12.0, each with its source.

Measured: docs/facts/torchserve.md, installed wheel, CPU, 2 cores. Read: pytorch/serve at tag v0.12.0.
"""

from datetime import date
from types import MappingProxyType
from typing import Final

from engines import images
from engines.support import Support
from quantities import Bytes

VERSION: Final = "0.12.0"

SUPPORT: Final = Support(
    status="unmaintained",
    note="No more updates, fixes or security patches: let only the gateway reach it, and plan what follows it.",
    source="https://github.com/pytorch/serve/blob/62c4d6a1fdc1d071dbcf758ebd756029af20bd5e/README.md",
    date=date(2025, 2, 28),
)

INFERENCE_PORT: Final = 8080
MANAGEMENT_PORT: Final = 8081
METRICS_PORT: Final = 8082
"""Default ports (frontend ConfigManager.java). gRPC (7070, 7071) stays on loopback: nothing calls it."""

IMAGES: Final = MappingProxyType(
    {"cpu": images.IMAGES["torchserve-cpu"], "gpu": images.IMAGES["torchserve-gpu"]}
)
"""Device → image."""

FRONTEND_MEMORY: Final = Bytes.mebibytes(300)
"""Resident memory of the Java frontend: 186 MiB with one model, 262 MiB with ten (measured), rounded up."""

WORKER_MEMORY: Final = Bytes.mebibytes(500)
"""Resident memory of one worker beside its weights: 224 MiB for bare torch, 486 MiB with transformers and its
90 MB of weights (measured, CPU). The CUDA context's host side was not measured."""

_KEYS = """
allowed_urls async_logging blacklist_env_vars certificate_file cors_allowed_headers cors_allowed_methods
cors_allowed_origin cpp_log_config cpu_launcher_args cpu_launcher_enable debug decode_input_request
default_response_timeout default_service_handler default_startup_timeout default_workers_per_model
disable_system_metrics disable_token_authorization enable_envvars_config enable_grpc_ssl
enable_metrics_api enable_model_api grpc_inference_address grpc_inference_max_connection_age_grace_ms
grpc_inference_max_connection_age_ms grpc_inference_port grpc_management_address
grpc_management_max_connection_age_grace_ms grpc_management_max_connection_age_ms grpc_management_port
inference_address initial_distribution_port initial_worker_port install_py_dep_per_model io_ratio
ipex_enable ipex_gpu_enable job_queue_size keystore keystore_pass keystore_type limit_max_image_pixels
load_models management_address max_request_size max_response_size metric_time_interval metrics_address
metrics_config metrics_mode model_metrics_auto_detect model_server_home model_snapshot model_store
models netty_client_threads number_of_gpu number_of_netty_threads prefer_direct_buffer private_key_file
service_envelope system_metrics_cmd token_expiration_min ts_header_key_sequence_end
ts_header_key_sequence_id ts_header_key_sequence_start ts_open_inference_protocol
unregister_model_timeout use_env_allowed_urls use_native_io vmargs workflow_store
"""

CONFIG_KEYS: Final = frozenset(_KEYS.split())
"""Every key of config.properties (ConfigManager.java, plus the launcher's vmargs). TorchServe ignores an
unknown key without a word, so a typing mistake must be caught here."""
