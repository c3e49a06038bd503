"""fastText behind the port."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from ..weights import the_file

_LABEL = "__label__"


class FastTextModel:
    """A classifier that fastText has trained; lid.176.ftz among them."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @classmethod
    def load(cls, folder: Path) -> FastTextModel:
        """Raises WeightsError; ImportError without fasttext-predict; ValueError where the file is no model."""
        path = the_file(folder, "*.ftz", "*.bin")
        return cls(importlib.import_module("fasttext").load_model(str(path)))

    def classify(self, line: str, most: int) -> list[tuple[str, float]]:
        """See the port."""
        labels, probabilities = self._model.predict(line, k=most)
        return [
            (label[len(_LABEL) :], float(probabilities[place]))
            for place, label in enumerate(labels)
            if label.startswith(_LABEL)
        ]
