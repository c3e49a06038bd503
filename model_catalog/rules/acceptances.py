"""Which warnings an entry may accept."""

import difflib
from collections.abc import Iterable, Iterator

from model_catalog.problem import Problem
from model_catalog.rules.rule import Context, Rule


def acceptance_rule(others: Iterable[Rule]) -> Rule:
    """The rule about `accepts`, which has to know all other rules."""
    acceptable = {rule.id: rule.acceptable for rule in others}

    def check(context: Context) -> Iterator[Problem]:
        for entry in context.catalog.entries:
            for index, acceptance in enumerate(entry.accepts):
                if acceptable.get(acceptance.rule):
                    continue
                yield context.in_entry(
                    entry,
                    ("accepts", index, "rule"),
                    rule="acceptance-possible",
                    message=(
                        f"{acceptance.rule} is an error, and nobody can accept it"
                        if acceptance.rule in acceptable
                        else f"{acceptance.rule} is no rule that an entry can accept"
                    ),
                    fix=_fix(acceptance.rule, acceptable),
                )

    return Rule(
        id="acceptance-possible", demand="An entry accepts only rules that may be accepted.", check=check
    )


def _fix(name: str, acceptable: dict[str, bool]) -> str:
    possible = sorted(rule for rule, may in acceptable.items() if may)
    near = [] if name in acceptable else difflib.get_close_matches(name, possible, n=1)
    return f"Did you mean {near[0]}?" if near else f"Mend what it reports. It may be: {', '.join(possible)}"
