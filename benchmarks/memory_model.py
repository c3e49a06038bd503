"""Compares the memory model with figures that others published: `python -m benchmarks.memory_model`.

With `--write` the tables in docs/memory-model.md are made anew; a test says when they are out of date.
"""

import argparse
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, assert_never

import yaml
from pydantic import BaseModel, ConfigDict, Field

from planning.capacity.memory import ModelShape
from planning.capacity.memory.activations import layer_peak, prompt_logits
from planning.capacity.memory.kv_cache import kv_bytes_per_token
from planning.capacity.memory.overheads import COMMUNICATION, CUDA_CONTEXT, NON_TORCH, graph_bytes
from planning.capacity.memory.vllm import Batch, step_peak
from planning.capacity.memory.weights import SCHEMES, weight_bytes

ROOT: Final = Path(__file__).parents[1]
PUBLISHED: Final = ROOT / "tests/unit/planning/capacity/memory/published.yaml"
PAGE: Final = ROOT / "docs/memory-model.md"
BEGIN: Final = "<!-- errors: made by `python -m benchmarks.memory_model --write` -->"
END: Final = "<!-- end of the errors -->"

_GIB: Final = 1024**3
Measure = Literal["weights", "weights_and_kv", "kv", "activations", "kv_left", "tokens", "graphs"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Model(_Strict):
    parameters: int
    layers: int
    attention_heads: int
    kv_heads: int
    head_size: int
    hidden_size: int
    experts: int = 1
    active_experts: int = 1
    vocabulary: int
    tied_embeddings: bool = False
    source: str

    @property
    def shape(self) -> ModelShape:
        """The shape in the memory model's own type."""
        return ModelShape(**self.model_dump(exclude={"source"}))


class Row(_Strict):
    """One published figure. published.yaml explains the keys."""

    id: str
    model: str
    measure: Measure
    engine: str
    source: str
    published_gib: float | None = None
    published_tokens: int | None = None
    bound: float | None = Field(default=None, gt=0)
    fitted: bool = False
    quantization: str | None = None
    tensor_parallel: int = 1
    tokens: int = 0
    batch_tokens: int = 0
    sequences: int = 0
    card_gib: float = 0
    utilization: float = 0
    wiggle_room: float = 0
    prompt_logits: bool = False
    sizes: int = 0

    @property
    def figure(self) -> int:
        """The published figure, in bytes or tokens."""
        if self.published_tokens is not None:
            return self.published_tokens
        if self.published_gib is None:
            raise ValueError(f"row {self.id} holds no figure; give published_gib or published_tokens")
        return round(self.published_gib * _GIB)

    @property
    def card(self) -> int:
        """CUDA's total of the card, in bytes."""
        return round(self.card_gib * _GIB)


class Unmodelled(_Strict):
    """A figure that is not compared, and why."""

    figure: str
    reason: str
    source: str


class Published(_Strict):
    """The whole file."""

    sources: dict[str, str]
    models: dict[str, _Model]
    rows: tuple[Row, ...]
    unmodelled: tuple[Unmodelled, ...]

    def address(self, source: str) -> str:
        """A source that is written once, or the text itself."""
        return self.sources.get(source, source)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One row, with what the model says."""

    row: Row
    ours: int

    @property
    def error(self) -> float:
        """Percent of the published figure; above zero where the model says more."""
        return (self.ours / self.row.figure - 1) * 100

    @property
    def counts(self) -> bool:
        """True if the error is averaged with others: nothing was fitted on it, and it is no upper bound."""
        return not self.row.fitted and self.row.measure != "graphs"

    def shown(self, amount: int) -> str:
        """GiB with two digits, or tokens."""
        return f"{amount:,} tokens" if self.row.measure == "tokens" else f"{amount / _GIB:.2f} GiB"


def read_published(path: Path = PUBLISHED) -> Published:
    """Read the file. Raises pydantic.ValidationError for a key that is not known."""
    return Published.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def compare(published: Published) -> tuple[Comparison, ...]:
    """Return every row with the model's own figure."""
    return tuple(
        Comparison(row=row, ours=_ours(row, published.models[row.model].shape)) for row in published.rows
    )


def _ours(row: Row, shape: ModelShape) -> int:
    size = row.tensor_parallel
    scheme = None if row.quantization is None else SCHEMES[row.quantization]
    weights = weight_bytes(shape, bytes_each=2, scheme=scheme, tensor_parallel=size)
    token = kv_bytes_per_token(shape, tensor_parallel=size)
    batch = Batch(tokens=row.batch_tokens, sequences=row.sequences)
    match row.measure:
        case "weights":
            return weights
        case "weights_and_kv":
            return weights + token * row.tokens
        case "kv":
            return token * row.tokens
        case "activations":
            return step_peak(shape, batch, bytes_each=2, tensor_parallel=size)
        case "kv_left":
            # Before 0.21.0: graphs on top, and NCCL's buffers within the utilization.
            peak = step_peak(shape, batch, bytes_each=2, tensor_parallel=size)
            outside_torch = COMMUNICATION if size > 1 else NON_TORCH
            return int(row.card * row.utilization) - weights - peak - outside_torch
        case "tokens":
            return _tgi_tokens(row, shape, weights, token)
        case "graphs":
            return graph_bytes(shape, row.sizes)
    assert_never(row.measure)


def _tgi_tokens(row: Row, shape: ModelShape, weights: int, token: int) -> int:
    """Return warmup's tokens before 3.0.0: a share of what is free after a prompt, and the prompt's own KV cache."""
    peak = layer_peak(shape, tokens=row.batch_tokens, bytes_each=2, tensor_parallel=row.tensor_parallel)
    logits = prompt_logits(shape, tokens=row.batch_tokens, bytes_each=2, tensor_parallel=row.tensor_parallel)
    prompt = token * row.batch_tokens
    free = row.card - CUDA_CONTEXT - weights - peak - (logits if row.prompt_logits else 0) - prompt
    return int(free * row.wiggle_room + prompt) // token


def mean(errors: Iterable[float]) -> float:
    """Return the mean of the errors' absolute values."""
    return statistics.fmean(abs(error) for error in errors)


def summary(comparisons: Iterable[Comparison]) -> Mapping[str, tuple[float, ...]]:
    """Measure → the errors that count, and all of them together."""
    found: dict[str, tuple[float, ...]] = {}
    for comparison in comparisons:
        if comparison.counts:
            found[comparison.row.measure] = (*found.get(comparison.row.measure, ()), comparison.error)
    found["all"] = tuple(error for errors in found.values() for error in errors)
    return found


def tables(published: Published) -> str:
    """The part of the page between the markers, in Markdown."""
    return "\n".join(_lines(published, compare(published)))


def _lines(published: Published, comparisons: tuple[Comparison, ...]) -> Iterator[str]:
    yield "| what | figures | mean error | median | worst |"
    yield "|---|---:|---:|---:|---:|"
    for name, errors in summary(comparisons).items():
        middle = statistics.median(abs(error) for error in errors)
        worst = max(errors, key=abs)
        yield f"| {name} | {len(errors)} | {mean(errors):.1f} % | {middle:.1f} % | {worst:+.1f} % |"
    yield ""
    yield "| figure | engine | model | published | ours | error | source |"
    yield "|---|---|---|---:|---:|---:|---|"
    for comparison in comparisons:
        row = comparison.row
        mark = "" if comparison.counts else " (fitted)" if row.fitted else " (upper bound)"
        width = f", {row.quantization}" if row.quantization else ""
        yield (
            f"| {row.id} | {row.engine} | {row.model}{width} | {comparison.shown(row.figure)} "
            f"| {comparison.shown(comparison.ours)} | {comparison.error:+.1f} %{mark} "
            f"| {published.address(row.source)} |"
        )
    yield ""
    yield "| found, and not compared | why | source |"
    yield "|---|---|---|"
    for left in published.unmodelled:
        yield f"| {left.figure} | {left.reason} | {published.address(left.source)} |"


def with_tables(page: str, made: str) -> str:
    """The page with its generated part replaced. Raises ValueError where a marker is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks a marker; it must hold {BEGIN} and, further down, {END}")
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def main() -> int:
    """Prints the tables; 1 where an error is over its bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/memory-model.md")
    published = read_published()
    made = tables(published)
    if parser.parse_args().write:
        PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    print(made)
    return int(
        any(
            found.row.bound is not None and abs(found.error) > found.row.bound for found in compare(published)
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
