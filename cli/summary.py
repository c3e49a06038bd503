"""The table that `make up` ends with: what serves what, where; what is real and what is emulated."""

from __future__ import annotations

from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from cli.console import OUT
from sandbox.inspection import Inspection

_EMULATED: Final = (
    "Emulated: AWS (moto: API answers, no machines) and the nodes (kwok: pods are bound by the real scheduler "
    "and Running in name; no container runs, so the endpoints answer nobody).\n"
    "Real: the Pulumi engine, the Kubernetes API server with its admission, the scheduler and the controllers."
)


def print_summary(outputs: dict[str, Any], inspection: Inspection) -> None:
    """Prints the bucket and each served version with the pods behind it, as the APIs report them now."""
    bucket = inspection.bucket(outputs["bucket"])
    OUT.print(
        f"\nbucket  [bold]{bucket.name}[/]  {'private' if bucket.private else '[red]PUBLIC[/]'}, "
        f"{'versioned' if bucket.versioned else '[red]not versioned[/]'}, "
        f"{'encrypted with ' + bucket.encryption if bucket.encryption else '[red]not encrypted[/]'}  (emulated S3)"
    )
    OUT.print(f"cluster [bold]{outputs['cluster_name']}[/]  (emulated EKS, real control plane)\n")
    table = Table(box=None, pad_edge=False)
    for heading in (
        "serves",
        "default",
        "server",
        "pool",
        "pods (emulated containers)",
        "path (emulated: answers nobody)",
    ):
        table.add_column(heading, overflow="fold")
    for name, server in sorted(outputs["servers"].items()):
        pods = inspection.pods(server["namespace"], f"slipway.dev/server={name}")
        served = any("not_served" not in one for one in server["models"].values())
        none = "[red]none[/]" if served else "none"
        placed = "\n".join(_describe(pod.phase, pod.node, pod.why_pending) for pod in pods) or none
        pools = ", ".join(sorted({pod.pool for pod in pods if pod.pool})) or server["pool"]
        for selector, model in sorted(server["models"].items()):
            default = "yes" if model["default"] else ""
            table.add_row(selector, default, name, pools, placed, _path(model))
    OUT.print(table)
    OUT.print()
    for name, server in sorted(outputs["servers"].items()):
        selector, model = min(server["models"].items())
        base = outputs["endpoints"][selector].removesuffix(model["path"])
        served = any("not_served" not in one for one in server["models"].values())
        OUT.print(
            f"{name} {'answers' if served else 'has nothing to serve yet, and is'} in the cluster at {base}"
        )
    OUT.print(f"\n{_EMULATED}")


def _path(model: dict[str, Any]) -> str:
    """Where it would answer, or why it is not among what its server is given: the fix is in the update's warning."""
    reason = str(model.get("not_served", "")).partition(";")[0].partition(", and ")[0]
    return f"[yellow]{escape(reason)}[/]" if reason else str(model["path"])


def _describe(phase: str, node: str, why_pending: str) -> str:
    if why_pending:
        return f"[red]{phase}[/]: {why_pending}"
    return f"{phase} on {node.partition('.')[0]}"
