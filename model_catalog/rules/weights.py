"""What a version's weights ask of its engine."""

from collections.abc import Iterator

from engines import tgi, vllm
from model_catalog.problem import Problem
from model_catalog.rules.rule import Context, Rule, advice
from model_catalog.version import TgiVersion, TorchServeVersion, Version, VllmVersion


def _quantization_possible(context: Context) -> Iterator[Problem]:
    for one in context.versions:
        for problem in _weight_problems(one.version):
            message, fix = advice(problem)
            key = "quantization" if message.startswith(("quantization", "kv_cache_dtype")) else "precision"
            yield context.in_entry(
                one.entry,
                (*one.location, key),
                rule="quantization-possible",
                message=f"{message} ({one.entry.engine})",
                fix=fix,
            )


def _weight_problems(version: Version) -> tuple[str, ...]:
    match version:
        case TgiVersion():
            return tgi.weight_problems(version.serving, version.precision, version.quantization)
        case VllmVersion():
            return vllm.weight_problems(version.serving, version.precision, version.quantization)
        case TorchServeVersion():
            return ()


RULES = (
    Rule(
        id="quantization-possible",
        demand="Precision, quantization and serving options of a version are such as its engine takes together.",
        check=_quantization_possible,
    ),
)
