"""Starts, stops and describes one sandbox.

The emulated account and the control plane are one thing: the account's memory is the moto process, and a
cluster of an account that is gone is gone too. So when the account has to be started anew, the control plane
starts empty, and the next update refreshes the stack's state first.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import psutil

from sandbox import account, control_plane, endpoints, guard, processes, programs
from sandbox.charts import repository
from sandbox.endpoints import Endpoints
from sandbox.errors import SandboxError
from sandbox.foreign_variables import foreign, names_to_clear
from sandbox.paths import SandboxPaths
from sandbox.research import seeds
from sandbox.research.seeds import Seed
from sandbox.toolchain.build import Report, ensure_programs
from sandbox.toolchain.find import find_language_host

ROLES: Final = (repository.ROLE, account.ROLE, *control_plane.ROLES)
"""Every background process, in the order in which they are stopped."""

PASSPHRASE: Final = "slipway-sandbox"  # noqa: S105 (public on purpose)
"""Encrypts the sandbox's state. It is no secret: the sandbox holds none, and its stack file carries the salt."""

REGION: Final = "eu-west-1"
"""Only a default for command line tools; the program takes its region from the stack's config."""

NEW_ACCOUNT: Final = "the account was started anew"
"""The reason why an update is unfinished where none was cut off."""

_LOCK_SECONDS: Final = 0.2
"""Seconds between two looks at a sandbox that another command holds. Chosen."""


