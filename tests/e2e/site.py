"""One pod's worth: TorchServe, the agent, a source of archives and a configuration file."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from sandbox.serving.runtime import TorchServeRuntime
from tests.e2e import archives
from tests.e2e.archives import Thin
from tests.e2e.servers import REPOSITORY, Agent, TorchServe
from tests.e2e.waiting import until
from workloads.agent import Archive, Configuration, Smoke, Version, configuration_json

GRACE = timedelta(seconds=1)
NOBODY = 65534
SMOKE = Smoke(body="hello", content_type="text/plain")


class Site:
    """Everything runs inside; what it leaves is deleted."""

    def __init__(
        self,
        runtime: TorchServeRuntime,
        *,
        store: Path | None = None,
        source: str | None = None,
        python: Path | None = None,
        environment: Mapping[str, str] | None = None,
        confined: bool = False,
    ) -> None:
        self.folder = Path(
            tempfile.mkdtemp(prefix="slipway-e2e-")
        )  # short: worker sockets have 108 characters
        self.source = self.folder / "source"
        self.store = store or self.folder / "store"
        for folder in (self.source, self.store):
            folder.mkdir(exist_ok=True)
        self._configuration = self.folder / "configuration.json"
        self.torchserve = TorchServe(runtime, self.folder, self.store)
        self.agent = Agent(
            python or runtime.python,
            self.folder,
            self.torchserve,
            configuration=self._configuration,
            store=self.store,
            source=source or str(self.source),
            environment=environment or {},
            confined_by=self._confinement() if confined else (),
        )

    def _confinement(self) -> list[str]:
        """What a pod does: another user without capabilities, a root that is read-only but for one volume, and nothing
        but the package itself."""
        package = self.folder / "app/workloads"
        shutil.copytree(REPOSITORY / "workloads", package, ignore=shutil.ignore_patterns("__pycache__"))
        self.folder.chmod(0o755)
        os.chown(self.store, NOBODY, NOBODY)
        script = (
            'set -e; mount --bind "$1" "$1"; mount -o remount,bind,ro /; cd "$2"; shift 2; '
            f"exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --no-new-privs "
            '--bounding-set=-all --inh-caps=-all "$@"'
        )
        return ["unshare", "--mount", "sh", "-c", script, "sh", str(self.store), str(package.parent)]

    def __enter__(self) -> Self:
        self.torchserve.start()
        self.agent.start()
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        self.agent.stop()
        self.torchserve.stop()
        if failed is None:
            shutil.rmtree(self.folder)

    def publish(
        self,
        language: str,
        version: str,
        *,
        code: str = "a",
        on_load: str = "pass",
        on_request: str = "pass",
        padding: int = 0,
    ) -> Archive:
        """An archive in the source."""
        content = archives.build(
            language, version, code=code, on_load=on_load, on_request=on_request, padding=padding
        )
        return archives.publish(self.source, f"{language}-{version}.mar", content)

    def configure(
        self, models: Mapping[str, Mapping[str, Archive | Thin]], defaults: Mapping[str, str]
    ) -> None:
        """Every version served alike."""
        specs = {
            model: {
                version: Version(
                    archive=served.archive if isinstance(served, Thin) else served,
                    weights=served.weights if isinstance(served, Thin) else None,
                    gpu_memory_fraction=served.gpu_memory_fraction if isinstance(served, Thin) else None,
                    default=defaults[model] == version,
                    max_batch_delay=timedelta(milliseconds=10),
                    response_timeout=timedelta(seconds=20),
                    startup_timeout=timedelta(seconds=30),
                    smoke=SMOKE,
                )
                for version, served in versions.items()
            }
            for model, versions in models.items()
        }
        self.write(Configuration(models=specs, drain_grace=GRACE))

    def write(self, configuration: Configuration) -> None:
        """Replaces the file whole, as the kubelet does."""
        part = self._configuration.with_suffix(".part")
        part.write_text(configuration_json(configuration))
        part.replace(self._configuration)

    def until_serving(self, **versions: str) -> None:
        """Waits until each model is answered by that version."""

        def serving() -> bool:
            shown = self.agent.versions().get("models", {})
            return all(
                shown.get(model, {}).get("default", {}).get("serving") == versions[model]
                for model in versions
            )

        until(serving, f"requests are answered by {versions}; {self.folder}")

    def until_only(self, model: str, *versions: str) -> None:
        """Waits until TorchServe has those versions of the model and no other."""

        def alone() -> bool:
            shown = self.agent.versions().get("models", {}).get(model, {}).get("versions", {})
            return sorted(shown) == sorted(versions)

        until(alone, f"{model} has {versions} alone; {self.folder}")

    def until_state(self, model: str, version: str, state: str) -> Any:
        """Waits until /versions says so; what it says of the version."""
        return until(
            lambda: shown if (shown := self.agent.shown(model, version)).get("state") == state else None,
            f"{model} {version} is {state}; {self.folder}",
        )
