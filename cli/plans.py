"""The plan of an environment, from a catalog and the environment's stack file."""

from pathlib import Path
from typing import Final

from cli.console import CLONE
from infra.lock_files import read_lock
from infra.settings import Settings, load_settings
from infra.stack_files import read_stack_config
from model_catalog import Catalog, Environment
from planning import Plan, make_plan

CATALOG: Final = CLONE / "model_catalog"


def settings_of(environment: Environment) -> Settings:
    """Of the stack that is named after the environment. Raises SettingsError for a wrong stack file."""
    return load_settings(environment.value, read_stack_config(environment.value, CLONE))


def plan_of(catalog: Catalog, environment: Environment, root: Path | None = None) -> Plan:
    """The plan that `up` would carry out, from the lock below the catalog's root; left out, the repository's.

    Raises SettingsError for a wrong stack file, CatalogError for a wrong lock, PlanningError where there is no plan.
    """
    settings = settings_of(environment)
    return make_plan(catalog, settings.environment, settings.pools, read_lock(root or CATALOG, environment))
