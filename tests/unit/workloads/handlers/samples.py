"""A TorchServe of one call, and models small enough to read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from workloads.handlers import extractive_reader
from workloads.handlers.language_identification.processing import LanguageIdentification
from workloads.handlers.model import Model
from workloads.handlers.sentence_embedding.port import Embedding
from workloads.handlers.sentence_embedding.processing import SentenceEmbedding

READER_WEIGHTS = Path(__file__).parents[4] / "sandbox/research/reader"


class Letters:
    """Knows a language by one letter; what it does not know is nothing."""

    LANGUAGES: Final = {"é": "fr", "ж": "ru", "ع": "ar", "w": "en"}

    def __init__(self) -> None:
        self.lines: list[str] = []

    def classify(self, line: str, most: int) -> list[tuple[str, float]]:
        assert "\n" not in line
        self.lines.append(line)
        seen = [(language, line.count(letter)) for letter, language in self.LANGUAGES.items()]
        total = sum(count for _, count in seen)
        ranked = sorted(seen, key=lambda one: -one[1])
        return [(language, count / total) for language, count in ranked if count][:most]


class Lengths:
    """A vector of one number; refuses a word, together with all that is asked beside it."""

    POISON = "poison"

    def __init__(self) -> None:
        self.passes: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        self.passes.append(list(texts))
        if self.POISON in texts:
            raise RuntimeError("the whole pass fails")
        return [Embedding([len(text) / 7], truncated=len(text) > 20) for text in texts]


def languages() -> Model[Any]:
    return Model(LanguageIdentification(Letters()))


def lengths() -> Model[Any]:
    return Model(SentenceEmbedding(Lengths()))


def reader() -> Model[Any]:
    return extractive_reader.load(READER_WEIGHTS)


MODELS = (languages, lengths, reader)
HANDLERS = ("extractive_reader", "language_identification", "sentence_embedding")


class Context:
    """What TorchServe 0.12 passes (ts/context.py), as far as a handler sees it."""

    def __init__(
        self,
        rows: int = 0,
        *,
        content_types: Sequence[str] = (),
        model_dir: Path = Path(),
        gpu_id: int | None = None,
    ) -> None:
        self.system_properties = {"model_dir": str(model_dir), "gpu_id": gpu_id}
        self.manifest = {"model": {"modelName": "fr_reader", "modelVersion": "2"}}
        self.statuses: dict[int, int] = {}
        self.types: dict[int, str] = {}
        self._headers: list[Mapping[str, Any]] = [
            {"Content-Type": content_types[row]} if row < len(content_types) else {} for row in range(rows)
        ]

    def get_all_request_header(self, idx: int) -> Mapping[str, Any]:
        return self._headers[idx]

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        assert phrase
        self.statuses[idx] = code

    def set_response_content_type(self, idx: int, value: str) -> None:
        self.types[idx] = value


class Torch:
    """Stands for torch at the edge of gpu.py: notes what is asked of CUDA, in order."""

    def __init__(self, *, cuda: bool = True) -> None:
        self.asked: list[tuple[str, Any, Any]] = []
        self.cuda = SimpleNamespace(
            is_available=lambda: cuda,
            set_per_process_memory_fraction=lambda fraction, device: self.asked.append(
                ("limit", fraction, device)
            ),
        )