@dataclass(frozen=True)
class Sandbox:
    """The sandbox of one clone."""

    clone: Path

    @property
    def paths(self) -> SandboxPaths:
        """The places of its files."""
        return SandboxPaths.of_clone(self.clone)

    def endpoints(self) -> Endpoints:
        """The ports in use.

        Raises:
            SandboxError: the sandbox does not run.
        """
        recorded = endpoints.load(self.paths.endpoints)
        missing = [role for role in ROLES if role not in processes.running(self.paths)]
        if recorded is None or missing:
            what = (
                f"{', '.join(missing)} not running"
                if recorded and len(missing) < len(ROLES)
                else "not running"
            )
            raise SandboxError(f"the sandbox is {what}. Run `slipway sandbox start` (or `make up`).")
        return recorded

    def start(self, report: Report) -> list[str]:
        """Starts whatever does not run; returns the roles started, none when all ran already.

        Raises:
            SandboxError: a program is missing and cannot be built, or does not start.
        """
        paths = self.paths
        paths.root.mkdir(parents=True, exist_ok=True)
        paths.root.chmod(0o700)
        ready = ensure_programs(report)
        found = {name: program.path for name, program in ready.items()}
        host = find_language_host(ready["pulumi"])
        programs.install(paths, found if host is None else {**found, programs.LANGUAGE_HOST: host})
        for folder in (paths.engine_home, paths.backend):
            folder.mkdir(exist_ok=True)
        ports = self._ports(report)
        started = []
        if account.ROLE not in processes.running(paths):
            self._reset_cluster(report)
            account.start(paths, ports)
            started.append(account.ROLE)
        if repository.start(paths, ports):
            started.append(repository.ROLE)
        started += control_plane.start(paths, ports, found)
        account.wait(paths, ports)
        repository.wait(paths, ports)
        control_plane.wait(paths, ports)
        if started:
            report(f"started {', '.join(started)}")
        return started

    def revive(self, report: Report) -> None:
        """Starts what has ended of the control plane, which keeps its objects on disk.

        Not the account: it ended with its process, and an update that goes on would make half of another one.

        Raises:
            SandboxError: something does not start.
        """
        paths, ports = self.paths, endpoints.load(self.paths.endpoints)
        alive = processes.running(paths)
        ended = [role for role in control_plane.ROLES if role not in alive]
        if not ended or ports is None or account.ROLE not in alive:
            return
        report(f"{', '.join(ended)} ended, and {'is' if len(ended) == 1 else 'are'} started again")
        found = {name: program.path for name, program in ensure_programs(report).items()}
        control_plane.start(paths, ports, found)

    def seed_research(self, report: Report) -> dict[Seed, str]:
        """Puts into the account's research buckets what they lack; returns what cannot be had, and why.

        Raises:
            SandboxError: the sandbox does not run, or what came is not what was asked for.
        """
        return seeds.put(self.endpoints().aws_url, REGION, report)

    def stop(self) -> list[str]:
        """Ends every background process; returns the roles that ran. Pods that run for real end first."""
        others = [role for role in processes.running(self.paths) if role not in ROLES]
        stopped = processes.stop(self.paths, [*others, *ROLES])
        for link in self.paths.pods.glob("*"):
            shutil.rmtree(link.resolve(), ignore_errors=True)
            link.unlink(missing_ok=True)
        return stopped

    def remove(self) -> None:
        """Removes all that the sandbox keeps, except its logs. Call it when nothing runs."""
        for path in self.paths.root.iterdir() if self.paths.root.exists() else []:
            if path not in (self.paths.logs, self.paths.lock):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def environment(self) -> dict[str, str]:
        """Return the variables that a tool needs to work on the sandbox, and on nothing else.

        Raises:
            SandboxError: the sandbox does not run.
        """
        paths, ports = self.paths, self.endpoints()
        path = os.environ.get("PATH", os.defpath).split(os.pathsep)
        interpreter = str(Path(sys.executable).parent)
        own = [str(paths.programs), interpreter]
        return {
            guard.SANDBOX_VARIABLE: str(paths.root),
            "PATH": os.pathsep.join([*own, *(entry for entry in path if entry not in own)]),
            "KUBECONFIG": str(paths.admin_kubeconfig),
            **repository.helm_environment(paths),
            # The provider's setting enablePatchForce, which the program has, is newer than the provider built here
            # (pulumi-kubernetes#4242, 2026-03-18); the variable means the same and is older.
            "PULUMI_K8S_ENABLE_PATCH_FORCE": "true",
            "AWS_ENDPOINT_URL": ports.aws_url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": _without_proxy("NO_PROXY"),
            "no_proxy": _without_proxy("no_proxy"),
            "PULUMI_HOME": str(paths.engine_home),
            # Without metadata=skip every file has an .attrs file beside it, which is not written in one go: an
            # engine killed meanwhile leaves it empty, and no command loads the state any more (EOF; 3.259).
            "PULUMI_BACKEND_URL": f"{paths.backend.as_uri()}?metadata=skip",
            # The state is read here as plain JSON.
            "PULUMI_DIY_BACKEND_GZIP": "false",
            "PULUMI_DIY_BACKEND_ZSTD": "false",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def full_environment(self) -> dict[str, str]:
        """The process environment with the sandbox's laid over it, and without what leads elsewhere."""
        inherited = {key: value for key, value in os.environ.items() if key not in foreign(os.environ)}
        return {**inherited, **self.environment()}

    @contextmanager
    def exclusive(self, what: str, report: Report) -> Iterator[int]:
        """Holds the sandbox for one command at a time; a second one waits and names the first.

        Yields the lock's file descriptor. A process that inherits it keeps the sandbox held until it has ended
        too: so the next command never meets an engine, or a plugin, of one that was killed.
        """
        self.paths.root.mkdir(parents=True, exist_ok=True)
        with self.paths.lock.open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                self._wait_for(handle, report)
            handle.seek(0)
            handle.truncate()
            handle.write(f"`slipway sandbox {what}` (pid {os.getpid()})\n")
            handle.flush()
            yield handle.fileno()

    def _wait_for(self, lock: TextIO, report: Report) -> None:
        """Take the lock once its holder has ended. Plugins whose command and engine are gone are ended."""
        note = lock.read()
        report(f"this sandbox is in use by {_holder(note)}; waiting for it")
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                return
            if _was_killed(note):
                for plugin in processes.end_abandoned_plugins(self.paths.lock.resolve()):
                    report(f"ending {plugin}, whose engine was killed")
            time.sleep(_LOCK_SECONDS)

    def _ports(self, report: Report) -> Endpoints:
        recorded = endpoints.load(self.paths.endpoints)
        running = processes.running(self.paths)
        if running and (recorded is None or not (self.paths.control_plane / "tokens.csv").exists()):
            report("the sandbox's files were removed while it ran: ending what runs, and starting anew")
            self.stop()
        if recorded is None:
            return endpoints.choose(self.paths.endpoints)
        if not running and (taken := endpoints.taken(recorded)):
            report(f"port {', '.join(map(str, taken))} was taken by another program; choosing other ports")
            return endpoints.choose(self.paths.endpoints)
        return recorded

    def _reset_cluster(self, report: Report) -> None:
        stopped = processes.stop(self.paths, control_plane.ROLES)
        if stopped:
            report("the emulated account had ended; its cluster goes with it")
        if (self.paths.backend / ".pulumi").exists():
            # Outlives this command: whichever comes next refreshes before it compares anything.
            self.paths.unfinished.write_text(f"{NEW_ACCOUNT}\n")
        shutil.rmtree(self.paths.control_plane / "etcd", ignore_errors=True)
        shutil.rmtree(self.paths.root / "recorded", ignore_errors=True)
        self.paths.cut_off.unlink(missing_ok=True)


def _holder(note: str) -> str:
    """Return who holds the sandbox, from the note in its lock; its engine may outlive a command that was killed."""
    note = note.strip() or "another command"
    return f"what {note} started before it was killed" if _was_killed(note) else note


def _was_killed(note: str) -> bool:
    """True if the command that wrote the note has ended; false where the note does not say which it was."""
    pid = note.rpartition("(pid ")[2].strip().rstrip(")")
    return pid.isdigit() and not psutil.pid_exists(int(pid))


def _without_proxy(variable: str) -> str:
    """Return the variable's hosts and loopback, which no proxy can reach."""
    hosts = [host for host in os.environ.get(variable, "").split(",") if host]
    return ",".join([*hosts, *(host for host in ("127.0.0.1", "localhost") if host not in hosts)])


def shell_exports(environment: Mapping[str, str]) -> str:
    """Lines for ``eval`` in a POSIX shell."""
    lines = [f"unset {' '.join(names_to_clear(os.environ))}"]
    lines += [f"export {key}={_quoted(value)}" for key, value in sorted(environment.items())]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
