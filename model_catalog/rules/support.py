"""Whether anybody still repairs the engine."""

from collections.abc import Iterator, Mapping
from typing import Final

from engines import Support, tgi, torchserve, vllm
from model_catalog.entry import Engine
from model_catalog.problem import Problem, Severity
from model_catalog.rules.rule import Context, Rule

_ENGINES: Final[Mapping[Engine, tuple[str, Support]]] = {
    Engine.TGI: (f"TGI {tgi.VERSION}", tgi.SUPPORT),
    Engine.TORCHSERVE: (f"TorchServe {torchserve.VERSION}", torchserve.SUPPORT),
    Engine.VLLM: (f"vLLM {vllm.VERSION}", vllm.SUPPORT),
}


def _engine_supported(context: Context) -> Iterator[Problem]:
    for entry in context.catalog.entries:
        name, support = _ENGINES[entry.engine]
        if support.status == "supported":
            continue
        state = "is in maintenance" if support.status == "maintenance" else f"is {support.status}"
        yield context.in_entry(
            entry,
            ("engine",),
            rule="engine-supported",
            message=f"{name} {state}, its project said on {support.date}. {support.note.rstrip('.')}",
            fix="Move it to a supported engine, or list this rule under accepts, with a reason and a last day",
        )


RULES = (
    Rule(
        id="engine-supported",
        demand="Somebody still repairs the engine.",
        check=_engine_supported,
        severity=Severity.WARNING,
        acceptable=True,
    ),
)
