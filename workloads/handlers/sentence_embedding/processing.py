"""Before and after the model. Pure, but for the port that is asked in between."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import RequestError
from ..model import Answer
from ..request import Request
from .port import Embedder, Embedding

LONGEST = 100_000
"""Characters. The model reads a few hundred tokens, and the tokenizer cuts the whole text first: 6 MB, which TorchServe
lets through, took it 10 s and 1.8 GB (tokenizers 0.23, 2026-11-23), and 100,000 characters 0.1 s."""


def read_text(request: Request) -> str:
    """`{"text": …}`, or the text alone. Raises RequestError."""
    text = request.text_or("text")
    if len(text) > LONGEST:
        raise RequestError(f'"text" has more than {LONGEST} characters; send the part that matters')
    return text


def write_answer(embedding: Embedding) -> Answer:
    """Seven digits are what a 32-bit number holds."""
    return {"embedding": [round(value, 7) for value in embedding.vector], "truncated": embedding.truncated}


class SentenceEmbedding:
    """The task."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def read(self, request: Request) -> str:
        """See read_text."""
        return read_text(request)

    def answer_all(self, questions: Sequence[str]) -> list[Answer]:
        """The whole batch in one pass."""
        return [write_answer(embedding) for embedding in self._embedder.embed(questions)]
