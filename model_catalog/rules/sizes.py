"""Counts of one model that contradict each other: mostly a unit that was forgotten."""

from collections.abc import Iterator
from typing import Final

from model_catalog.problem import Problem
from model_catalog.rules.rule import Context, EntryVersion, Rule
from model_catalog.version import Architecture

LEAST: Final = 0.25
"""Parameters for each layer x hidden_size squared, below which no model lies. A layer of its own has at least 4
(attention alone); models that share one layer's weights among all have fewer: ALBERT-xlarge 0.58 (58 M; 24 layers of
2048), ALBERT-large 0.72 (arXiv:1909.11942, table 1)."""
MOST: Final = 100
"""The same from above, for each expert and beside the embeddings. Dense models have 8 to 20; of the mixtures,
DeepSeek-V3 has 214 with 256 experts (671 B; 61 layers of 7168)."""
UNKNOWN_VOCABULARY: Final = 300_000
"""Where the catalog names none: above the largest in use (Gemma's 262,144)."""
_UNITS: Final = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def _size_plausible(context: Context) -> Iterator[Problem]:
    for one in context.versions:
        if one.version.architecture is not None:
            yield from _counts(context, one, one.version.architecture)
            yield from _weights(context, one, one.version.architecture)


def _counts(context: Context, one: EntryVersion, shape: Architecture) -> Iterator[Problem]:
    matrix = shape.layers * shape.hidden_size**2
    least = int(matrix * LEAST)
    tables = 2 * (shape.vocabulary or UNKNOWN_VOCABULARY) * shape.hidden_size
    most = matrix * MOST * (shape.experts or 1) + tables
    for key, given in (("parameters", shape.parameters), ("active_parameters", shape.active_parameters)):
        if given is None or least <= given <= most:
            continue
        bound = f"at least {least}" if given < least else f"at most {most}"
        yield context.in_entry(
            one.entry,
            (*one.location, "architecture", key),
            rule="size-plausible",
            message=(
                f"{key} is {given}, and a model with {shape.layers} layers of hidden_size {shape.hidden_size} has "
                f"{bound}"
            ),
            fix=_meant(given, least, most),
        )


def _meant(given: int, least: int, most: int) -> str:
    """The number with the unit that was probably forgotten, or without one that is too much."""
    readings = [(f"{given}{unit}", given * factor) for unit, factor in _UNITS.items()]
    readings += [(str(given // factor), given // factor) for factor in _UNITS.values()]
    meant = [text for text, amount in readings if least <= amount <= most]
    return (
        f"Did you mean {' or '.join(meant)}?"
        if meant
        else "Correct it, layers or hidden_size by the model's config.json"
    )


def _weights(context: Context, one: EntryVersion, shape: Architecture) -> Iterator[Problem]:
    memory = one.version.memory
    if memory is not None and memory.weights * 8 < shape.parameters:
        yield context.in_entry(
            one.entry,
            (*one.location, "memory", "weights"),
            rule="size-plausible",
            message=f"weights is {memory.weights}, less than one bit for each of {shape.parameters} parameters",
            fix="Write what the files of the weights take together, or correct parameters",
        )


RULES = (
    Rule(
        id="size-plausible",
        demand="Parameters, layers, hidden size and weights of a model fit together.",
        check=_size_plausible,
    ),
)
