"""The init container of a language model's pod, as the API server holds it, run as a process of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from components.server_pod import MODEL_STORE

from sandbox.inspection import Inspection
from tests.engine.clones import Clone

NAMESPACE: Final = "slipway-serving"


@dataclass(frozen=True)
class Fetch:
    """What the pods of one server fetch, and where its engine looks for it."""

    clone: Clone
    arguments: tuple[str, ...]
    model_directory: str
    """In the pod."""

    @classmethod
    def of(cls, clone: Clone, server: str) -> Self:
        """From the Deployment of a server that vLLM runs."""
        path = (
            f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments?labelSelector=slipway.dev%2Fserver%3D{server}"
        )
        (deployment,) = Inspection(clone.sandbox).request("GET", path)["items"]
        spec = deployment["spec"]["template"]["spec"]
        (fetch,), (engine,) = spec["initContainers"], spec["containers"]
        assert fetch["command"] == ["python", "-m", "workloads.fetch"]
        return cls(clone, tuple(fetch["args"]), engine["args"][0])

    def run(self, volume: Path) -> tuple[int, list[dict[str, Any]]]:
        """Its exit code and its log, with `volume` in place of the pod's."""
        words = [word.replace(MODEL_STORE, str(volume)) for word in self.arguments]
        # A laptop's disk may have less free than a node keeps.
        words[words.index("--keep-free") + 1] = "0"
        ran = subprocess.run(
            [sys.executable, "-m", "workloads.fetch", *words],
            cwd=self.clone.root,
            env={**os.environ, **self.clone.sandbox.environment()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()]

    def folder(self, volume: Path) -> Path:
        """Where the engine looks for the model."""
        return Path(self.model_directory.replace(MODEL_STORE, str(volume)))
