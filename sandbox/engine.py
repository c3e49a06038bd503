"""Drives the real Pulumi command line on the sandbox's stack."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from sandbox.errors import SandboxError
from sandbox.guard import STACK
from sandbox.lifecycle import NEW_ACCOUNT, Sandbox
from sandbox.toolchain.build import Report

_PLAIN: Final = ("--non-interactive", "--suppress-permalink=true")

_POLL_SECONDS: Final = 0.5
_REVIVE_SECONDS: Final = 2.0
"""The seconds between two looks at the control plane while the engine works; a look costs some 20 ms."""


def _say_nothing(_: str) -> None:
    """Report nothing: for commands whose result alone counts."""


@dataclass(frozen=True)
class Engine:
    """The engine's commands for one sandbox. Output of the long ones goes to the user as it comes."""

    sandbox: Sandbox
    lock: int | None = None
    """The sandbox's lock, which the engine and its plugins hold too, until the last of them has ended."""
    report: Report = _say_nothing
    """Takes what the user should know beside the engine's own output."""

    def ready_stack(self) -> None:
        """Makes the stack exist, be whole and be free.

        Creates it once; puts back the engine's own copy of a state file that was half written; waits for an
        update that somebody else runs, and clears the lock of one whose process is dead.
        """
        for lock in self._locks():
            if holder := _living_holder(lock):
                self.report(f"the stack is being updated by {holder}; waiting for it")
                while lock.exists() and _living_holder(lock):
                    time.sleep(_POLL_SECONDS)
            if lock.exists():
                self.report("removing the lock of an update that was killed")
                lock.unlink(missing_ok=True)
        self._repair_state_file()
        if not self._state_file().exists():
            self._quiet("stack", "init", STACK, "--no-select=false")

    def has_stack(self) -> bool:
        """True if the stack was ever created here."""
        return self._state_file().exists() or self._backup_file().exists()

    def was_cut_off(self) -> bool:
        """True if the last update did not succeed, so that the providers may have made what the state lacks."""
        return self.sandbox.paths.unfinished.exists() or bool(self.deployment().get("pending_operations"))

    def lost_answers(self) -> bool:
        """Return whether the account may hold what no state knows: an update of this account was cut off."""
        notes = set(self._notes()) - {NEW_ACCOUNT}
        return bool(notes or self.deployment().get("pending_operations"))

    def account_is_new(self) -> bool:
        """Return whether the account was started anew since the last update that succeeded: its cluster is gone."""
        return NEW_ACCOUNT in self._notes()

    def _notes(self) -> list[str]:
        unfinished = self.sandbox.paths.unfinished
        return unfinished.read_text().splitlines() if unfinished.exists() else []

    def resources(self) -> list[dict[str, Any]]:
        """The resources of all stacks of this sandbox, as they lie in its backend; secrets are encrypted."""
        found: list[dict[str, Any]] = []
        for state in sorted(self._state_file().parent.glob("*.json")):
            found += json.loads(state.read_text())["checkpoint"].get("latest", {}).get("resources") or ()
        return found

    def finished(self) -> None:
        """Notes that the state describes what the account holds."""
        self.sandbox.paths.unfinished.unlink(missing_ok=True)

    def up(self, *arguments: str) -> int:
        """Updates the stack; returns the engine's exit code."""
        return self._changing("up", *arguments)

    def preview(self, *arguments: str) -> int:
        """Shows what an update would do; returns the engine's exit code."""
        return self._shown("preview", *arguments)

    def refresh(self, *arguments: str) -> int:
        """Read every resource as it is now into the state; return the engine's exit code.

        Where the account is new, what its old cluster held is forgotten, as docs/operations.md says of a cluster that
        is gone: nobody else answers for it.
        """
        if not self.account_is_new():
            return self._changing("refresh", *arguments)
        code = self._changing("refresh", *arguments, PULUMI_K8S_DELETE_UNREACHABLE="true")
        if code == 0:
            # Known now: the next refresh may meet the new account's cluster, and must not forget that one.
            self.sandbox.paths.unfinished.write_text("refresh\n")
        return code

    def destroy(self) -> int:
        """Removes every resource; returns the engine's exit code."""
        return self._changing("destroy")

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets left out."""
        outputs: dict[str, Any] = json.loads(self._quiet("stack", "output", "--json", "--stack", STACK))
        return outputs

    def export_state(self) -> dict[str, Any]:
        """Return the stack's state as `pulumi stack export` prints it."""
        state: dict[str, Any] = json.loads(self._quiet("stack", "export", "--stack", STACK))
        return state

    def import_state(self, state: dict[str, Any]) -> None:
        """Replace the stack's state; the engine drops what is pending in it."""
        self._quiet("stack", "import", "--stack", STACK, stdin=json.dumps(state))

    def deployment(self) -> dict[str, Any]:
        """The stack's state: resources and pending operations."""
        deployment: dict[str, Any] = self.export_state()["deployment"] or {}
        return deployment

    def _changing(self, command: str, *arguments: str, **environment: str) -> int:
        """Runs a command that changes things; a note of it stays until :meth:`finished`."""
        with self.sandbox.paths.unfinished.open("a") as notes:
            notes.write(f"{command}\n")
        return self._shown(command, "--yes", "--skip-preview", *arguments, **environment)

    def _shown(self, command: str, *arguments: str, **environment: str) -> int:
        process = subprocess.Popen(
            [self._program(), command, "--stack", STACK, *_PLAIN, *arguments],
            cwd=self.sandbox.clone,
            env={**self.sandbox.full_environment(), **environment},
            pass_fds=() if self.lock is None else (self.lock,),
        )
        while True:
            try:
                return process.wait(timeout=_REVIVE_SECONDS)
            except subprocess.TimeoutExpired:
                # Else an update waits ten minutes for pods that nobody schedules.
                self._revive()
            except KeyboardInterrupt:
                # The terminal sent Ctrl-C to the engine too: it finishes what is under way, then ends.
                continue

    def _revive(self) -> None:
        try:
            self.sandbox.revive(self.report)
        except SandboxError as error:
            self.report(str(error))  # the update goes on, and fails where it needs what is missing

    def _quiet(self, *arguments: str, stdin: str = "") -> str:
        ran = subprocess.run(
            [self._program(), *arguments, "--non-interactive"],
            cwd=self.sandbox.clone,
            env=self.sandbox.full_environment(),
            input=stdin,
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

    def _backup_file(self) -> Path:
        return self._state_file().with_suffix(".json.bak")

    def _repair_state_file(self) -> None:
        """Puts the engine's own copy in the place of a state file that is missing or was half written."""
        state, backup = self._state_file(), self._backup_file()
        for unfinished in state.parent.glob("*.tmp"):
            unfinished.unlink()
        if (not state.exists() and not backup.exists()) or _is_whole(state):
            return
        if not _is_whole(backup):
            if not state.exists():
                return
            raise SandboxError(
                f"the state {state} is damaged, and so is its copy {backup.name}. `slipway sandbox stop`, remove "
                f"{self.sandbox.paths.root}, and `slipway sandbox up` start from nothing"
            )
        self.report(f"the stack's state was damaged: going on from the engine's copy {backup.name}")
        if state.exists():
            state.replace(state.with_suffix(".json.damaged"))
        shutil.copy(backup, state)
        # The copy is one step older than what was done: read everything, and look for what it does not know.
        with self.sandbox.paths.unfinished.open("a") as notes:
            notes.write("an update whose state was damaged\n")

    def _locks(self) -> list[Path]:
        return sorted((self.sandbox.paths.backend / ".pulumi" / "locks").rglob("*.json"))


def _is_whole(state: Path) -> bool:
    try:
        return isinstance(json.loads(state.read_text()), dict)
    except (OSError, ValueError):
        return False


def _living_holder(lock: Path) -> str:
    """The process that wrote a lock of the file backend, if it runs; empty when it is dead.

    Raises:
        SandboxError: it is on another machine.
    """
    try:
        content = json.loads(lock.read_text())
    except (OSError, ValueError):
        return ""
    if content.get("hostname") not in (None, os.uname().nodename):
        raise SandboxError(
            f"the stack is locked by a process on {content['hostname']}, which cannot be looked at from here. If "
            f'nothing runs there: eval "$(slipway sandbox env)" && pulumi cancel --stack {STACK}'
        )
    try:
        process = psutil.Process(int(content["pid"]))
        alive = process.status() != psutil.STATUS_ZOMBIE and "pulumi" in process.name()
    except (psutil.Error, KeyError, ValueError):
        return ""
    return f"pulumi (pid {process.pid})" if alive else ""
