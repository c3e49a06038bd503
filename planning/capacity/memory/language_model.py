"""What vLLM and TGI have in common: the parts that follow from the model, before the engine's own rules."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

from engines import Precision
from model_catalog import LlmVersion
from planning.capacity.memory.breakdown import Part, PartName
from planning.capacity.memory.kv_cache import kv_bytes_per_token
from planning.capacity.memory.shape import ModelShape
from planning.capacity.memory.weights import PRECISION_BYTES, SCHEMES, weight_bytes
from quantities import Bytes

UNKNOWN_CONTEXT: Final = 32_768
"""Tokens of the longest request where neither options nor architecture name it. Chosen: many models' limit."""

UNKNOWN_OVERHEAD: Final = Bytes.mebibytes(2355)
UNKNOWN_OVERHEAD_PERCENT: Final = 5
"""Activations and graphs where no architecture is given: 2.3 GiB and 5 % of a GPU's weights, which KAITO reserves for
the same (https://github.com/kaito-project/kaito/pull/2139)."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A version, with all that the engine decides about it resolved."""

    shape: ModelShape | None
    weights: Bytes
    """On each GPU."""
    weights_source: str
    weights_assumption: str
    """What was assumed of them, and the key that replaces it; may be empty."""
    bytes_each: int
    """Of a number as the model computes."""
    kv_bytes_per_token: Bytes | None
    """On each GPU. None where the architecture is not known."""
    per_request: Bytes
    """What the catalog says a request takes, where it says so; split over the GPUs."""


def resolve(
    version: LlmVersion, *, quantization: str | None, kv_bytes_each: int | None, tensor_parallel: int
) -> Model:
    """`memory` of the catalog goes before anything computed; without it the architecture is there (a rule of types)."""
    bytes_each = PRECISION_BYTES[version.precision or Precision.BFLOAT16]
    shape = None if version.architecture is None else ModelShape.of(version.architecture)
    assumption = ""
    if version.memory is not None:
        weights = Bytes(ceil(Fraction(version.memory.weights, tensor_parallel)))
        kind = "measured" if version.memory.measured else "estimated"
        source = f"{version.memory.weights} as the catalog says ({kind}), split over {tensor_parallel}"
    else:
        assert shape is not None  # noqa: S101 - LlmVersion asks for one of the two
        scheme = None if quantization is None else SCHEMES.get(quantization)
        weights = weight_bytes(shape, bytes_each=bytes_each, scheme=scheme, tensor_parallel=tensor_parallel)
        source = f"{shape.parameters} parameters, {bytes_each} bytes each, split over {tensor_parallel}"
        if scheme is not None:
            source = f"{source}; {quantization}: {scheme.source}, embeddings excepted"
        elif quantization is not None:
            source = f"{source}; {quantization} names no width, so none is assumed smaller"
            assumption = (
                f"weights count as if {quantization} left them whole, and memory.weights replaces this"
            )
    return Model(
        shape=shape,
        weights=weights,
        weights_source=source,
        weights_assumption=assumption,
        bytes_each=bytes_each,
        kv_bytes_per_token=None
        if shape is None
        else kv_bytes_per_token(
            shape, bytes_each=kv_bytes_each or bytes_each, tensor_parallel=tensor_parallel
        ),
        per_request=Bytes(0)
        if version.memory is None
        else Bytes(ceil(Fraction(version.memory.per_request, tensor_parallel))),
    )


def longest_request(version: LlmVersion, given: int | None) -> int:
    """Tokens of prompt and answer together."""
    if given is not None:
        return given
    if version.architecture is not None and version.architecture.max_positions is not None:
        return version.architecture.max_positions
    return UNKNOWN_CONTEXT


def weights_part(model: Model) -> Part:
    """The weights on each GPU."""
    return Part(
        name=PartName.WEIGHTS,
        memory=model.weights,
        source=model.weights_source,
        assumption=model.weights_assumption,
    )


def kv_part(model: Model, *, tokens: int, requests: int) -> Part:
    """Of `tokens`; or of `requests` as the catalog says, where the architecture is not known."""
    if model.kv_bytes_per_token is not None:
        return Part(
            name=PartName.KV_CACHE,
            memory=model.kv_bytes_per_token * tokens,
            source=f"{tokens} tokens x {model.kv_bytes_per_token} a GPU",
        )
    return Part(
        name=PartName.KV_CACHE,
        memory=model.per_request * requests,
        source=f"{requests} requests x {model.per_request} a GPU, as the catalog says",
    )


def unknown_overhead(weights: Bytes) -> Part:
    """In place of activations and graphs."""
    return Part(
        name=PartName.ACTIVATIONS,
        memory=Bytes(UNKNOWN_OVERHEAD + weights * UNKNOWN_OVERHEAD_PERCENT // 100),
        source="no architecture is given: 2.3 GiB and 5 % of the weights, as KAITO takes it",
    )


def tokens_in(room: int, kv_bytes: Bytes | None, block: int) -> int | None:
    """How many whole blocks of tokens `room` holds."""
    return None if kv_bytes is None else max(0, room) // (kv_bytes * block) * block
