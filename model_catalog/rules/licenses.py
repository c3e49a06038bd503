"""What licences allow where the models earn money."""

from collections.abc import Iterator

from model_catalog.licenses import license_facts, license_suggestions
from model_catalog.problem import Problem, Severity
from model_catalog.rules.rule import Context, Rule


def _license_known(context: Context) -> Iterator[Problem]:
    for one in context.versions:
        license_id = one.version.license
        if license_facts(license_id) is None:
            meant = license_suggestions(license_id)
            typed = f"Write {' or '.join(meant)} if you meant that; else read it" if meant else "Read it"
            yield context.in_entry(
                one.entry,
                (*one.location, "license"),
                rule="license-known",
                message=f"what the licence {license_id} allows is not in the table",
                fix=f"{typed} and add its row to model_catalog/licenses.py, or call terms of your own LicenseRef-…",
            )


def _license_allows(context: Context) -> Iterator[Problem]:
    for environment, versions in context.running.items():
        if not environment.is_commercial:
            continue
        for running in versions:
            facts = license_facts(running.version.license)
            if facts is not None and facts.commercial_use == "no":
                yield context.in_release(
                    environment,
                    (str(running.selector.variant),),
                    rule="license-allows",
                    message=(
                        f"{running.selector} runs in {environment}, and its licence {facts.id} ({facts.name}) allows "
                        "no commercial use"
                    ),
                    fix="Take it out, or get another licence and name it in the version",
                    key=True,
                )


def _license_conditions(context: Context) -> Iterator[Problem]:
    for environment, versions in context.running.items():
        if not environment.is_commercial:
            continue
        for running in versions:
            facts = license_facts(running.version.license)
            if facts is not None and facts.commercial_use == "conditions":
                yield context.in_entry(
                    running.entry,
                    ("languages", running.language, "versions", running.version_id, "license"),
                    rule="license-conditions",
                    message=f"{facts.id} allows commercial use on conditions: {facts.conditions}",
                    fix="Meet them, and list this rule under accepts, with a reason and a last day",
                )


RULES = (
    Rule(
        id="license-allows",
        demand="What runs in prod has a licence that allows commercial use.",
        check=_license_allows,
    ),
    Rule(
        id="license-conditions",
        demand="Somebody has read the conditions under which the licence of what runs in prod allows commercial use.",
        check=_license_conditions,
        severity=Severity.WARNING,
        acceptable=True,
    ),
    Rule(
        id="license-known",
        demand="It is known what a version's licence allows.",
        check=_license_known,
        severity=Severity.WARNING,
        acceptable=True,
    ),
)
