"""What commands do to the release of one variant, as functions from a release to a release.

What runs goes on running: a version that loses its place as default or as canary stays loaded, so that the way back
costs no restart. `without_version` alone ends something.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from model_catalog.editing.places import plain
from model_catalog.editing.rewriting import with_value
from model_catalog.release import Override, Retirement, VariantRelease
from model_catalog.selector import Selector
from model_catalog.yaml_source import Location
from quantities import Percent


class ChangeError(Exception):
    """The release forbids the change. Says where within the variant's release, by which rule, and the way out."""

    def __init__(self, place: Location, *, rule: str, message: str, fix: str) -> None:
        self.place, self.rule, self.message, self.fix = place, rule, message, fix
        super().__init__(f"{message}. {fix}")


def refuse_held(released: VariantRelease | None, today: date) -> None:
    """Raises ChangeError while a hold stands."""
    hold = released.hold if released else None
    if hold is not None and today <= hold.until:
        raise ChangeError(
            ("hold",),
            rule="hold",
            message=f"{hold.by} holds it as it is until {hold.until}: {hold.reason.rstrip('.')}",
            fix=f"Ask {hold.by} to take the hold out, or wait",
        )


def as_default(released: VariantRelease | None, version: str) -> VariantRelease:
    """`version` answers by default; the default before it becomes the rollback target and stays running.

    A version that is the default already is left as it is. Raises ChangeError for one that is to be retired.
    """
    if released is None:
        return VariantRelease(default=version)
    if released.default == version:
        return released
    _refuse_retiring(released, version)
    return _changed(
        released,
        default=version,
        versions=_all_of(released, version),
        canary=_without_key(released.canary, version),
        rollback=released.default,
    )


def as_canary(released: VariantRelease | None, version: str, weight: Percent) -> VariantRelease:
    """`version` answers `weight` of the unversioned requests. Raises ChangeError where that cannot be."""
    if released is None:
        raise ChangeError(
            (),
            rule="canary-beside-default",
            message="there is no default that a canary could stand beside",
            fix="Promote it without --canary",
        )
    if version == released.default:
        raise ChangeError(
            ("default",),
            rule="canary-beside-default",
            message=f"{version} is the default already",
            fix="Promote another version as its canary",
        )
    _refuse_retiring(released, version)
    return _changed(released, canary={**released.canary, version: weight})


def running_too(released: VariantRelease | None, version: str) -> VariantRelease:
    """`version` runs; what answers by default stays, where there is a default."""
    if released is None:
        return VariantRelease(default=version)
    if version in released.running:
        return released
    return _changed(released, versions=_all_of(released, version))


def rolled_back(released: VariantRelease, to: str | None = None) -> VariantRelease:
    """The default becomes `to`, else the rollback target.

    The version that is left keeps running, so that nothing restarts while people look for the cause; it is no canary
    and no rollback target: rolling back twice never leads to it again. Raises ChangeError without a target.
    """
    target = to or released.rollback
    if target is None:
        others = [version for version in released.running if version != released.default]
        raise ChangeError(
            ("default",),
            rule="rollback-target",
            message=f"no rollback target is written beside default {released.default!r}",
            fix=f"Name one that runs with --to: {', '.join(others)}"
            if others
            else "Nothing else runs: promote",
        )
    if target == released.default:
        return released
    canary = {name: share for name, share in released.canary.items() if name != target}
    return _changed(
        released, default=target, versions=_all_of(released, target), canary=canary, rollback=None
    )


def retiring(released: VariantRelease, version: str | None, retirement: Retirement) -> VariantRelease:
    """Marks one version, or the whole variant, to be retired. Raises ChangeError for a version that does not run."""
    if version is None:
        return _changed(released, retire=retirement)
    _refuse_absent(released, version)
    return _changed(released, retire_versions={**released.retire_versions, version: retirement})


