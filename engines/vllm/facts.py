"""Constants of vLLM 0.33.0, each with its source.

Read: the source archive vllm-0.33.0.tar.gz on PyPI (commit 4ba787ec9; sha256 f4c33c25…), paths below are its own.
Nothing here was run on a GPU.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from engines.images import IMAGES
from engines.support import Support
from quantities import Bytes

VERSION: Final = "0.33.0"
IMAGE: Final = IMAGES["vllm"]

SUPPORT: Final = Support(
    status="supported",
    note="Developed actively, and fast: a metric or option that is deprecated is gone two minor versions later.",
    source="https://pypi.org/project/vllm/0.33.0/",
    date=date(2026, 11, 2),
)

ENTRYPOINT: Final = ("vllm", "serve")
"""The image's entry point (docker/Dockerfile, target vllm-openai): a pod gives arguments, no command."""

PORT: Final = 8000
"""Inference, health and metrics, one port (vllm/entrypoints/common/cli_args.py)."""

HEALTH_PATH: Final = "/health"
"""200, or 503 once the engine has died; not answered before the model is loaded. Without the API key."""
METRICS_PATH: Final = "/metrics"
"""The path of the metrics, on PORT, without the API key; a client that may scrape may also generate, unless a key is
set."""
COMPLETIONS_PATH: Final = "/v1/completions"
CHAT_PATH: Final = "/v1/chat/completions"

API_KEY_PREFIXES: Final = ("/v1", "/v2", "/inference", "/cohere")
"""The paths that VLLM_API_KEY guards (vllm/entrypoints/serve/middleware/authenticate.py). All others answer anybody,
among it /tokenize, /invocations and /load: a NetworkPolicy decides who may ask."""

USER: Final = 0
"""The user that the image runs as where a pod names none. It is made to run as others too: its Python lies outside
/root and a user 2000 of group 0 exists. Users outside group 0 are `not part of the documented support matrix`, for
want of a writable home (docs/deployment/docker.md): server_environment gives them one. Nobody has run that here."""

SHARED_MEMORY: Final = Bytes.mebibytes(2048)
"""The size of /dev/shm, where workers of one model meet: 2Gi for one GPU in docs/deployment/k8s.md; a container gets
64 MiB."""

DEFAULT_MEMORY_UTILIZATION: Final = 0.92
"""Share of each GPU that vLLM takes (vllm/config/cache.py). It does not start where less of the card is free
(request_memory in vllm/v1/worker/utils.py), and asks that even where kv_cache_memory_bytes is given: whoever shares a
GPU must set it."""

ENGINE_READY: Final = timedelta(minutes=10)
"""Default of VLLM_ENGINE_READY_TIMEOUT_S (vllm/envs.py): after it the server gives up on its own engine."""

API_SERVER_MEMORY: Final = Bytes.mebibytes(2048)
WORKER_MEMORY: Final = Bytes.mebibytes(4096)
"""Host memory of the API server with the engine's scheduler, and of one GPU's worker with torch, a CUDA context and
compiled graphs, beside the weights. Chosen, not measured: nobody has run this version here."""

WRITABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Triton, FlashInfer, the CUDA driver and others keep caches below it by name.
        "HOME": "",
        "HF_HOME": "huggingface",
        # torch.compile's artefacts and, since no TRITON_CACHE_DIR is set, Triton's; vLLM itself sets
        # TORCHINDUCTOR_CACHE_DIR below it (vllm/compilation/compiler_interface.py). What lies in it is executed: it
        # must be nobody else's (docs/usage/security.md).
        "VLLM_CACHE_ROOT": "cache/vllm",
        "VLLM_CONFIG_ROOT": "config/vllm",
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
    }
)
"""Variable → folder below one writable directory, so that the root may be read-only. /tmp must be writable too: the
sockets between vLLM's processes lie there (VLLM_RPC_BASE_PATH)."""
