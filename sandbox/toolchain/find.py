"""Finds each program: on PATH at the pinned version or newer, in the cache, or nowhere yet."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sandbox.toolchain.plugin_version import plugin_version
from sandbox.toolchain.programs import Module, Program

_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, kw_only=True)
class FoundProgram:
    """A program that can be run."""

    path: Path
    version: str
    source: Literal["path", "cache"]


def cache_root() -> Path:
    """The user's cache of built programs: $SLIPWAY_CACHE_DIR, else $XDG_CACHE_HOME/slipway, else ~/.cache/slipway."""
    if explicit := os.environ.get("SLIPWAY_CACHE_DIR"):
        return Path(explicit)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "slipway"


def cache_folder(module: Module) -> Path:
    """The folder of a module's build."""
    return cache_root() / "toolchain" / f"{module.folder}-{module.version}-{module.key}"


def find(module: Module, program: Program) -> FoundProgram | None:
    """The program to run, preferring one on PATH that is new enough; None when it has to be built."""
    on_path = shutil.which(program.name)
    if on_path:
        version = version_of(Path(on_path), program)
        if version and _new_enough(version, program.oldest or module.version):
            return FoundProgram(path=Path(on_path), version=version, source="path")
    cached = cache_folder(module) / "bin" / program.name
    if cached.is_file():
        version = version_of(cached, program)
        if version:
            return FoundProgram(path=cached, version=version, source="cache")
    return None


def find_language_host(engine: FoundProgram | None) -> Path | None:
    """Pulumi's own host for Python programs, which no registry has: the one beside a `pulumi` on PATH, if any.

    Only that one is certain to be of the engine's version; the sandbox's own is used where there is none.
    """
    if engine is None or engine.source != "path":
        return None
    host = engine.path.resolve().with_name("pulumi-language-python")
    return host if os.access(host, os.X_OK) else None


def find_all(module: Module) -> dict[str, FoundProgram] | None:
    """Every program of a module, or None when one is missing."""
    found = {program.name: find(module, program) for program in module.programs}
    complete = {name: program for name, program in found.items() if program is not None}
    return complete if len(complete) == len(found) else None


def version_of(path: Path, program: Program) -> str | None:
    """The version that a program reports, e.g. ``3.246.0``; None when it does not run, as a half-written file."""
    if program.version_arguments is None:
        return plugin_version(path)
    try:
        ran = subprocess.run(
            [str(path), *program.version_arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(ran.stdout + ran.stderr)
    return ".".join(found.groups()) if ran.returncode == 0 and found else None


def _new_enough(version: str, pinned: str) -> bool:
    ours, theirs = (tuple(int(part) for part in v.split(".")) for v in (pinned, version))
    return theirs >= ours and theirs[0] == ours[0]
