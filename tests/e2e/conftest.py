"""The real TorchServe, installed once. Where it cannot be had every test of the tier fails, and says why."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.serving.runtime import RuntimeUnavailable, TorchServeRuntime, ensure


@pytest.fixture(scope="session")
def runtime() -> TorchServeRuntime:
    try:
        return ensure(print)
    except RuntimeUnavailable as error:
        pytest.fail(f"the real TorchServe cannot be had: {error}", pytrace=False)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A volume of one mebibyte."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-e2e-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.fail(f"a full disk needs a mount, as root: {mounted.stderr.decode()}", pytrace=False)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()
