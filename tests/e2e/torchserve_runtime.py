"""The real TorchServe for the e2e tier: `python -m tests.e2e.torchserve_runtime` installs it and says where.

Three parts: Java 17, a Python with torch (Debian's python3-torch: PyPI's brings gigabytes of CUDA) and TorchServe in a
virtual environment on top, kept in the cache under the versions of all of them. As root on Debian or Ubuntu what is
missing is installed; elsewhere the tier fails and says what to install.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")
DEBIAN_PACKAGES: Final = ("openjdk-17-jre-headless", "python3-torch", "python3-venv")
SYSTEM_PYTHON: Final = "/usr/bin/python3"
JAVA_AT_LEAST: Final = 17
_TORCH: Final = "import sys, torch; print(sys.version.split()[0], torch.__version__)"
_INSTALLING: Final = 1200


class RuntimeUnavailable(Exception):  # noqa: N818 - what a person has to do, not a mistake of ours
    """TorchServe cannot be had on this machine; the message says what to do."""


@dataclass(frozen=True)
class TorchServeRuntime:
    """Where the parts are."""

    java: Path
    python: Path
    site_packages: Path


def ensure() -> TorchServeRuntime:
    """The runtime, installed if need be. Raises RuntimeUnavailable."""
    java, torch = _java(), _python_with_torch()
    if java is None or torch is None:
        _install_debian_packages("Java" if java is None else "a Python with torch")
        java, torch = _java(), _python_with_torch()
    if java is None or torch is None:
        raise RuntimeUnavailable(f"{' and '.join(DEBIAN_PACKAGES)} are installed and do not work")
    hashed = hashlib.sha256(f"{torch} {REQUIREMENTS.read_text()}".encode()).hexdigest()
    home = _cache() / f"torchserve-0.12.0-python-{torch.replace(' ', '-torch-')}-{hashed[:12]}"
    _install_torchserve(home)
    (site_packages,) = home.glob("lib/python3*/site-packages")
    return TorchServeRuntime(java=java, python=home / "bin/python", site_packages=site_packages)


def _java() -> Path | None:
    found = shutil.which("java", path=f"{os.environ.get('JAVA_HOME', '')}/bin:{os.environ.get('PATH', '')}")
    if found is None:
        return None
    told = _run([found, "-version"], "java -version").stderr
    version = re.search(r'version "(\d+)', told)
    return Path(found) if version and int(version[1]) >= JAVA_AT_LEAST else None


def _python_with_torch() -> str | None:
    """Versions of the system's Python and its torch."""
    if not Path(SYSTEM_PYTHON).exists():
        return None
    told = subprocess.run([SYSTEM_PYTHON, "-c", _TORCH], capture_output=True, text=True, check=False)
    return told.stdout.strip() if told.returncode == 0 else None


def _install_debian_packages(missing: str) -> None:
    todo = f"apt-get install --no-install-recommends {' '.join(DEBIAN_PACKAGES)}"
    if shutil.which("apt-get") is None:
        raise RuntimeUnavailable(
            f"the e2e tier runs the real TorchServe and finds no {missing}; it installs them on Debian and "
            f"Ubuntu only. Needed: Java {JAVA_AT_LEAST} or newer on PATH, and torch for {SYSTEM_PYTHON}"
        )
    if os.geteuid() != 0:
        raise RuntimeUnavailable(
            f"the e2e tier runs the real TorchServe and finds no {missing}; as root, run: {todo}"
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "-q"], "apt-get update", environment)
    _run(todo.replace("install", "install -y -q", 1).split(), todo, environment)


def _install_torchserve(home: Path) -> None:
    """Once; whoever comes second waits. A half-made environment has no mark and is made anew."""
    home.parent.mkdir(parents=True, exist_ok=True)
    mark = home / ".installed"
    with home.with_name(f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if mark.exists():
            return
        shutil.rmtree(home, ignore_errors=True)
        _run([SYSTEM_PYTHON, "-m", "venv", "--system-site-packages", str(home)], "python -m venv")
        pip = [str(home / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # --ignore-installed: the pinned version, whatever the system's Python has
        _run(
            [*pip, "--ignore-installed", "--require-hashes", "-r", str(REQUIREMENTS)],
            "pip install torchserve",
        )
        mark.touch()


def _cache() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("SLIPWAY_CACHE_DIR") or home / "slipway")


def _run(
    command: list[str], what: str, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=_INSTALLING
    )
    if done.returncode != 0:
        raise RuntimeUnavailable(f"{what} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{ensure()}\n")
    except RuntimeUnavailable as error:
        sys.exit(f"torchserve: {error}")
