"""What Prometheus scrapes of a server, and the labels that every one of its samples gets.

Engines know nothing of tasks and owners, and TGI not even its model's name: the labels come from here, so that one
rule or dashboard reads any engine alike.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from engines import tgi, torchserve, vllm
from planning.server import ModelPlan, ServerPlan
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan
from planning.torchserve_servers import AGENT_PORT, TorchServePlan

METRICS_PATH: Final = "/metrics"
"""The same on all engines (engines/torchserve/metrics.py, engines/tgi/facts.py, engines/vllm/facts.py)."""

SCRAPE_INTERVAL: Final = "30s"
"""Rates over five minutes then rest on ten samples."""

AGENT_PORT_NAME: Final = "agent"
"""Of the agent beside TorchServe, in its pods."""

SCRAPED_PORTS: Final = tuple(sorted({torchserve.METRICS_PORT, AGENT_PORT, tgi.PORT, vllm.PORT}))
"""Every port of a server that Prometheus asks, whatever the engine."""

SERVER_LABEL: Final = "slipway.dev/server"
"""On a server's pods."""


def server_sample_labels(server: ServerPlan) -> dict[str, str]:
    """What every sample and alert says of its server, sorted."""
    return {"environment": str(server.environment), "server": server.name}


def identity_labels(server: ServerPlan) -> dict[str, str]:
    """What an alert about a whole server says, sorted: task and model where it holds one entry alone.

    `owner` is whom Alertmanager tells: several teams are separated by commas, so that a route matches
    `owner=~"(.+,)?nlp-platform(,.+)?"`.
    """
    entries = server.entries
    sole = {"model": entries[0].model or "", "task": entries[0].task} if len(entries) == 1 else {}
    return dict(sorted({**server_sample_labels(server), "owner": ",".join(server.owners), **sole}.items()))


def _of_the_sample(server: Server) -> dict[str, str]:
    """Labels that hold for every sample of the server."""
    match server:
        case TextGenerationPlan():
            return identity_labels(server)
        case TorchServePlan():
            return server_sample_labels(server)


def _of_the_model(server: Server) -> list[dict[str, Any]]:
    """TorchServe names models as URLs do (fr_reader): rules that say task, model, language and owner of each. Of what a
    name may hold, a dot alone means something else in a regular expression.

    A version is in the sample already, as model_version.
    """
    if not isinstance(server, TorchServePlan):
        return []
    rules: list[dict[str, Any]] = []
    for label, of in _MODEL_LABELS.items():
        names: dict[str, set[str]] = {}
        for model in server.models:
            names.setdefault(of(model), set()).add(model.name)
        rules.extend(
            {
                "action": "replace",
                "regex": "|".join(sorted(name.replace(".", "\\.") for name in names[value])),
                "replacement": value,
                "sourceLabels": ["model_name"],
                "targetLabel": label,
            }
            for value in sorted(names)
        )
    return rules


_MODEL_LABELS: Final[Mapping[str, Callable[[ModelPlan], str]]] = {
    "language": lambda model: model.selector.language or "",
    "model": lambda model: model.selector.model or "",
    "owner": lambda model: model.owner,
    "task": lambda model: model.selector.task,
}


_AS_TORCHSERVE: Final[tuple[Mapping[str, Any], ...]] = (
    *(
        {"action": "replace", "regex": "(.+)", "sourceLabels": [name], "targetLabel": f"model_{label}"}
        for name, label in (("model", "name"), ("version", "version"))
    ),
    {"action": "labeldrop", "regex": "model|version"},
)
"""The agent calls a model's name `model`, which everywhere else is the catalog's: as TorchServe calls both."""


def pod_monitor_spec(server: Server) -> dict[str, Any]:
    """The spec of the server's PodMonitor, which lies in the server's namespace."""
    named = _of_the_model(server)
    endpoints = [_endpoint(server, server.metrics_port_name, named)]
    if isinstance(server, TorchServePlan):
        endpoints.append(_endpoint(server, AGENT_PORT_NAME, [*map(dict, _AS_TORCHSERVE), *named]))
    return {
        "podMetricsEndpoints": endpoints,
        "selector": {"matchLabels": {SERVER_LABEL: server.name}},
    }


def _endpoint(server: Server, port: str, of_samples: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "interval": SCRAPE_INTERVAL,
        "path": METRICS_PATH,
        "port": port,
        "relabelings": [
            {"action": "replace", "replacement": value, "targetLabel": label}
            for label, value in _of_the_sample(server).items()
        ],
        **({"metricRelabelings": of_samples} if of_samples else {}),
    }
