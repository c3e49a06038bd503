"""Stacks of small programs, each in a backend of its own, whose only help is a Pulumi.yaml that names the plugin."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import programs
from sandbox.paths import SandboxPaths
from sandbox.toolchain.build import ensure_programs

REPOSITORY = Path(__file__).parents[3]
PLUGIN = REPOSITORY / "artifacts" / "plugin"


@dataclass
class Stack:
    """A stack in a backend of its own."""

    folder: Path
    environment: dict[str, str]
    settings: dict[str, Any]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "settings.json").write_text(json.dumps(self.settings))
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def changes(self) -> dict[str, int]:
        """What the last operation did."""
        history = json.loads(self.run("stack", "history", "--json", "--page-size=1").stdout)
        return {
            kind: count
            for kind, count in history[0]["resourceChanges"].items()
            if kind not in ("same", "refresh")
        }

    def state(self) -> str:
        return self.ok("stack", "export")


def make_stack(
    tmp_path: Path, place: Any, project: str, settings: dict[str, Any], plugin: Path = PLUGIN
) -> Iterator[Stack]:
    """Of the program in that folder; the fixture's generator."""
    paths = SandboxPaths(tmp_path)
    programs.install(paths, {"pulumi": ensure_programs(print)["pulumi"].path})
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).parent / project, folder)
    (folder / "Pulumi.yaml").write_text(
        f"name: slipway-artifacts-test\nruntime: python\n"
        f"plugins:\n  providers:\n    - name: slipway\n      path: {os.path.relpath(plugin, folder)}\n"
    )
    paths.backend.mkdir()
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_ENDPOINT_URL": place.s3.url,
        "AWS_REGION": "eu-west-1",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t-of-the-shell",
        "HOME": str(tmp_path),
        # Neither a virtual environment nor the plugin: the engine's own and the system's.
        "PATH": f"{paths.programs}:/usr/bin:/bin",
        "PULUMI_BACKEND_URL": f"file://{paths.backend}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(paths.engine_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONPATH": str(REPOSITORY),
        "SLIPWAY_SANDBOX": str(tmp_path),
    }
    made = Stack(folder, environment, settings)
    made.ok("stack", "init", "sandbox")
    yield made
    made.run("destroy", "--yes", "--skip-preview")
