"""Drives the real Pulumi command line on the sandbox's stack."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from sandbox.errors import SandboxError
from sandbox.guard import STACK
from sandbox.lifecycle import Sandbox
from sandbox.toolchain.build import Report

_PLAIN: Final = ("--non-interactive", "--suppress-permalink=true")


@dataclass(frozen=True)
class Engine:
    """The engine's commands for one sandbox. Output of the long ones goes to the user as it comes."""

    sandbox: Sandbox

    def ready_stack(self, report: Report) -> None:
        """Makes the stack exist and be free: creates it once, and clears a lock whose process is dead."""
        if not self._state_file().exists():
            self._quiet("stack", "init", STACK, "--no-select=false")
        for lock in self._dead_locks():
            report("removing the lock of an update that was killed")
            lock.unlink(missing_ok=True)

    def has_stack(self) -> bool:
        """Whether the stack was ever created here."""
        return self._state_file().exists()

    def was_cut_off(self) -> bool:
        """Whether the state may not tell what the account holds: an update was cut off, or the account is new."""
        return self.sandbox.paths.unfinished.exists() or bool(self.deployment().get("pending_operations"))

    def finished(self) -> None:
        """Notes that the state tells what the account holds."""
        self.sandbox.paths.unfinished.unlink(missing_ok=True)

    def up(self) -> int:
        """Updates the stack; returns the engine's exit code."""
        return self._shown("up", "--yes", "--skip-preview")

    def preview(self, *arguments: str) -> int:
        """Shows what an update would do; returns the engine's exit code."""
        return self._shown("preview", *arguments)

    def refresh(self, *arguments: str) -> int:
        """Reads every resource as it is now into the state; returns the engine's exit code."""
        return self._shown("refresh", "--yes", "--skip-preview", *arguments)

    def destroy(self) -> int:
        """Removes every resource; returns the engine's exit code."""
        return self._shown("destroy", "--yes", "--skip-preview")

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets left out."""
        outputs: dict[str, Any] = json.loads(self._quiet("stack", "output", "--json", "--stack", STACK))
        return outputs

    def deployment(self) -> dict[str, Any]:
        """The stack's state: resources and pending operations."""
        exported = json.loads(self._quiet("stack", "export", "--stack", STACK))
        deployment: dict[str, Any] = exported["deployment"] or {}
        return deployment

    def _shown(self, command: str, *arguments: str) -> int:
        process = subprocess.Popen(
            [self._program(), command, "--stack", STACK, *_PLAIN, *arguments],
            cwd=self.sandbox.clone,
            env=self.sandbox.full_environment(),
        )
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # The terminal sent Ctrl-C to the engine too: it finishes what is under way, then ends.
                continue

    def _quiet(self, *arguments: str) -> str:
        ran = subprocess.run(
            [self._program(), *arguments, "--non-interactive"],
            cwd=self.sandbox.clone,
            env=self.sandbox.full_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            raise SandboxError(
                f"`pulumi {' '.join(arguments)}` failed: {ran.stderr.strip() or ran.stdout.strip()}"
            )
        return ran.stdout

    def _program(self) -> str:
        return str(self.sandbox.paths.programs / "pulumi")

    def _state_file(self) -> Path:
        return self.sandbox.paths.backend / ".pulumi" / "stacks" / "slipway" / f"{STACK}.json"

    def _dead_locks(self) -> list[Path]:
        folder = self.sandbox.paths.backend / ".pulumi" / "locks"
        return [lock for lock in sorted(folder.rglob("*.json")) if not _holder_lives(lock)]


def _holder_lives(lock: Path) -> bool:
    """Whether the process that wrote a lock of the file backend still runs on this machine."""
    try:
        content = json.loads(lock.read_text())
    except (OSError, json.JSONDecodeError):
        return False
    if content.get("hostname") not in (None, os.uname().nodename):
        return True
    try:
        return "pulumi" in psutil.Process(int(content["pid"])).name()
    except (psutil.Error, KeyError, ValueError):
        return False
