"""Renders config.properties: nothing that depends on where or when the server runs, in two forms.

`render_empty_config` is a server without models, into which the agent beside it registers them (docs/agent.md).
`render_config` is one that brings its models by itself, for a TorchServe without an agent: they come as a one-line
`model_snapshot`, the only form that honours defaultVersion and marName (the `models=` key is a lookup table and
ignores both; docs/facts/torchserve.md §3).

Token authorization is off because its keys cannot be supplied, live 60 minutes and make every probe answer 400: a
NetworkPolicy decides who may ask, and the management API listens on loopback alone.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from engines.torchserve.facts import CONFIG_KEYS, INFERENCE_PORT, MANAGEMENT_PORT, METRICS_PORT
from engines.torchserve.options import ServingOptions

JAVA_ARGUMENTS: Final = ("-Xmx1g", "-XX:+ExitOnOutOfMemoryError")
"""Java's own bound is a quarter of the container's memory, 7 GiB of a node of 32, which its workers were promised. A
gibibyte holds 100 of TorchServe's largest requests, 6.5 MB, beside what FRONTEND_MEMORY says; chosen. Once it is out of
memory it ends and its container starts again: it would answer its probes, and not all requests."""


@dataclass(frozen=True, kw_only=True)
class ServedVersion:
    """One version that the server loads."""

    name: str
    """The name in the URL, as `model_name` makes it."""
    version: str
    """Must equal the version in the archive's manifest: TorchServe registers that one, not this key."""
    archive: str
    """File name in the model store."""
    default: bool
    options: ServingOptions


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """All that config.properties says. Raises ValueError on what TorchServe would accept and get wrong."""

    model_store: str
    """Absolute path of the folder that holds the archives."""
    gpus: int
    """GPUs TorchServe may use; 0 keeps it on the CPU even where it sees one."""
    versions: tuple[ServedVersion, ...]

    def __post_init__(self) -> None:
        if not self.versions:
            raise ValueError("a server without models: TorchServe would start and call itself Healthy")
        _require_unique("version", ((v.name, v.version) for v in self.versions))
        _require_unique("archive", (v.archive for v in self.versions))
        defaults = Counter(v.name for v in self.versions if v.default)
        for name in sorted({v.name for v in self.versions}):
            if defaults[name] != 1:
                raise ValueError(f"{name} has {defaults[name]} default versions; TorchServe would pick one")


def render_config(config: ServerConfig) -> str:
    """A server with its models; sorted keys, one line each, equal for equal input."""
    snapshot = json.dumps(model_snapshot(config.versions), separators=(",", ":"), sort_keys=True)
    own = {"enable_model_api": "false", "model_snapshot": snapshot}
    return _properties({**_common(config.model_store, config.gpus), **own})


def render_empty_config(*, model_store: str, gpus: int) -> str:
    """A server without models, which an agent registers through the management API on loopback."""
    own = {"enable_model_api": "true", "vmargs": " ".join(JAVA_ARGUMENTS)}
    return _properties({**_common(model_store, gpus), **own})


def _common(model_store: str, gpus: int) -> dict[str, str]:
    return {
        "allowed_urls": f"file://{model_store}/.*",
        "disable_token_authorization": "true",
        "enable_envvars_config": "false",
        "grpc_inference_address": "127.0.0.1",
        "grpc_management_address": "127.0.0.1",
        "inference_address": f"http://0.0.0.0:{INFERENCE_PORT}",
        "install_py_dep_per_model": "false",
        "management_address": f"http://127.0.0.1:{MANAGEMENT_PORT}",
        "metrics_address": f"http://0.0.0.0:{METRICS_PORT}",
        "metrics_mode": "prometheus",
        "model_store": model_store,
        "number_of_gpu": str(gpus),
    }


def _properties(properties: Mapping[str, str]) -> str:
    unknown = properties.keys() - CONFIG_KEYS
    if unknown:
        raise ValueError(f"TorchServe knows no key {', '.join(sorted(unknown))}")
    for key, value in properties.items():
        if "\\" in value or "\n" in value:
            raise ValueError(
                f"{key} holds a backslash or a line end, which a properties file reads as an escape"
            )
    return "".join(f"{key}={properties[key]}\n" for key in sorted(properties))


def model_snapshot(versions: Iterable[ServedVersion]) -> dict[str, object]:
    """The snapshot as plain data. `modelCount` is the number of versions: 0 or missing loads nothing."""
    models: dict[str, dict[str, object]] = {}
    count = 0
    for served in sorted(versions, key=lambda v: (v.name, v.version)):
        models.setdefault(served.name, {})[served.version] = _snapshot_entry(served)
        count += 1
    return {"created": 0, "modelCount": count, "models": models, "name": "slipway.cfg"}


def _snapshot_entry(served: ServedVersion) -> dict[str, object]:
    """Every key is written: a snapshot entry without batchSize, worker counts or delay is a fatal NPE."""
    options = served.options
    return {
        "batchSize": options.batch_size,
        "defaultVersion": served.default,
        "marName": served.archive,
        "maxBatchDelay": options.max_batch_delay // timedelta(milliseconds=1),
        "maxWorkers": options.worker_limit,
        "minWorkers": options.min_workers,
        "responseTimeout": options.response_timeout // timedelta(seconds=1),
        "startupTimeout": options.startup_timeout // timedelta(seconds=1),
    }


def _require_unique(what: str, values: Iterable[object]) -> None:
    repeated = sorted(str(value) for value, count in Counter(values).items() if count > 1)
    if repeated:
        raise ValueError(f"{what} listed twice: {', '.join(repeated)}")
