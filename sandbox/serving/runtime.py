"""The real TorchServe on this machine: `python -m sandbox.serving.runtime` installs it and says where.

Three parts: Java 17, a system Python with torch (Debian's python3-torch: PyPI's brings gigabytes of CUDA) and
TorchServe in a virtual environment on top, kept in the cache under the versions of all of them. :func:`find` installs
nothing of the system's; :func:`ensure` does, as root on Debian or Ubuntu.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.toolchain.build import Report
from sandbox.toolchain.find import cache_root

REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")
SYSTEM_PYTHON: Final = "/usr/bin/python3"
JAVA_AT_LEAST: Final = 17

JAVA: Final = f"Java {JAVA_AT_LEAST} or newer"
TORCH: Final = f"torch for {SYSTEM_PYTHON}"
VENV: Final = f"venv for {SYSTEM_PYTHON}"
DEBIAN_PACKAGES: Final[Mapping[str, str]] = {
    JAVA: "openjdk-17-jre-headless",
    TORCH: "python3-torch",
    VENV: "python3-venv",
}
"""A need of the system → the Debian package that brings it."""

# Not `import torch`: 1.5 s, each time that somebody looks.
_VERSIONS: Final = """
import importlib.util, os, runpy, sys
spec = importlib.util.find_spec("torch")
if spec is None or spec.origin is None:
    sys.exit(1)
version = runpy.run_path(os.path.join(os.path.dirname(spec.origin), "version.py"))["__version__"]
print(sys.version.split()[0], version)
"""
_WORKS: Final = "import torch, ts"
_INSTALLING: Final = 1200


class RuntimeUnavailable(Exception):  # noqa: N818 - what a person has to do, not a mistake of ours
    """TorchServe cannot be had on this machine; the message says what to do."""


@dataclass(frozen=True)
class TorchServeRuntime:
    """The places of the parts."""

    java: Path
    python: Path
    site_packages: Path

    @property
    def programs(self) -> Path:
        """The folder of `torchserve` and `python3`."""
        return self.python.parent


@dataclass(frozen=True, kw_only=True)
class Examined:
    """The parts of the runtime that are there; empty or None for the others."""

    java: str
    """The path of a Java that is new enough."""
    torch: str
    """Versions of the system's Python and its torch."""
    has_venv: bool
    environment: Path | None
    """The virtual environment with TorchServe; None until it is made."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The parts of the system that are missing, in the words of DEBIAN_PACKAGES."""
        there = {JAVA: bool(self.java), TORCH: bool(self.torch), VENV: self.has_venv}
        return tuple(need for need, found in there.items() if not found)


def examine() -> Examined:
    """Look at the machine, and change nothing."""
    torch = _python_with_torch()
    environment = _environment(torch) if torch else None
    made = environment if environment and _mark(environment).exists() else None
    return Examined(java=_java(), torch=torch, has_venv=bool(made) or _has_venv(), environment=made)


def install_command(missing: tuple[str, ...]) -> str:
    """Return the command by which a person installs it."""
    packages = " ".join(DEBIAN_PACKAGES[need] for need in missing)
    return f"apt-get install --no-install-recommends {packages}"


def find(report: Report) -> TorchServeRuntime:
    """The runtime, from what the system has. TorchServe itself is installed into the cache, once.

    Raises:
        RuntimeUnavailable: something of the system is missing, or the packages cannot be had.
    """
    found = examine()
    if found.missing:
        raise RuntimeUnavailable(
            f"{' and '.join(found.missing)} {'is' if len(found.missing) == 1 else 'are'} not on this machine; "
            f"on Debian and Ubuntu: {install_command(found.missing)}"
        )
    home = found.environment or _environment(found.torch)
    if found.environment is None:
        report("installing TorchServe into the cache, once (under a minute)")
        _install_torchserve(home)
    (site_packages,) = home.glob("lib/python3*/site-packages")
    return TorchServeRuntime(java=Path(found.java), python=home / "bin/python3", site_packages=site_packages)


def ensure(report: Report) -> TorchServeRuntime:
    """The runtime; as root on Debian or Ubuntu the system's packages are installed if need be.

    Raises:
        RuntimeUnavailable: it cannot be had.
    """
    if missing := examine().missing:
        _install_debian_packages(missing, report)
    return find(report)


def can_install() -> bool:
    """True if :func:`ensure` may install the system's packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _java() -> str:
    home, path = os.environ.get("JAVA_HOME"), os.environ.get("PATH", "")
    found = shutil.which("java", path=f"{home}/bin:{path}" if home else path)
    if found is None:
        return ""
    answer = _asked([found, "-version"])
    version = re.search(r'version "(\d+)', answer.stderr)
    return found if version and int(version[1]) >= JAVA_AT_LEAST else ""


def _python_with_torch() -> str:
    answer = _asked([SYSTEM_PYTHON, "-c", _VERSIONS])
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _has_venv() -> bool:
    return _asked([SYSTEM_PYTHON, "-c", "import ensurepip, venv"]).returncode == 0


def _install_debian_packages(missing: tuple[str, ...], report: Report) -> None:
    command = install_command(missing)
    if shutil.which("apt-get") is None:
        raise RuntimeUnavailable(
            f"there is no {' and no '.join(missing)}, and packages are installed on Debian and Ubuntu only"
        )
    if os.geteuid() != 0:
        raise RuntimeUnavailable(f"there is no {' and no '.join(missing)}; as root, run: {command}")
    report(command)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "-q"], "apt-get update", environment)
    _run(command.replace("install", "install -y -q", 1).split(), command, environment)


def _environment(torch: str) -> Path:
    hashed = hashlib.sha256(f"{torch} {REQUIREMENTS.read_text()}".encode()).hexdigest()
    return cache_root() / f"torchserve-0.12.0-python-{torch.replace(' ', '-torch-')}-{hashed[:12]}"


def _mark(environment: Path) -> Path:
    return environment / ".installed"


def _install_torchserve(home: Path) -> None:
    """Install once; a second caller waits. A half-made environment has no mark and is made anew."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_name(f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _mark(home).exists():
            return
        shutil.rmtree(home, ignore_errors=True)
        _run([SYSTEM_PYTHON, "-m", "venv", "--system-site-packages", str(home)], "python -m venv")
        pip = [str(home / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # --ignore-installed: the pinned version, whatever the system's Python has. --no-deps: the list is whole, less
        # what tokenizers would need for downloads from the Hub.
        _run(
            [*pip, "--ignore-installed", "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS)],
            "pip install torchserve",
        )
        _run([str(home / "bin/python"), "-c", _WORKS], _WORKS)
        _mark(home).touch()


def _asked(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Return the command's result; exit code 127 where the program is missing."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_INSTALLING)
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def _run(command: list[str], what: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=_INSTALLING
    )
    if done.returncode != 0:
        raise RuntimeUnavailable(f"{what} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{ensure(_say)}\n")
    except RuntimeUnavailable as error:
        sys.exit(f"torchserve: {error}")
