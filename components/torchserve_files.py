"""The files a TorchServe pod mounts, and the paths at which containers find things. Pure text from a plan."""

import shlex
from typing import Final

from components.server_pod import MODEL_STORE
from engines.torchserve import MANAGEMENT_PORT, ServedVersion, ServerConfig, render_config
from planning import TorchServePlan
from workloads.torchserve_probe import (
    EXPECTATION_FILE,
    SCRIPT,
    Expectation,
    ExpectedModel,
    expectation_json,
)

CONFIG_DIRECTORY: Final = "/etc/torchserve"
CONFIG_FILE: Final = "config.properties"
FETCH_SCRIPT: Final = "fetch.sh"
PROBE_SCRIPT: Final = "ready.py"

PROBE_SECONDS_PER_MODEL: Final = 2
"""The management API on loopback answers in milliseconds; this is for a starved CPU."""


def mounted_files(server: TorchServePlan) -> dict[str, str]:
    """File name → text of all that the server mounts; equal for equal plans, so that no change rolls no pod."""
    return {
        CONFIG_FILE: render_config(_server_config(server)),
        EXPECTATION_FILE: expectation_json(_expectation(server)),
        FETCH_SCRIPT: _fetch_script(server),
        PROBE_SCRIPT: SCRIPT.read_text(encoding="utf-8"),
    }


def _server_config(server: TorchServePlan) -> ServerConfig:
    return ServerConfig(
        model_store=MODEL_STORE,
        gpus=server.resources.gpus,
        versions=tuple(
            ServedVersion(
                name=model.name,
                version=model.version,
                archive=model.archive,
                default=model.default,
                options=model.options,
            )
            for model in server.models
        ),
    )


def _expectation(server: TorchServePlan) -> Expectation:
    return Expectation(
        management_url=f"http://127.0.0.1:{MANAGEMENT_PORT}",
        timeout_seconds=PROBE_SECONDS_PER_MODEL,
        models=tuple(
            ExpectedModel(name=model.name, version=model.version, min_workers=model.options.min_workers)
            for model in server.default_models
        ),
    )


def _fetch_script(server: TorchServePlan) -> str:
    """Copies every archive; the bucket's name comes as $MODEL_BUCKET, known only once the bucket exists."""
    copies = [
        f'aws s3 cp --only-show-errors "s3://$MODEL_BUCKET/"{shlex.quote(model.archive_key)} '
        f"{shlex.quote(f'{MODEL_STORE}/{model.archive}')}"
        for model in server.models
    ]
    return "\n".join(["set -eu", *copies, ""])
