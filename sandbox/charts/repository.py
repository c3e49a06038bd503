"""A Helm repository on loopback with a stand-in for each chart of the program, which no package registry carries.

What a stand-in has of its chart is the name, the version and the CustomResourceDefinitions; what runs in a cluster is
missing, and its notes say so. Helm itself is real: it is part of the Kubernetes provider. The program finds the
repository by its name in Helm's configuration, as a company's program finds a mirror (`slipway:chartMirror`).

The trap: Helm keeps a release, chart and manifest, in one Secret of at most 1 MiB, and the Prometheus operator's ten
definitions are 4.5 MB of YAML. Without their descriptions they are 36 kB, compressed (2026-11-29).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import yaml

from sandbox import processes
from sandbox.charts import templates
from sandbox.endpoints import Endpoints
from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths
from sandbox.probes import answers
from sandbox.toolchain.build import assets_of
from sandbox.toolchain.programs import PROMETHEUS_OPERATOR_DEFINITIONS, Module

ROLE: Final = "charts"
NAME: Final = "slipway-sandbox"
"""The repository's name in Helm's configuration."""

STAND_INS: Final = Path(__file__).with_name("stand_ins.yaml")
_DEFINITIONS: Final[Mapping[str, Module]] = {"prometheus-operator": PROMETHEUS_OPERATOR_DEFINITIONS}
_START_SECONDS: Final = 60.0
_NEVER: Final = "2026-01-01T00:00:00Z"
"""The time in the index: fixed, so that the same charts make the same files."""


class _Loader(yaml.CSafeLoader):
    """Takes a bare `=`, which YAML 1.1 gives a type of its own, for the text that it is."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """A chart by name and version, with none of its content."""

    name: str
    version: str
    definitions: str | None = None
    """The operator whose CustomResourceDefinitions it has; None for none."""

    @classmethod
    def listed(cls) -> list[Self]:
        """Return all of stand_ins.yaml."""
        return [cls(**item) for item in yaml.safe_load(STAND_INS.read_text(encoding="utf-8"))]

    @property
    def file_name(self) -> str:
        """The archive's name, as Helm packs it."""
        return f"{self.name}-{self.version}.tgz"

    @property
    def metadata(self) -> dict[str, str]:
        """The content of Chart.yaml."""
        described = f"Stand-in for {self.name} in Slipway's sandbox; nothing of it runs"
        return {
            "apiVersion": "v2",
            "name": self.name,
            "version": self.version,
            "type": "application",
            "description": described,
        }

    def archive(self) -> bytes:
        """Return the packed chart; the same bytes each time.

        Raises:
            SandboxError: the definitions are not in the cache.
        """
        packed = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
            tarfile.open(fileobj=compressed, mode="w") as archive,
        ):
            for name, content in self._files():
                member = tarfile.TarInfo(f"{self.name}/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return packed.getvalue()

    def _files(self) -> Iterator[tuple[str, bytes]]:
        about = templates.NO_DEFINITIONS
        if self.definitions:
            module = _DEFINITIONS[self.definitions]
            about = templates.DEFINITIONS_ARE_REAL.format(version=f"{self.definitions} {module.version}")
        notes = templates.NOTES.format(name=self.name, version=self.version, definitions=about)
        yield "Chart.yaml", json.dumps(self.metadata).encode()
        yield "values.yaml", b"{}\n"
        yield "templates/NOTES.txt", notes.encode()
        if not self.definitions:
            yield "templates/note.yaml", templates.NOTE.encode()
            return
        yield "templates/definitions.yaml", templates.DEFINITIONS.encode()
        for path in _definitions_of(_DEFINITIONS[self.definitions]):
            definition = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (a safe loader)
            content = json.dumps(without_descriptions(definition), separators=(",", ":"))
            yield f"definitions/{path.stem}.json", content.encode()


def without_descriptions(schema: Any, *, properties: bool = False) -> Any:
    """Return a definition without its prose; a property that is called description stays."""
    if isinstance(schema, dict):
        return {
            key: without_descriptions(value, properties=key == "properties")
            for key, value in schema.items()
            if properties or key != "description" or not isinstance(value, str)
        }
    return [without_descriptions(item) for item in schema] if isinstance(schema, list) else schema


def helm_environment(paths: SandboxPaths) -> dict[str, str]:
    """Return the variables that give Helm this repository, and none of the user's."""
    return {
        "HELM_CACHE_HOME": str(paths.helm / "cache"),
        "HELM_CONFIG_HOME": str(paths.helm),
        "HELM_DATA_HOME": str(paths.helm / "data"),
    }


def start(paths: SandboxPaths, endpoints: Endpoints) -> bool:
    """Write the charts and serve them, unless they are served; True when the server was started."""
    if ROLE in processes.running(paths):
        return False
    folder = paths.helm / "charts"
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for chart in StandIn.listed():
        content = chart.archive()
        (folder / chart.file_name).write_bytes(content)
        described = {**chart.metadata, "created": _NEVER, "digest": hashlib.sha256(content).hexdigest()}
        entries[chart.name] = [{**described, "urls": [f"{endpoints.charts_url}/{chart.file_name}"]}]
    index = {"apiVersion": "v1", "generated": _NEVER, "entries": entries}
    # What `helm repo add` writes: the repository's address, and a copy of its index.
    known = {"apiVersion": "v1", "repositories": [{"name": NAME, "url": endpoints.charts_url}]}
    documents: dict[Path, Any] = {
        folder / "index.yaml": index,
        paths.helm / "repositories.yaml": known,
        paths.helm / "cache" / "repository" / f"{NAME}-index.yaml": index,
    }
    for path, document in documents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1) + "\n")
    server = [sys.executable, "-m", "http.server", str(endpoints.charts), "--bind", "127.0.0.1"]
    processes.start(paths, ROLE, [*server, "--directory", str(folder)])
    return True


def wait(paths: SandboxPaths, endpoints: Endpoints) -> None:
    """Wait until the server answers."""
    url = f"{endpoints.charts_url}/index.yaml"
    processes.wait_until(lambda: answers(url), paths, ROLE, _START_SECONDS)


def _definitions_of(module: Module) -> list[Path]:
    found = assets_of(module)
    if not found:
        raise SandboxError(f"{module.what} are not in the cache. Run `make toolchain`.")
    return found
