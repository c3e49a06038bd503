"""Constants of Text Generation Inference 3.3.5, each with its source.

Read: huggingface/text-generation-inference at tag v3.3.5 (launcher, router, server, Dockerfile). Nothing here was
run on a GPU.
"""

from datetime import date, timedelta
from typing import Final

from engines.images import IMAGES
from engines.support import Support
from quantities import Bytes

VERSION: Final = "3.3.5"
IMAGE: Final = IMAGES["text-generation-inference"]

SUPPORT: Final = Support(
    status="maintenance",
    note="Takes small fixes only; its project recommends vLLM, SGLang and local engines for what is new.",
    source=(
        "https://github.com/huggingface/text-generation-inference/blob/"
        "db931fcf42da018a3657580c64bf2720f167f9ab/README.md"
    ),
    date=date(2025, 12, 11),
)

PORT: Final = 8080
"""Inference, health and metrics, one port. The image sets PORT=80, which a process without root and without any
capability cannot bind; so it is always set."""

HEALTH_PATH: Final = "/health"
"""200 or 503; without the API key. True health: once it has answered, it asks the shards (router/src/server.rs)."""
METRICS_PATH: Final = "/metrics"
"""The path of the metrics, on PORT; a client that may scrape may also generate. No label names the model: scrapers
must add it."""
GENERATE_PATH: Final = "/generate"
"""The native route; /v1/chat/completions answers beside it."""

SHARED_MEMORY: Final = Bytes.mebibytes(1024)
"""The size of /dev/shm, where shards of one model meet (`--shm-size 1g` in TGI's docs; a container gets 64 MiB)."""

GRACEFUL_TERMINATION: Final = timedelta(seconds=90)
"""Default of GRACEFUL_TERMINATION_TIMEOUT: how long after SIGTERM requests in flight may still end."""

ROUTER_MEMORY: Final = Bytes.mebibytes(1024)
SHARD_MEMORY: Final = Bytes.mebibytes(4096)
"""Host memory of the launcher and router, and of one shard's Python with torch and a CUDA context, beside the
weights. Chosen, not measured: nobody has run this version here."""
