"""Which language a text is in: fastText's lid.176, or another fastText classifier with `__label__<language>`."""

from __future__ import annotations

from pathlib import Path

from ..model import Model
from .processing import LanguageIdentification, Question

VERSION = "1.0.0"
USES_GPU = False


def load(folder: str | Path, device: str = "cpu") -> Model[Question]:  # noqa: ARG001 - every load is called alike
    """Of the one *.ftz or *.bin in the folder. Raises WeightsError, ImportError."""
    from .fasttext_model import FastTextModel

    return Model(LanguageIdentification(FastTextModel.load(Path(folder))))
