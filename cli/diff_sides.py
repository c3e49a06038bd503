"""Both sides of `slipway diff`: what they hold, and the plan of each environment.

Planning is what takes the time, so an environment for which both sides say the same is planned once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from cli.git import Repository
from infra.lock_files import FOLDER, read_lock
from infra.namespace import NAMESPACE
from infra.settings import Settings, SettingsError, load_settings
from infra.stack_files import read_stack_config
from model_catalog import CatalogError, Checked, Environment, Release, RunningVersion, check_catalog
from model_catalog.loader import check_texts
from planning import PlanningError, make_plan
from planning.capacity.placement import Lock
from planning.changes import PlanChanges, PlanSide, compare_plans

_CATALOG: Final = "model_catalog"
_PROJECT: Final = "Pulumi.yaml"


@dataclass(frozen=True, kw_only=True)
class Unplanned:
    """Why an environment has no plan."""

    reason: str
    refused: bool
    """Whether somebody has to mend a stack file or what is released; catalog errors are reported for themselves."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """All that an environment's plan is made of: equal inputs, equal plans."""

    settings: Settings
    lock: Lock
    running: tuple[RunningVersion, ...]
    release: Release | None


@dataclass(frozen=True, kw_only=True)
class State:
    """One side, as far as it could be read."""

    name: str
    """BASE or HEAD."""
    checked: Checked
    inputs: Mapping[Environment, Inputs | Unplanned]

    def plan(self, environment: Environment) -> PlanSide | Unplanned:
        """What `up` would do."""
        given = self.inputs[environment]
        if isinstance(given, Unplanned):
            return given
        try:
            plan = make_plan(
                self.checked.catalog, given.settings.environment, given.settings.pools, given.lock
            )
        except PlanningError as error:
            return Unplanned(reason=f"{self.name}: {_one_line(error)}", refused=True)
        return PlanSide.of(plan, given.settings.region)


def at_commit(repository: Repository, commit: str, name: str, environments: Iterable[Environment]) -> State:
    """A commit, whatever the working tree holds."""
    stacks = {_PROJECT, *(f"Pulumi.{environment}.yaml" for environment in Environment)}
    prefix = f"{_CATALOG}/"
    locks = f"{prefix}{FOLDER}/"
    files = repository.files(commit, (f"{prefix}entries", f"{prefix}releases", locks, *sorted(stacks)))
    texts = {
        path.removeprefix(prefix): text
        for path, text in files.items()
        if path.startswith(prefix) and not path.startswith(locks)
    }
    around = {path: text for path, text in files.items() if path in stacks or path.startswith(locks)}
    with _written(around) as folder:
        return _state(check_texts(texts, name=_CATALOG), folder, name, environments)


def of_the_working_tree(clone: Path, name: str, environments: Iterable[Environment]) -> State:
    """The files as they are, untracked ones included."""
    return _state(check_catalog(clone / _CATALOG), clone, name, environments)


def plan_changes(environment: Environment, before: State, after: State) -> PlanChanges:
    """What becomes of what the environment runs."""
    if not any(side.checked.catalog.running(environment) for side in (before, after)):
        return PlanChanges(environment=environment)
    new = after.plan(environment)
    if isinstance(new, Unplanned):
        return PlanChanges(environment=environment, unplanned=new.reason, refused=new.refused)
    same = before.inputs[environment] == after.inputs[environment]
    old = new if same else before.plan(environment)
    if isinstance(old, Unplanned):
        return PlanChanges(environment=environment, unplanned=old.reason)
    return compare_plans(old, new, NAMESPACE)


@contextmanager
def _written(files: Mapping[str, bytes]) -> Iterator[Path]:
    """The files in a folder that is gone afterwards: stack files and locks are read from a disk."""
    with tempfile.TemporaryDirectory(prefix="slipway-diff-") as name:
        for path, content in files.items():
            target = Path(name) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        yield Path(name)


def _state(checked: Checked, root: Path, name: str, environments: Iterable[Environment]) -> State:
    return State(
        name=name, checked=checked, inputs={one: _inputs(checked, one, root, name) for one in environments}
    )


def _inputs(checked: Checked, environment: Environment, root: Path, side: str) -> Inputs | Unplanned:
    if checked.errors:
        return Unplanned(reason=f"the catalog of {side} has errors", refused=False)
    try:
        settings = load_settings(environment.value, read_stack_config(environment.value, root))
        lock = read_lock(root / _CATALOG, environment)
    except FileNotFoundError as error:
        return Unplanned(reason=f"{side} has no {Path(error.filename).name}", refused=False)
    except yaml.YAMLError as error:
        return Unplanned(reason=f"a stack file of {side} is not YAML: {_one_line(error)}", refused=True)
    except (CatalogError, SettingsError) as error:
        return Unplanned(reason=f"{side}: {_one_line(error)}", refused=True)
    return Inputs(
        settings=settings,
        lock=lock,
        running=checked.catalog.running(settings.environment),
        release=checked.catalog.releases.get(settings.environment),
    )


def _one_line(error: Exception) -> str:
    """A message of several lines is a list of findings."""
    return "; ".join(str(error).splitlines())
