"""A model behind TorchServe: it calls `initialize` once a worker, and `handle` with a batch.

TorchServe wants a list with one result a row; any exception fails the whole batch, so none leaves `handle`.
It imports handler.py, takes the one class defined there, and on ImportError looks for a handler of its own instead and
reports that: so libraries are imported in `load`, where their absence is reported as what it is.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from .gpu import choose_device, limit_memory
from .model import Model
from .weights import find_weights


def _torch() -> Any:
    return importlib.import_module("torch")


class TorchServeModel:
    """handler.py has a class of this one, with its `load`."""

    load: Callable[[Path, str], Model[Any]]
    """Of a folder of weights and a device."""
    uses_gpu: bool = False
    import_torch: Callable[[], Any] = staticmethod(_torch)

    def __init__(self) -> None:
        self._model: Model[Any] | None = None

    def initialize(self, context: Any) -> None:
        """Loads. Raises what is wrong: TorchServe writes it to the worker's log, and the agent reads it there."""
        given = context.system_properties
        named = context.manifest["model"]
        weights = find_weights(
            Path(given["model_dir"]), named["modelName"], named["modelVersion"], os.environ
        )
        device = "cpu"
        if self.uses_gpu and given.get("gpu_id") is not None:
            torch = self.import_torch()
            device = choose_device(torch, given["gpu_id"])
            limit_memory(torch, device, weights.gpu_memory_fraction)
        self._model = self.load(weights.folder, device)

    def handle(self, rows: Sequence[Mapping[str, Any]], context: Any) -> list[bytes]:
        """One JSON document a row; each has its own status."""
        if self._model is None:
            raise RuntimeError("handle is called before initialize")
        types = [content_type(context, index) for index in range(len(rows))]
        outcomes = self._model.outcomes(rows, types)
        for index, outcome in enumerate(outcomes):
            context.set_response_status(
                code=outcome.status, phrase=HTTPStatus(outcome.status).phrase, idx=index
            )
            context.set_response_content_type(index, "application/json; charset=utf-8")
        return [json.dumps(outcome.content, ensure_ascii=False).encode() for outcome in outcomes]


def content_type(context: Any, index: int) -> str:
    """The row's, or "". TorchServe passes headers as they were spelled, and HTTP's have no case."""
    for name, value in context.get_all_request_header(index).items():
        if name.lower() == "content-type" and isinstance(value, str):
            return value
    return ""
