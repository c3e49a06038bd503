"""Two states of the catalog, BASE and HEAD: what differs, and what a change may not do to what is released."""

from model_catalog.changes.answers import FACTS, answer_changes
from model_catalog.changes.compare import (
    CatalogChanges,
    Change,
    Changed,
    EnvironmentChanges,
    ReleaseChange,
    compare,
)
from model_catalog.changes.rules import CHANGE_RULES, ChangeRule, broken_rules
from model_catalog.changes.settings import SettingChange, differences

__all__ = [
    "CHANGE_RULES",
    "CatalogChanges",
    "Change",
    "ChangeRule",
    "Changed",
    "EnvironmentChanges",
    "FACTS",
    "ReleaseChange",
    "SettingChange",
    "answer_changes",
    "broken_rules",
    "compare",
    "differences",
]
