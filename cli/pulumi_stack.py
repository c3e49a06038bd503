"""The few commands of `pulumi` that a recovery needs, on one stack of the user's own backend and environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from recovery import RecoveryError, State


@dataclass(frozen=True)
class PulumiStack:
    """One stack. Every method raises RecoveryError where `pulumi` fails."""

    project: Path
    """The folder of Pulumi.yaml."""
    name: str

    def export(self) -> State:
        """Return the state; what is secret in it stays encrypted."""
        state: State = json.loads(self._run("stack", "export", "--stack", self.name))
        return state

    def import_(self, state: State) -> None:
        """Replace the state. The backend refuses while an update holds the stack's lock."""
        self._run("stack", "import", "--stack", self.name, stdin=json.dumps(state))

    def refresh(self, output: int) -> int:
        """Read every resource; return the engine's exit code. The engine writes to a file descriptor, 1 or 2."""
        command = [self._program(), "refresh", "--yes", "--skip-preview", "--non-interactive"]
        ran = subprocess.run([*command, "--stack", self.name], cwd=self.project, stdout=output, check=False)
        return ran.returncode

    def refuse_live_update(self) -> None:
        """Raise RecoveryError while an update holds the stack: its pending operations are under way, not lost.

        Only the service and a folder say so without being changed. An S3 backend says it when the state is imported.
        """
        stacks = json.loads(self._run("stack", "ls", "--json"))
        holders = [_holder(path) for path in self._lock_files()]
        if any(item["name"] == self.name and item.get("updateInProgress") for item in stacks):
            holders.append("the service says that an update is in progress")
        if holders:
            raise RecoveryError(self._locked("; ".join(holders)))

    def _lock_files(self) -> list[Path]:
        url = urlsplit(json.loads(self._run("whoami", "--verbose", "--json")).get("url") or "")
        if url.scheme != "file":
            return []
        locks = Path(unquote(url.path)).expanduser() / ".pulumi" / "locks"
        return [path for path in locks.rglob("*.json") if path.parent.name == self.name.rpartition("/")[2]]

    def _locked(self, reason: str) -> str:
        return (
            f"the stack {self.name} is locked, and nothing was changed: {reason}. Wait while an update runs; "
            f"`pulumi stack history --stack {self.name} --page-size 1` says what it is. A lock whose update was killed "
            f"stays: when nobody's update runs, `pulumi cancel --stack {self.name}`, then run this again"
        )

    def _run(self, *arguments: str, stdin: str = "") -> str:
        ran = subprocess.run(
            [self._program(), *arguments, "--non-interactive"],
            cwd=self.project,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            reason = ran.stderr.strip() or ran.stdout.strip()
            if "currently locked" in reason or "Another update is currently in progress" in reason:
                raise RecoveryError(self._locked(reason))
            raise RecoveryError(f"`pulumi {' '.join(arguments)}` failed: {reason}")
        return ran.stdout

    def _program(self) -> str:
        found = shutil.which("pulumi")
        if found is None:
            raise RecoveryError(
                'pulumi is not on the PATH. For the sandbox: eval "$(slipway sandbox env)"; else '
                "https://www.pulumi.com/docs/install/"
            )
        return found


def _holder(lock: Path) -> str:
    """Say who wrote a lock of the folder backend, and whether it still runs where that can be seen."""
    try:
        content = json.loads(lock.read_text())
        pid, host = int(content["pid"]), str(content["hostname"])
    except (OSError, ValueError, KeyError):
        return f"{lock} is there, and cannot be read"
    said = f"process {pid} on {host} locked it at {content.get('timestamp')}"
    if host != os.uname().nodename:
        return said
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return f"{said}, and runs no more"
    except PermissionError:
        pass
    return f"{said}, and runs"
