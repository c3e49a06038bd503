"""What is watched of a server and when somebody is told: pure functions from plans to specs."""

from planning.observability.alert import Alert, Severity
from planning.observability.alerts import server_alerts
from planning.observability.pod_monitor import (
    SCRAPED_PORTS,
    SERVER_LABEL,
    identity_labels,
    pod_monitor_spec,
    server_sample_labels,
)
from planning.observability.rules import monitors, prometheus_rule_spec

__all__ = [
    "Alert",
    "SCRAPED_PORTS",
    "SERVER_LABEL",
    "Severity",
    "identity_labels",
    "monitors",
    "pod_monitor_spec",
    "prometheus_rule_spec",
    "server_alerts",
    "server_sample_labels",
]
