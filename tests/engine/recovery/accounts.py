"""A stack of a small program, in a backend of its own, whose updates are killed in the middle of a create."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import programs
from sandbox.paths import SandboxPaths
from sandbox.toolchain.build import ensure_programs

REPOSITORY = Path(__file__).parents[3]
_GIVE_UP_SECONDS = 120
STACK = "test"


@dataclass
class Account:
    """The folder that the provider's objects lie in, and the stack that makes them."""

    folder: Path
    objects: Path
    environment: dict[str, str]
    settings: dict[str, Any] = field(default_factory=lambda: {"path": "/", "delete_first": False})

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        (self.folder / "settings.json").write_text(json.dumps(self.settings))
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_GIVE_UP_SECONDS,
            check=False,
        )

    def ok(self, *arguments: str, stdin: str = "") -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def up(self) -> dict[str, int]:
        """An update; returns what it did."""
        self.ok("up", "--yes", "--skip-preview")
        history = json.loads(self.run("stack", "history", "--json", "--page-size=1").stdout)
        done: dict[str, int] = history[0]["resourceChanges"]
        return {kind: count for kind, count in done.items() if kind not in ("same", "refresh")}

    def killed_up(self, moment: str, type_: str) -> None:
        """An update whose engine is killed `before` or `after` an object of the type is made, its answer lost."""
        (self.objects / "hold").write_text(f"{moment} {type_}")
        os.mkfifo(self.objects / "reached")
        pipe = os.open(self.objects / "reached", os.O_RDWR)
        (self.folder / "settings.json").write_text(json.dumps(self.settings))
        engine = subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
        )
        reached, _, _ = select.select([pipe], [], [], _GIVE_UP_SECONDS)
        engine.send_signal(signal.SIGKILL)
        engine.wait()
        os.close(pipe)
        (self.objects / "reached").unlink()
        (self.objects / "hold").unlink()
        assert reached, f"no {type_} was created"

    def made(self) -> list[str]:
        """The ids of all objects."""
        return sorted(path.name.removesuffix(".object") for path in self.objects.glob("*.object"))

    def export(self) -> dict[str, Any]:
        exported: dict[str, Any] = json.loads(self.run("stack", "export").stdout)
        return exported

    def import_(self, state: dict[str, Any]) -> None:
        self.ok("stack", "import", stdin=json.dumps(state))

    def pending(self) -> list[str]:
        return [op["type"] for op in self.export()["deployment"].get("pending_operations") or ()]


def make_account(folder: Path) -> Account:
    paths = SandboxPaths(folder)
    programs.install(paths, {"pulumi": ensure_programs(print)["pulumi"].path})
    here, project, objects = Path(__file__).parent, folder / "project", folder / "account"
    shutil.copytree(here / "project", project)
    plugin = project / "plugin"
    plugin.mkdir()
    launcher = plugin / "pulumi-resource-aws"
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} {here / "plugin" / "provider.py"} "$@"\n')
    launcher.chmod(0o755)
    (project / "Pulumi.yaml").write_text(
        "name: slipway-recovery-test\nruntime: python\n"
        "plugins:\n  providers:\n    - name: aws\n      path: ./plugin\n"
    )
    objects.mkdir()
    paths.backend.mkdir()
    environment = {
        "HOME": str(folder),
        "PATH": f"{paths.programs}:/usr/bin:/bin",
        "PULUMI_BACKEND_URL": f"file://{paths.backend}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(paths.engine_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONPATH": str(REPOSITORY),
        "RECOVERY_TEST_ACCOUNT": str(objects),
        "SLIPWAY_SANDBOX": str(folder),
    }
    account = Account(project, objects, environment)
    account.ok("stack", "init", STACK)
    return account
