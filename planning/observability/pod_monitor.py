"""What Prometheus scrapes of a server, and the labels that every one of its samples gets.

Engines know nothing of tasks and owners, and TGI not even its model's name: the labels come from here, so that one
rule or dashboard reads any engine alike.
"""

from typing import Any, Final

from planning.server import ServerPlan

METRICS_PATH: Final = "/metrics"
"""The same on all engines (engines/torchserve/metrics.py, engines/tgi/facts.py, engines/vllm/facts.py)."""

SCRAPE_INTERVAL: Final = "30s"
"""Rates over five minutes then rest on ten samples."""

SERVER_LABEL: Final = "slipway.dev/server"
"""On a server's pods."""


def identity_labels(server: ServerPlan) -> dict[str, str]:
    """What a sample or an alert says of its server, sorted."""
    return {
        "environment": str(server.environment),
        "model": server.model,
        "owner": server.owner,
        "server": server.name,
        "task": server.task,
    }


def pod_monitor_spec(server: ServerPlan) -> dict[str, Any]:
    """The spec of the server's PodMonitor, which lies in the server's namespace."""
    return {
        "podMetricsEndpoints": [
            {
                "interval": SCRAPE_INTERVAL,
                "path": METRICS_PATH,
                "port": server.metrics_port_name,
                "relabelings": [
                    {"action": "replace", "replacement": value, "targetLabel": label}
                    for label, value in identity_labels(server).items()
                ],
            }
        ],
        "selector": {"matchLabels": {SERVER_LABEL: server.name}},
    }
