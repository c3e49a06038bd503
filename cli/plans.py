"""The plan of an environment, from a catalog and the environment's stack file."""

from cli.console import CLONE
from infra.settings import load_settings
from infra.stack_files import read_stack_config
from model_catalog import Catalog, Environment
from planning import Plan, make_plan


def plan_of(catalog: Catalog, environment: Environment) -> Plan:
    """Raises SettingsError for a wrong stack file and PlanningError where there is no plan."""
    settings = load_settings(environment.value, read_stack_config(environment.value, CLONE))
    return make_plan(catalog, settings.environment, settings.pools)
