"""Versions beside the default: the canary that may become it, and the one to go back to."""

from collections.abc import Iterator
from decimal import Decimal

from model_catalog.problem import Problem
from model_catalog.rules.rule import Context, Rule
from quantities import Percent


def _canary_weights(context: Context) -> Iterator[Problem]:
    for environment, release in context.catalog.releases.items():
        for variant, released in release.root.items():
            place = (str(variant), "canary")
            for version, weight in released.canary.items():
                if version == released.default:
                    yield context.in_release(
                        environment,
                        (*place, version),
                        rule="canary-weights",
                        message=f"{variant}@{version} is the default and a canary",
                        fix="Take it out of canary: the default answers what canaries leave",
                        key=True,
                    )
                if weight == 0:
                    yield context.in_release(
                        environment,
                        (*place, version),
                        rule="canary-weights",
                        message=f"the canary {variant}@{version} gets 0% of the requests",
                        fix="Give it a share as in 5%, or move it to versions, where callers may ask for it by name",
                    )
            total = sum(released.canary.values(), Decimal(0))
            if total >= 100:
                yield context.in_release(
                    environment,
                    place,
                    rule="canary-weights",
                    message=(
                        f"the canaries of {variant} get {Percent(total)!s} of the requests and leave none to its "
                        f"default {released.default}"
                    ),
                    fix="Lower them to less than 100% together, or make one of them the default",
                    key=True,
                )


def _rollback_kept(context: Context) -> Iterator[Problem]:
    for environment, release in context.catalog.releases.items():
        for variant, released in release.root.items():
            version = released.rollback
            if version is None:
                continue
            if version == released.default:
                message = f"the default {variant}@{version} is also the version to go back to"
                fix = "Name the version that answered before it, or leave rollback out"
            elif version in released.retire_versions:
                after = released.retire_versions[version].after
                message = f"{variant}@{version} is the version to go back to, and is retired after {after}"
                fix = "Name another version, or take it out of retire_versions"
            else:
                continue
            yield context.in_release(
                environment, (str(variant), "rollback"), rule="rollback-kept", message=message, fix=fix
            )


RULES = (
    Rule(
        id="canary-weights",
        demand="Each canary is another version than the default and has a share; together they leave it some.",
        check=_canary_weights,
    ),
    Rule(
        id="rollback-kept",
        demand="The version to go back to is another than the default, and stays.",
        check=_rollback_kept,
    ),
)
