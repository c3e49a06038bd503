"""Exits 0 when every default version has its workers, else 1 and one line that says what is missing.

TorchServe's /ping cannot be asked: it answers Healthy before any worker is up, with no model at all, and with
every worker scaled away (docs/facts/torchserve.md §4). The management API knows, on loopback.

Runs as a probe inside the container: standard library only, and Python 3.9 (the image's). What it expects
stands in models.json beside it, written from the types below.
"""

from __future__ import annotations

import http.client
import json
import sys
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

EXPECTATION_FILE = "models.json"
_WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_UNANSWERED = (OSError, http.client.HTTPException, ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class ExpectedModel:
    """One default version and the workers it must have."""

    name: str
    version: str
    min_workers: int


@dataclass(frozen=True)
class Expectation:
    """What ready means for one server."""

    management_url: str
    """Without a path, as in http://127.0.0.1:8081."""
    timeout_seconds: float
    """For all questions of one model. The probe's own timeout must exceed the sum."""
    models: tuple[ExpectedModel, ...]


def expectation_json(expectation: Expectation) -> str:
    """The text of models.json: sorted, equal for equal input."""
    return json.dumps(asdict(expectation), indent=2, sort_keys=True) + "\n"


def read_expectation(path: Path) -> Expectation:
    """The inverse of expectation_json. Raises OSError, ValueError, KeyError or TypeError on anything else."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Expectation(
        management_url=str(raw["management_url"]),
        timeout_seconds=float(raw["timeout_seconds"]),
        models=tuple(
            ExpectedModel(
                name=str(model["name"]), version=str(model["version"]), min_workers=int(model["min_workers"])
            )
            for model in raw["models"]
        ),
    )


def missing(expectation: Expectation) -> list[str]:
    """What keeps the server from being ready, one line a model; empty when it is."""
    found = []
    for model in expectation.models:
        try:
            ready = ready_workers(expectation, model)
        except _UNANSWERED as error:
            found.append(f"{model.name} {model.version}: {error}")
            continue
        if ready < model.min_workers:
            found.append(f"{model.name} {model.version}: {ready} of {model.min_workers} workers READY")
    return found


def ready_workers(expectation: Expectation, model: ExpectedModel) -> int:
    """How many workers of the version are READY. Raises OSError where it is not loaded or nobody answers."""
    url = f"{expectation.management_url}/models/{model.name}/all"
    with _WITHOUT_PROXY.open(url, timeout=expectation.timeout_seconds) as response:
        described: list[dict[str, Any]] = json.load(response)
    for version in described:
        if version["modelVersion"] == model.version:
            return sum(worker["status"] == "READY" for worker in version["workers"])
    loaded = ", ".join(sorted(str(version["modelVersion"]) for version in described))
    raise OSError(f"not loaded; the server has {loaded or 'nothing'}")


def main() -> int:
    """The probe. Never raises: a traceback in a pod's events helps nobody."""
    path = Path(__file__).with_name(EXPECTATION_FILE)
    try:
        found = missing(read_expectation(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        found = [f"{path}: {error!r}"]
    if found:
        sys.stdout.write("not ready: " + "; ".join(found) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