def without_version(
    released: VariantRelease, version: str, *, even_as_rollback_target: bool = False
) -> VariantRelease:
    """The version runs no more: it leaves versions, canaries, overrides and marks.

    Raises ChangeError for the default, which callers would miss at once, and for the rollback target, without
    which an incident lasts longer, unless that is stated.
    """
    if version == released.default:
        others = [name for name in released.running if name != version]
        raise ChangeError(
            ("default",),
            rule="retire-default",
            message=f"{version} answers by default; without it the variant answers nobody",
            fix=(
                f"Promote another one first ({', '.join(others)}), or retire the whole variant"
                if others
                else "Promote another one first, or retire the whole variant"
            ),
        )
    if version == released.rollback and not even_as_rollback_target:
        raise ChangeError(
            ("rollback",),
            rule="retire-rollback-target",
            message=f"{version} is what `slipway rollback` goes back to; without it there is no quick way back",
            fix="Say --even-rollback-target if that is meant",
        )
    if version not in released.running and version != released.rollback:
        return released
    left = tuple(name for name in released.versions if name != version)
    return _changed(
        released,
        versions=() if left == (released.default,) else left,
        canary=_without_key(released.canary, version),
        rollback=None if released.rollback == version else released.rollback,
        overrides=tuple(_overrides_without(released.overrides, version)),
        retire_versions=_without_key(released.retire_versions, version),
    )


def with_release(text: str, variant: Selector, released: VariantRelease | None) -> str:
    """The text of a release file in which the variant is released so, or not at all. Other variants' lines stay.

    Raises EditError where the text has a form that is not edited.
    """
    value: dict[str, Any] = plain(text) or {}
    name = str(variant)
    if released is None:
        return with_value(text, {key: part for key, part in value.items() if key != name})
    written = value.get(name)
    said = _said(written, released) if isinstance(written, dict) else _dumped(released)
    if name in value:
        return with_value(text, {**value, name: said})
    in_order = list(value) == sorted(value)
    wanted = {**value, name: said}
    return with_value(text, dict(sorted(wanted.items())) if in_order else wanted)


def _said(written: dict[str, Any], released: VariantRelease) -> dict[str, Any]:
    """What changed is said anew, what did not stays as it was written."""
    before, after = VariantRelease.model_validate(written), _dumped(released)
    said = {
        name: written[name] if getattr(before, name) == getattr(released, name) else after.get(name)
        for name in VariantRelease.model_fields
        if name in after or name in written
    }
    return {name: part for name, part in said.items() if part is not None}


def _dumped(released: VariantRelease) -> dict[str, Any]:
    return released.model_dump(mode="json", exclude_defaults=True)


def _changed(released: VariantRelease, **fields: Any) -> VariantRelease:
    """A copy that was validated, unlike pydantic's own."""
    return VariantRelease.model_validate({**dict(released), **fields})


def _all_of(released: VariantRelease, version: str) -> tuple[str, ...]:
    """All that run besides canaries, and `version`, in the order that was written."""
    running = released.versions or (released.default,)
    return running if version in running else (*running, version)


def _overrides_without(overrides: Iterable[Override], version: str) -> Iterable[Override]:
    """An override without versions would mean all of them, so one that named this version alone goes."""
    for override in overrides:
        left = tuple(name for name in override.versions if name != version)
        if left or not override.versions:
            yield override.model_copy(update={"versions": left})


def _without_key(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def _refuse_retiring(released: VariantRelease, version: str) -> None:
    retirement = released.retire_versions.get(version)
    if retirement is not None:
        raise ChangeError(
            ("retire_versions", version),
            rule="retired-not-promoted",
            message=f"{version} is to be retired after {retirement.after} ({retirement.reason}), by {retirement.by}",
            fix="Take that mark out first, if it holds no more",
        )


def _refuse_absent(released: VariantRelease, version: str) -> None:
    if version not in released.running:
        raise ChangeError(
            (),
            rule="retire-running",
            message=f"{version} does not run",
            fix=f"It runs: {', '.join(released.running)}",
        )
