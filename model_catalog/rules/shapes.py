"""Heads and positions of a model, held against how its engine is to run it."""

from collections.abc import Iterator
from typing import Final

from hardware import INSTANCE_TYPES
from model_catalog.problem import Problem
from model_catalog.rules.rule import Context, EntryVersion, Rule
from model_catalog.splitting import split_problem
from model_catalog.version import LlmVersion, TgiVersion, VllmVersion

MOST_GPUS: Final = max(kind.gpu_count for kind in INSTANCE_TYPES.values())
"""Of one node, which is all that one server has."""


def _heads_divide(context: Context) -> Iterator[Problem]:
    for one in context.versions:
        match one.version:
            case TgiVersion() as version:
                engine, option, gpus = "TGI", "num_shard", version.serving.num_shard
            case VllmVersion() as version:
                engine, option = "vLLM", "tensor_parallel_size"
                gpus = version.serving.tensor_parallel_size
            case _:
                continue
        problem = split_problem(version, gpus)
        if problem is not None:
            possible = [n for n in range(1, MOST_GPUS + 1) if split_problem(version, n) is None]
            yield context.in_entry(
                one.entry,
                (*one.location, "serving", option),
                rule="heads-divide",
                message=f"{option} is {gpus}, and {problem}: {engine} does not start",
                fix=f"Set {option} to one of {', '.join(map(str, possible))}",
            )


def _length_possible(context: Context) -> Iterator[Problem]:
    for one in context.versions:
        version = one.version
        if not isinstance(version, LlmVersion):
            continue
        positions = version.architecture.max_positions if version.architecture else None
        too_long = list(_too_long(one, positions)) if positions is not None else []
        yield from (_problem(context, one, *found) for found in too_long)
        if not too_long:
            yield from _no_room_for_a_prompt(context, one, positions)


_Found = tuple[str, str, str]
"""Option, what is wrong with it, and the fix."""


def _too_long(one: EntryVersion, positions: int) -> Iterator[_Found]:
    """Options of serving that ask for more tokens than the model has positions."""
    match one.version:
        case VllmVersion(serving=options):
            if options.max_model_len is not None and options.max_model_len > positions:
                yield (
                    "max_model_len",
                    f"is {options.max_model_len} and the model has {positions} positions: vLLM does not start",
                    _shorter(positions),
                )
        case TgiVersion(serving=options):
            total, prompt = options.max_total_tokens, options.max_input_tokens
            if total is not None and total > positions:
                yield (
                    "max_total_tokens",
                    f"is {total} and the model has {positions} positions: TGI starts, and answers noise past them",
                    _shorter(positions),
                )
            elif total is None and prompt is not None and prompt >= positions:
                yield (
                    "max_input_tokens",
                    f"is {prompt} and leaves no answer within the model's {positions} positions: TGI does not start",
                    _shorter(positions - 1),
                )


def _shorter(longest: int) -> str:
    return (
        f"Write {longest} or less; where config.json stretches positions (rope_scaling), write the stretched number "
        "as architecture.max_positions"
    )


def _no_room_for_a_prompt(context: Context, one: EntryVersion, positions: int | None) -> Iterator[Problem]:
    version = one.version
    assert isinstance(version, LlmVersion)  # noqa: S101 - its caller looked
    answer = version.sampling.max_new_tokens
    given = version.serving.max_total_tokens if isinstance(version, TgiVersion) else None
    given = version.serving.max_model_len if isinstance(version, VllmVersion) else given
    longest = given or positions
    if answer is not None and longest is not None and answer >= longest:
        yield context.in_entry(
            one.entry,
            (*one.location, "sampling", "max_new_tokens"),
            rule="length-possible",
            message=f"max_new_tokens is {answer} and leaves no room for a prompt within {longest} tokens",
            fix="Lower it: each request that names no number of its own would be refused",
        )


def _problem(context: Context, one: EntryVersion, option: str, what: str, fix: str) -> Problem:
    return context.in_entry(
        one.entry,
        (*one.location, "serving", option),
        rule="length-possible",
        message=f"{option} {what}",
        fix=fix,
    )


RULES = (
    Rule(
        id="heads-divide",
        demand="The GPUs that share a model divide its heads as its engine asks.",
        check=_heads_divide,
    ),
    Rule(
        id="length-possible",
        demand="Prompt and answer together are no longer than the positions of the model.",
        check=_length_possible,
    ),
)
