"""A catalog of any size from a seed: what benchmarks and tests of scale load."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TASKS: Final = ("Classification", "EntityRecognition", "QuestionAnswering", "Reranking", "SentenceEmbedding")
_LANGUAGES: Final = {
    "ar": "Arab",
    "de": "Latn",
    "el": "Grek",
    "fr": "Latn",
    "he": "Hebr",
    "hi": "Deva",
    "ja": "Jpan",
    "ru": "Cyrl",
    "th": "Thai",
    "zh": "Hans",
}


def write_catalog(root: Path, *, entries: int, versions: int, seed: int) -> None:
    """Write `entries` entries, each with `versions` versions spread over its languages, and a release of dev.

    Equal arguments write equal bytes. One entry in ten is a language model's.
    """
    chance = random.Random(seed)  # noqa: S311 - nothing secret is drawn
    released: list[str] = []
    for number in range(entries):
        task = "TextGeneration" if number % 10 == 9 else _TASKS[number % len(_TASKS)]
        model = f"Model{number:05d}"
        languages = sorted(chance.sample(sorted(_LANGUAGES), k=min(2, versions)))
        text = _llm if task == "TextGeneration" else _torchserve
        path = root / "entries" / _snake(task) / f"model{number:05d}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(text(task, model, languages, versions, chance)) + "\n")
        for language in languages:
            released.append(f'{task}/{model}/{language}: {{default: "1", versions: ["1", "2"]}}')
    (root / "releases").mkdir(exist_ok=True)
    (root / "releases" / "dev.yaml").write_text("\n".join(sorted(released)) + "\n")


def _snake(task: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in task).lstrip("_")


def _head(task: str, model: str, engine: str) -> Iterator[str]:
    yield f"task: {task}"
    yield f"model: {model}"
    yield f"description: {model} of a generated catalog, which serves nobody."
    yield "owner: team-" + model[-1]
    yield f"engine: {engine}"
    yield "language_from: caller"
    yield "license: apache-2.0"
    yield "accepts:"
    yield "  - {rule: engine-supported, reason: generated, by: sre, until: 2099-12-31}"


def _torchserve(
    task: str, model: str, languages: list[str], versions: int, chance: random.Random
) -> Iterator[str]:
    yield from _head(task, model, "torchserve")
    yield "slo: {availability: 99%, latency_p95: 300ms}"
    yield f"memory: {{weights: {chance.randint(40, 2000)}MiB, per_request: {chance.randint(1, 40)}MiB}}"
    yield "handler: {name: encoder, version: 1.4.0}"
    yield "languages:"
    for language, count in _spread(languages, versions):
        yield f"  {language}:"
        yield f"    scripts: [{_LANGUAGES[language]}]"
        yield "    versions:"
        for version in range(1, count + 1):
            yield f'      "{version}":'
            yield "        artifact:"
            yield "          bucket: research-models"
            yield f"          path: models/{language}/{task}/{model}/{version}"
            yield f"          digest: sha256:{chance.getrandbits(256):064x}"
            yield "        serving: {min_workers: 1, max_workers: 2, response_timeout: 120s}"
            yield "        evaluations:"
            yield "          - dataset: {name: held-out, digest: unresolved}"
            yield f"            metrics: {{f1: {chance.uniform(60, 90):.2f}}}"


def _llm(task: str, model: str, languages: list[str], versions: int, chance: random.Random) -> Iterator[str]:
    yield from _head(task, model, "vllm")
    yield "precision: float16"
    yield "architecture:"
    yield "  {parameters: 1.54B, layers: 28, attention_heads: 12, kv_heads: 2, head_size: 128, hidden_size: 1536,"
    yield "   source: generated}"
    yield "languages:"
    for language, count in _spread(languages, versions):
        yield f"  {language}:"
        yield f"    scripts: [{_LANGUAGES[language]}]"
        yield "    versions:"
        for version in range(1, count + 1):
            yield f'      "{version}":'
            yield "        artifact:"
            yield "          bucket: research-models"
            yield f"          path: owner/{model}-{language}-{version}/{chance.getrandbits(160):040x}"
            yield f"          digest: sha256:{chance.getrandbits(256):064x}"
            yield "        serving: {max_model_len: 4096, max_num_seqs: 64}"
            yield "        sampling: {temperature: 0.7, top_p: 0.9, max_new_tokens: 512}"


def _spread(languages: list[str], versions: int) -> Iterator[tuple[str, int]]:
    for index, language in enumerate(languages):
        yield language, versions // len(languages) + (index < versions % len(languages))
