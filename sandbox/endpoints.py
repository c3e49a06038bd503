"""The loopback ports of one sandbox, chosen when it first starts and kept until it is removed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from sandbox import processes


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """TCP ports on 127.0.0.1."""

    aws: int
    charts: int
    api_server: int
    etcd_client: int
    etcd_peer: int
    scheduler: int
    controller_manager: int
    kwok: int

    @property
    def aws_url(self) -> str:
        """Base URL of the emulated AWS."""
        return f"http://127.0.0.1:{self.aws}"

    @property
    def charts_url(self) -> str:
        """Base URL of the Helm repository."""
        return f"http://127.0.0.1:{self.charts}"

    @property
    def api_server_url(self) -> str:
        """Base URL of the Kubernetes API server."""
        return f"https://127.0.0.1:{self.api_server}"

    @property
    def etcd_url(self) -> str:
        """Client URL of etcd."""
        return f"http://127.0.0.1:{self.etcd_client}"


def load(path: Path) -> Endpoints | None:
    """The recorded ports, or None when there is no whole record."""
    try:
        return Endpoints(**json.loads(path.read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None


def choose(path: Path) -> Endpoints:
    """Picks free ports and records them."""
    names = [field.name for field in fields(Endpoints)]
    chosen = Endpoints(**dict(zip(names, processes.free_ports(len(names)), strict=True)))
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".tmp")
    scratch.write_text(json.dumps(asdict(chosen), indent=2) + "\n")
    scratch.replace(path)
    return chosen


def taken(endpoints: Endpoints) -> list[int]:
    """The recorded ports that somebody listens on."""
    return [port for port in asdict(endpoints).values() if not processes.port_is_free(port)]
