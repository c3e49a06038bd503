"""Rules that look across files. Each has an id that every report names; docs/rules.md has a section for each."""

from typing import Final

from model_catalog.rules import (
    agent,
    archives,
    canaries,
    dates,
    files,
    languages,
    licenses,
    names,
    quality,
    releases,
    serving,
    shapes,
    sizes,
    steering,
    support,
    weights,
)
from model_catalog.rules.acceptances import acceptance_rule
from model_catalog.rules.rule import Context, EntryVersion, Rule, Verdict, judge

_RULES = (
    *agent.RULES,
    *archives.RULES,
    *canaries.RULES,
    *dates.RULES,
    *files.RULES,
    *languages.RULES,
    *licenses.RULES,
    *names.RULES,
    *quality.RULES,
    *releases.RULES,
    *serving.RULES,
    *shapes.RULES,
    *sizes.RULES,
    *steering.RULES,
    *support.RULES,
    *weights.RULES,
)

RULES: Final[tuple[Rule, ...]] = tuple(sorted((*_RULES, acceptance_rule(_RULES)), key=lambda rule: rule.id))
"""All of them, sorted by id."""

__all__ = ["Context", "EntryVersion", "RULES", "Rule", "Verdict", "judge"]
