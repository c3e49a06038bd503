"""`slipway promote`, `rollback` and `retire`: releases changed by a command instead of an editor.

`import_app` and `export_app` are named here too: the commands that edit are one set.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from cli.clock import today
from cli.edits import Edits, Yes, parse_variant
from cli.export_commands import export_app
from cli.import_commands import import_app
from cli.selectors import complete_selector
from model_catalog import (
    Catalog,
    Environment,
    Release,
    Retirement,
    Selector,
    VariantRelease,
    without_effect,
)
from model_catalog.editing import (
    ChangeError,
    as_canary,
    as_default,
    retiring,
    rolled_back,
    without_version,
)
from quantities import Percent

__all__ = ["export_app", "import_app", "promote", "retire", "rollback"]

_WEIGHT: Final = re.compile(r"(\d{1,2}(?:\.\d{1,6})?)%?")


def _weight(text: str) -> Percent:
    match = _WEIGHT.fullmatch(text)
    if match is None or not Percent(match[1]):
        raise typer.BadParameter(f"{text!r} is no share; write a number above 0 and below 100, as in 10")
    return Percent(match[1])


def promote(
    selector: Annotated[
        str,
        typer.Argument(
            help="Task/Model/lang@version; without a version, the default of the environment it comes from.",
            autocompletion=complete_selector,
        ),
    ],
    source: Annotated[Environment, typer.Option("--from", help="Where the version runs.")],
    target: Annotated[Environment, typer.Option("--to", help="Where it shall run.")],
    canary: Annotated[
        Percent | None,
        typer.Option(
            "--canary",
            metavar="PERCENT",
            parser=_weight,
            help="Declare it a canary for so many of 100 requests, beside the default.",
        ),
    ] = None,
    yes: Yes = False,
) -> None:
    """Make a version that runs in one environment the default of another, or a canary there.

    The default before it stays running and becomes what `slipway rollback` goes back to. A variant under a hold stays
    as it is until the hold's day has passed.
    """
    edits = Edits()
    wanted = parse_variant(selector, edits.catalog)
    variant = wanted.variant
    with edits.locating(f"releases/{source}.yaml", variant):
        version = _running_version(edits.release(source, variant), wanted, source)

    def change(released: VariantRelease | None) -> VariantRelease:
        if canary is None:
            return as_default(released, version)
        return as_canary(released, version, canary)

    edits.change_release(target, variant, change)
    released = edits.release(target, variant)
    remarks = (
        *_promotion(variant, version, target, released),
        *_without_effect(edits, variant, target, released),
    )
    edits.settle(yes=yes, remarks=remarks)


def _running_version(released: VariantRelease | None, wanted: Selector, source: Environment) -> str:
    if released is None:
        raise ChangeError(
            (),
            rule="promoted-runs",
            message=f"{source} does not run {wanted.variant}",
            fix="Name the environment where it runs with --from",
        )
    version = wanted.version or released.default
    if version not in released.running:
        raise ChangeError(
            (),
            rule="promoted-runs",
            message=f"{wanted} does not run in {source}",
            fix=f"Release it there first; it runs {', '.join(released.running)}",
        )
    return version


def _promotion(
    variant: Selector, version: str, target: Environment, released: VariantRelease | None
) -> tuple[str, ...]:
    if released is None:
        return ()
    if version in released.canary:
        share = released.canary[version]
        return (f"{variant}@{version}: declared a canary of {share} in {target}, beside {released.default}",)
    back = f"; `slipway rollback` goes back to {released.rollback}" if released.rollback else ""
    return (f"{variant}@{version}: the default of {target}{back}",)


def _without_effect(
    edits: Edits, variant: Selector, target: Environment, released: VariantRelease | None
) -> tuple[str, ...]:
    """Say what the variant then declares in the environment and nothing acts on yet."""
    entry = edits.catalog.entry(variant)
    if entry is None or released is None:
        return ()
    alone = Catalog(entries=(entry,), releases={target: Release({variant: released})})
    return tuple(map(str, without_effect(alone, target)))


def rollback(
    selector: Annotated[str, typer.Argument(help="Task/Model/lang.", autocompletion=complete_selector)],
    env: Annotated[Environment, typer.Option("--env", help="Where.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="Left out: the release's rollback target.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Make the version before it the default again.

    The version that is left keeps running, so that nothing restarts meanwhile; `slipway retire --now` takes it out.
    The way back is written once: rolling back twice never returns to the version that was left.
    """
    edits = Edits()
    variant = parse_variant(selector, edits.catalog)
    if variant.version is not None:
        raise typer.BadParameter(f"write {variant.variant}; the version to go back to is named with --to")
    if to is not None:
        parse_variant(f"{variant}@{to}", edits.catalog)
    before = edits.release(env, variant)

    def change(released: VariantRelease | None) -> VariantRelease:
        return rolled_back(_released(released, variant, env), to)

    edits.change_release(env, variant, change)
    edits.settle(yes=yes, remarks=_way_back(variant, before, edits.release(env, variant)))


