"""What the files of a language model's weights take: the host has room for them while they are read.

Weights that were quantized before are read as small as they are; those that the engine quantizes as it starts are read
whole. `memory.weights` of the catalog is what the device holds, and so the files too, unless the engine shrinks them.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from engines import Precision, tgi, vllm
from model_catalog import TgiVersion, VllmVersion
from planning.capacity.memory.shape import ModelShape
from planning.capacity.memory.weights import PRECISION_BYTES, SCHEMES, weight_bytes
from quantities import Bytes


@dataclass(frozen=True, kw_only=True)
class WeightFiles:
    """The size of the files, and how it was found."""

    memory: Bytes
    source: str
    """In words, with the key of the catalog that replaces an assumption."""


def weight_files(version: TgiVersion | VllmVersion) -> WeightFiles:
    """Return what one server reads to start, whatever number of GPUs it fills."""
    quantization = version.quantization
    bytes_each = PRECISION_BYTES[version.precision or Precision.BFLOAT16]
    scheme = None if quantization is None else SCHEMES.get(quantization)
    shrinks = quantization is not None and not _prequantized(version)
    if version.memory is not None and not shrinks:
        return WeightFiles(memory=version.memory.weights, source="memory.weights of the catalog")
    if version.architecture is not None:
        shape = ModelShape.of(version.architecture)
        parameters = f"{shape.parameters} parameters"
        if shrinks:
            return WeightFiles(
                memory=weight_bytes(shape, bytes_each=bytes_each),
                source=f"{parameters} of {bytes_each} bytes each: {quantization} shrinks them after they are read",
            )
        memory = weight_bytes(shape, bytes_each=bytes_each, scheme=scheme)
        if scheme is not None:
            how = f"{parameters} as {quantization} writes them, embeddings in {bytes_each} bytes each"
        elif quantization is not None:
            how = f"{parameters} of {bytes_each} bytes each, as if {quantization} left them whole"
        else:
            how = f"{parameters} of {bytes_each} bytes each"
        return WeightFiles(memory=memory, source=f"{how}; memory.weights replaces this")
    assert version.memory is not None  # noqa: S101 - LlmVersion asks for one of the two
    assert scheme is not None  # noqa: S101 - what an engine shrinks itself has a width (a test holds this)
    whole = ceil(version.memory.weights * Fraction(8 * bytes_each) / scheme.bits)
    return WeightFiles(
        memory=Bytes(whole),
        source=(
            f"memory.weights in {bytes_each} bytes each: {quantization} shrinks them after they are read; "
            "architecture replaces this"
        ),
    )


def _prequantized(version: TgiVersion | VllmVersion) -> bool:
    """Whether the files were written in the form of the version's quantization."""
    match version:
        case TgiVersion(quantization=scheme):
            return scheme is not None and tgi.QUANTIZATION_FACTS[scheme].prequantized
        case VllmVersion(quantization=method):
            return method is not None and vllm.QUANTIZATION_FACTS[method].prequantized
