"""Kills one process of a sandbox at a chosen point of its work, and says what it came back to.

A point is defined by progress that is seen in the engine's own output, never by time: the n-th line that a
pattern matches. An engine may also be stopped there, until the providers have finished what they were asked,
and killed then: every answer under way is lost, for certain.
"""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Final

import psutil

from sandbox import account, control_plane, endpoints, processes
from sandbox.engine import Engine
from sandbox.inspection import Inspection
from sandbox.toolchain.programs import KUBERNETES_PROVIDER
from tests.engine.clones import Clone, Ran
from tests.engine.holdings import Holdings

CREATING: Final = r"^ \+ .* creating"
KUBERNETES_CREATING: Final = r"^ \+ .* kubernetes:\S+ .* creating"
REFRESHING: Final = r"^ [~ ] .* refreshing"
DELETING: Final = r"^ - .* deleting"
REPLACING: Final = r"^\s*(\+\+|\+-) .* (creating|replacing)"

_CHILDREN: Final[Mapping[str, Callable[[list[str]], bool]]] = {
    "engine": lambda words: words[0].endswith("pulumi") and "-m" not in words,
    "aws provider": lambda words: "sandbox.aws" in words,
    "kubernetes provider": lambda words: words[0].endswith(KUBERNETES_PROVIDER),
    "language host": lambda words: "sandbox.language_host" in words,
    "program": lambda words: "sandbox.language_host.run_program" in words,
}
"""Process that a command starts → whether a command line is its."""

VICTIMS: Final = ("slipway", *_CHILDREN, account.ROLE, *control_plane.ROLES)

_SETTLED_SECONDS: Final = 0.3
_GIVE_UP_SECONDS: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class KillPoint:
    """Which process ends when."""

    victim: str
    pattern: str
    """Regular expression; of lines of the engine's output."""
    count: int = 1
    """The victim ends at this occurrence of the pattern, or the next one at which it runs."""
    loses_answers: bool = False
    """Whether the victim, the engine, is stopped first, until the providers have done what they were asked."""


@dataclass(frozen=True, kw_only=True)
class Killed:
    """A command whose process was killed."""

    line: str
    """The line of output at which it was; empty when the point was never reached."""
    code: int
    output: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a sandbox is found to be after the command that followed a kill. All empty: it converged."""

    failed: str = ""
    """The end of the output of a command that failed."""
    changes: dict[str, str] = field(default_factory=dict)
    """What a preview with refresh would still do."""
    strays: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    survivors: list[str] = field(default_factory=list)
    """Processes of the killed command that still live."""

    def __str__(self) -> str:
        parts = {
            "failed": self.failed,
            "changes": self.changes,
            "strays": self.strays,
            "missing": self.missing,
            "survivors": self.survivors,
        }
        return "; ".join(f"{name}: {value}" for name, value in parts.items() if value) or "converged"


def run_and_kill(clone: Clone, point: KillPoint, *command: str) -> Killed:
    """Runs a command of `slipway` and kills one process at the point; returns when the command has ended."""
    process = clone.start_slipway(*command)
    assert process.stdout is not None
    lines: list[str] = []
    at, seen = "", 0
    for line in process.stdout:
        lines.append(line)
        if at or not re.search(point.pattern, line):
            continue
        seen += 1
        if seen >= point.count and _kill(clone, process, point):
            at = " ".join(line.split())
            if point.victim == "slipway":
                break
    if point.victim == "slipway" and at:
        # Its engine goes on with this pipe as its output: somebody has to read it, as a terminal would.
        threading.Thread(target=_drain, args=(process.stdout,), daemon=True).start()
    else:
        process.stdout.close()
    code = process.wait(timeout=_GIVE_UP_SECONDS)
    return Killed(line=at, code=code, output="".join(lines))


def _drain(output: IO[str]) -> None:
    with output:
        output.read()


def check(clone: Clone, ran: Ran) -> Found:
    """Whether the sandbox is what its program says, and nothing besides."""
    survivors = list(_survivors(clone))
    if ran.code != 0:
        return Found(failed=ran.output[-2000:], survivors=survivors)
    deployment, holdings = clone.state(), Holdings(clone.sandbox)
    resources = deployment["resources"]
    pending = [f"pending {op['resource']['urn']}" for op in deployment.get("pending_operations") or ()]
    return Found(
        changes=clone.steps("--refresh"),
        strays=sorted({*map(str, holdings.strays(resources)), *pending, *_unmanaged(clone, resources)}),
        missing=[*holdings.missing(resources), *_unready(clone)],
        survivors=survivors,
    )


def delete_by_hand(clone: Clone) -> list[str]:
    """Do what docs/operations.md asks of a person: delete what the APIs hold and no state knows; return what it was."""
    if account.ROLE not in processes.running(clone.sandbox.paths):
        return []
    resources = Engine(clone.sandbox).resources()
    holdings = Holdings(clone.sandbox)
    strays = [str(stray) for stray in holdings.strays(resources)]
    left = holdings.remove_lost(resources, lambda _: None)
    assert not left, f"cannot be deleted by hand: {left}"
    return strays


def check_gone(clone: Clone, ran: Ran) -> Found:
    """Whether `down` left nothing: it asks the APIs itself; processes, ports and files are looked at here."""
    if ran.code != 0:
        return Found(failed=ran.output[-2000:])
    left = sorted(processes.running(clone.sandbox.paths)) + list(_survivors(clone))
    files = {path.name for path in clone.sandbox.paths.root.iterdir()} - {"logs", "lock"}
    return Found(survivors=left, strays=sorted(files))


def take_down(clone: Clone) -> None:
    """`slipway sandbox down` of a sandbox that runs; fails where anything of it is left."""
    ports = clone.sandbox.endpoints()
    ran = clone.slipway("sandbox", "down")
    assert str(check_gone(clone, ran)) == "converged"
    assert "nothing is left in S3, IAM, KMS, EC2, EKS and the cluster" in ran.output
    assert _processes_of(clone) == []
    assert endpoints.taken(ports) == []
    assert clone.shell("git status --porcelain").ok() == ""


def _kill(clone: Clone, command: subprocess.Popen[str], point: KillPoint) -> bool:
    victim = _find(clone, command, point.victim)
    if victim is None:
        return False
    with suppress(psutil.NoSuchProcess):
        if point.loses_answers:
            victim.send_signal(signal.SIGSTOP)
            _wait_until_settled(lambda: _everything(clone))
        victim.kill()
    return True


def _find(clone: Clone, command: subprocess.Popen[str], victim: str) -> psutil.Process | None:
    with suppress(psutil.NoSuchProcess):
        if victim == "slipway":
            return psutil.Process(command.pid)
        if victim not in _CHILDREN:
            found = processes.running(clone.sandbox.paths).get(victim)
            return psutil.Process(found.pid) if found else None
        for child in psutil.Process(command.pid).children(recursive=True):
            with suppress(psutil.Error):
                words = child.cmdline()
                if words and _CHILDREN[victim](words):
                    return child
    return None


def _wait_until_settled(look: Callable[[], object]) -> None:
    """Waits until two looks in a row see the same."""
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    before = look()
    while time.monotonic() < deadline:
        time.sleep(_SETTLED_SECONDS)
        now = look()
        if now == before:
            return
        before = now


def _everything(clone: Clone) -> list[str]:
    return [str(stray) for stray in Holdings(clone.sandbox).strays([])]


def _survivors(clone: Clone) -> Iterator[str]:
    """Engines, plugins and programs of the clone that live."""
    root = str(clone.sandbox.paths.root)
    background = {process.pid for process in processes.running(clone.sandbox.paths).values()}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid in background or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get("SLIPWAY_SANDBOX") == root:
                yield f"{process.pid} {' '.join(process.cmdline())[:120]}"


def _processes_of(clone: Clone) -> list[str]:
    """Every live process that carries the clone's sandbox in its environment: parts, engine, plugins, programs."""
    root = str(clone.sandbox.paths.root)
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environment = process.environ()
            if root in (environment.get("SLIPWAY_SANDBOX"), environment.get("SLIPWAY_SANDBOX_PROCESS")):
                found.append(" ".join(process.cmdline()))
    return found


