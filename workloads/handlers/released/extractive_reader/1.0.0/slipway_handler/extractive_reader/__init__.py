"""The passage of a text that answers a question, by word lists: small on purpose, to show the whole way on a laptop.

It knows no meaning. A trained reader goes behind the same port, with the same questions and answers.
"""

from __future__ import annotations

from pathlib import Path

from ..model import Model
from .lexicon import read_lexicon
from .processing import ExtractiveReader, Question
from .word_reader import WordReader

VERSION = "1.0.0"
USES_GPU = False


def load(folder: str | Path, device: str = "cpu") -> Model[Question]:  # noqa: ARG001 - every load is called alike
    """Of reader.json in the folder. Raises WeightsError."""
    return Model(ExtractiveReader(WordReader(read_lexicon(Path(folder)))))
