"""The fixture catalog in base/, and copies of it in which some files differ."""

import shutil
from datetime import date
from pathlib import Path

BASE = Path(__file__).parent / "base"
CATALOGS = Path(__file__).parent / "catalogs"
TODAY = date(2026, 11, 22)
"""By which fixtures are judged."""


def overlaid(changes: Path, folder: Path) -> Path:
    """A catalog below `folder` that is base/ with the files of `changes` over it."""
    root = folder / "catalog"
    shutil.copytree(BASE, root)
    shutil.copytree(changes, root, dirs_exist_ok=True)
    return root
