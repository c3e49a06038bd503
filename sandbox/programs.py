"""The executables that the sandbox puts first on PATH: programs of others, and launchers of its own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sandbox.paths import SandboxPaths

LANGUAGE_HOST: Final = "pulumi-language-python"

_MODULES: Final = {
    LANGUAGE_HOST: "sandbox.language_host",
    "pulumi-resource-aws": "sandbox.aws",
    "aws": "sandbox.aws_cli",
}


def install(paths: SandboxPaths, programs: Mapping[str, Path]) -> None:
    """Write a link to each program, and a launcher of what no program is found for."""
    paths.programs.mkdir(parents=True, exist_ok=True)
    for name, module in _MODULES.items():
        if name not in programs:
            _write(paths.programs / name, _launcher(module))
    for name, path in programs.items():
        # A program found through our own link must not become a link to itself.
        if path.parent != paths.programs:
            link = paths.programs / f".{name}.new"
            link.unlink(missing_ok=True)
            link.symlink_to(path)
            link.replace(paths.programs / name)


def _launcher(module: str) -> str:
    return (
        "#!/bin/sh\n"
        "# Written by `slipway sandbox start`.\n"
        f'exec {shlex.quote(sys.executable)} -m {module} "$@"\n'
    )


def _write(path: Path, text: str) -> None:
    if path.exists() and not path.is_symlink() and path.read_text() == text:
        return
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(text)
    scratch.chmod(0o755)
    scratch.replace(path)
