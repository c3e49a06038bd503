"""axe-core, the accessibility checker, from the npm registry by name, version and digest; kept in the user's cache."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from sandbox.toolchain.find import cache_root
from tests.browser.chromium import BrowserError

VERSION: Final = "4.14.1"
DIGEST: Final = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
"""sha512 of the package, base64, as the registry publishes it (`npm view axe-core@4.14.1 dist.integrity`)."""

_FILE: Final = f"axe-core-{VERSION}.tgz"


def axe_script() -> str:
    """The script that defines `axe`. Raises BrowserError where the package cannot be had, or is another one."""
    kept = cache_root() / "npm" / _FILE
    if not kept.exists():
        _fetch(kept)
    package = kept.read_bytes()
    if base64.b64encode(hashlib.sha512(package).digest()).decode() != DIGEST:
        kept.unlink()
        raise BrowserError(f"axe-core {VERSION} is not what its digest says; it was removed from the cache")
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        script = archive.extractfile("package/axe.min.js")
        if script is None:
            raise BrowserError(f"axe-core {VERSION} holds no axe.min.js")
        return script.read().decode()


def _fetch(kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise BrowserError("axe-core comes by npm, which is not on PATH; on Debian: apt-get install npm")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        ran = subprocess.run(  # noqa: S603 - the version is a constant above
            [npm, "pack", f"axe-core@{VERSION}", "--silent"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise BrowserError(f"npm pack axe-core@{VERSION} failed: {ran.stderr.strip()[-1000:]}")
        os.replace(Path(folder) / _FILE, kept)  # noqa: PTH105 - whole or not at all