def _released(released: VariantRelease | None, variant: Selector, environment: Environment) -> VariantRelease:
    if released is None:
        raise ChangeError(
            (),
            rule="released-here",
            message=f"{environment} does not run {variant}",
            fix="Name the environment that runs it with --env",
        )
    return released


def _way_back(
    variant: Selector, before: VariantRelease | None, after: VariantRelease | None
) -> tuple[str, ...]:
    if before is None or after is None or before == after:
        return ()
    remark = f"{variant}@{after.default}: the default again; {before.default} keeps running"
    loads = "" if after.default in before.running else "; it did not run here and has to load first"
    return (f"{remark}{loads}",)


def retire(
    selector: Annotated[
        str,
        typer.Argument(
            help="Task/Model/lang@version, or Task/Model/lang for all of it.",
            autocompletion=complete_selector,
        ),
    ],
    env: Annotated[Environment, typer.Option("--env", help="Where.")],
    after: Annotated[
        datetime | None,
        typer.Option("--after", metavar="DATE", formats=["%Y-%m-%d"], help="The last day, as in 2027-01-31."),
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for its callers.")] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="ROLE", help="The role that decides, as in sre.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Take it out of the release.")] = False,
    even_rollback_target: Annotated[
        bool, typer.Option("--even-rollback-target", help="With --now: even what rollback goes back to.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Write down the last day of a version or of a whole variant; with --now, take it out of the release.

    The date alone ends nothing: after it `slipway validate` fails until somebody runs this with --now. With --now the
    default is refused (nobody would answer: promote another version, or retire the whole variant), and so is what
    `slipway rollback` goes back to, unless --even-rollback-target says that it is meant.
    """
    edits = Edits()
    wanted = parse_variant(selector, edits.catalog)
    retirement = _retirement(after, reason, by, now=now)

    def change(released: VariantRelease | None) -> VariantRelease | None:
        running = _released(released, wanted.variant, env)
        if retirement is not None:
            return retiring(running, wanted.version, retirement)
        if wanted.version is None:
            return None
        return without_version(running, wanted.version, even_as_rollback_target=even_rollback_target)

    remarks = _promised(edits.release(env, wanted.variant), wanted) if now else ()
    edits.change_release(env, wanted.variant, change, despite_hold=retirement is not None)
    edits.settle(yes=yes, remarks=remarks)


def _retirement(
    after: datetime | None, reason: str | None, by: str | None, *, now: bool
) -> Retirement | None:
    if now:
        if after or reason or by:
            raise typer.BadParameter("--now goes without --after, --reason and --by")
        return None
    if not (after and reason and by):
        raise typer.BadParameter("give --after, --reason and --by together; or --now")
    if after.date() < today():
        raise typer.BadParameter(f"--after {after.date()} has passed; give a day to come, or --now")
    try:
        return Retirement(after=after.date(), reason=reason, by=by)
    except ValidationError as error:
        wrong = ", ".join(f"--{part['loc'][0]}: {part['msg']}" for part in error.errors())
        raise typer.BadParameter(wrong) from error


def _promised(released: VariantRelease | None, wanted: Selector) -> tuple[str, ...]:
    """Callers were told of a later day."""
    if released is None:
        return ()
    marks = (released.retire, released.retire_versions.get(wanted.version or ""))
    return tuple(
        f"its callers were promised {mark.after} ({mark.by}: {mark.reason})"
        for mark in marks
        if mark is not None and mark.after >= today()
    )
