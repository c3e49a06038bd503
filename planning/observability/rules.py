"""A server's monitors and alerts, in the form that the Prometheus operator reads."""

from datetime import timedelta
from typing import Any

from planning.observability.alert import Alert
from planning.observability.alerts import server_alerts
from planning.observability.pod_monitor import (
    SERVER_LABEL,
    identity_labels,
    pod_monitor_spec,
    server_sample_labels,
)
from planning.servers import Server


def monitors(server: Server, namespace: str) -> dict[str, dict[str, Any]]:
    """Suffix of its logical name → each object that watches the server. They lie in its namespace."""
    labels = {
        "app.kubernetes.io/managed-by": "pulumi",
        "app.kubernetes.io/part-of": "slipway",
        SERVER_LABEL: server.name,
    }

    def watching(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        metadata = {"namespace": namespace, "labels": labels}
        return {"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": metadata, "spec": spec}

    return {
        "pods": watching("PodMonitor", pod_monitor_spec(server)),
        "alerts": watching("PrometheusRule", prometheus_rule_spec(server, namespace)),
    }


def prometheus_rule_spec(server: Server, namespace: str) -> dict[str, Any]:
    """The spec of the server's PrometheusRule. `namespace` is where its pods run."""
    rules = [_rule(server, alert) for alert in server_alerts(server, namespace)]
    return {"groups": [{"name": f"slipway-{server.name}", "rules": rules}]}


def _rule(server: Server, alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "annotations": {
            "description": alert.description,
            "runbook": alert.run,
            "summary": alert.summary,
        },
        "expr": alert.expression,
        "for": _duration(alert.hold),
        "labels": {**_labels(server, alert), "severity": alert.severity},
    }


def _labels(server: Server, alert: Alert) -> dict[str, str]:
    """A rule's labels hide those of its result, so it says nothing of what the result knows better."""
    return server_sample_labels(server) if alert.of_models else identity_labels(server)


def _duration(value: timedelta) -> str:
    return f"{value // timedelta(seconds=1)}s"