def _unmanaged(clone: Clone, resources: list[dict[str, Any]]) -> Iterator[str]:
    """Pods, sets and configuration in the stack's namespaces that belong to nothing in the state."""
    inspection = Inspection(clone.sandbox)
    namespaces = [r["id"] for r in resources if r["type"] == "kubernetes:core/v1:Namespace" and r.get("id")]
    for namespace in namespaces:
        for path in (
            "api/v1/%s/pods",
            "apis/apps/v1/%s/replicasets",
            "api/v1/%s/configmaps",
            "api/v1/%s/secrets",
        ):
            for item in inspection.request("GET", f"/{path % f'namespaces/{namespace}'}")["items"]:
                metadata = item["metadata"]
                managers = [entry["manager"] for entry in metadata.get("managedFields", [])]
                # A resource's own manager has a suffix; what Helm makes has the provider's name.
                managed = any(manager.startswith("pulumi-") for manager in managers)
                if (
                    not managed
                    and "ownerReferences" not in metadata
                    and metadata["name"] != "kube-root-ca.crt"
                ):
                    yield f"{path} {metadata['name']}"


def _unready(clone: Clone) -> Iterator[str]:
    inspection = Inspection(clone.sandbox)
    for item in inspection.request("GET", "/apis/apps/v1/deployments")["items"]:
        wanted, ready = item["spec"]["replicas"], item["status"].get("readyReplicas", 0)
        if wanted != ready:
            yield f"deployment {item['metadata']['name']} has {ready} of {wanted} pods"
    for item in inspection.request("GET", "/api/v1/nodes")["items"]:
        conditions = {c["type"]: c["status"] for c in item["status"].get("conditions", [])}
        if conditions.get("Ready") != "True":
            yield f"node {item['metadata']['name']} is not ready"


def wipe(clone: Clone) -> None:
    """Ends the sandbox as it is and forgets it."""
    ports = endpoints.load(clone.sandbox.paths.endpoints)
    clone.sandbox.stop()
    clone.sandbox.remove()
    assert ports is None or endpoints.taken(ports) == []
