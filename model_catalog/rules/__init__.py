"""Rules that look across files. Each has an id that every report names; docs/rules.md has a page for each."""

from typing import Final

from model_catalog.rules import files, names, releases
from model_catalog.rules.rule import Context, Rule, Verdict, judge

RULES: Final[tuple[Rule, ...]] = tuple(
    sorted((*files.RULES, *names.RULES, *releases.RULES), key=lambda rule: rule.id)
)
"""All of them, sorted by id."""

__all__ = ["Context", "RULES", "Rule", "Verdict", "judge"]
