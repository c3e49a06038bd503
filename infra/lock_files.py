"""Where an environment's placement is kept: model_catalog/placement/<environment>.lock, beside what it places."""

from pathlib import Path
from typing import Final

from model_catalog import CatalogError, Environment, Problem
from planning.capacity.placement import LOCK_RULE, Lock, parse_lock

FOLDER: Final = "placement"
"""Below the catalog's root."""


def lock_name(environment: Environment) -> str:
    """The file's path below the catalog's root."""
    return f"{FOLDER}/{environment.value}.lock"


def read_lock(root: Path, environment: Environment) -> Lock:
    """What is committed, or an empty lock where nothing was placed yet. Raises CatalogError for a file that is wrong.

    `root` is the catalog's.
    """
    path = root / lock_name(environment)
    shown = f"{root.name}/{lock_name(environment)}"
    try:
        if path.is_symlink():
            raise CatalogError([_problem(shown, "is a link", "Put the file itself here")])
        return parse_lock(path.read_text(encoding="utf-8"), shown)
    except FileNotFoundError:
        return Lock()
    except UnicodeDecodeError as error:
        raise CatalogError(
            [_problem(shown, "is not UTF-8", f"Delete it and run `slipway plan --env {environment} --write`")]
        ) from error


def _problem(file: str, message: str, fix: str) -> Problem:
    return Problem(file=file, line=1, column=1, rule=LOCK_RULE, message=f"the lock {message}", fix=fix)
