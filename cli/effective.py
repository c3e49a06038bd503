"""Every setting that a version has in effect, and who says it: its files, the release's overrides, or a default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from cli.console import printable
from model_catalog import (
    CatalogModel,
    Checked,
    EntrySource,
    Environment,
    Origin,
    Override,
    Selector,
    VariantRelease,
    Version,
)
from model_catalog.catalog import overridden
from model_catalog.yaml_source import Location

_IN_THE_SELECTOR: Final = frozenset({"languages", "model", "task"})


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting, as a person would write it, and where it comes from."""

    key: str
    """As in serving.batch_size."""
    value: Any
    """Plain: text with a unit, numbers, lists; None where nothing is set."""
    origin: str
    """default, entry, language, version or override."""
    file: str | None = None
    line: int | None = None
    override: Override | None = None

    def as_json(self) -> dict[str, Any]:
        """A contract: keys are added, never changed."""
        decision = self.override
        said = decision and {
            "until": decision.until.isoformat(),
            "by": decision.by,
            "reason": decision.reason,
        }
        return {
            "key": self.key,
            "value": self.value,
            "origin": self.origin,
            "file": self.file,
            "line": self.line,
            "override": said,
        }


def effective_settings(checked: Checked, selector: Selector, environment: Environment) -> tuple[Setting, ...]:
    """Of one version of the catalog in an environment: the version's own first, then its language's and entry's."""
    entry = checked.catalog.entry(selector)
    assert entry is not None  # noqa: S101 - selectors come from the catalog
    language, version_id = selector.language or "", selector.version or ""
    source = checked.entries[entry.selector]
    version = entry.version(language, version_id)
    spoken: Location = ("languages", language)
    settings = {
        setting.key: setting
        for part, place in (
            (version, (*spoken, "versions", version_id)),
            (entry.languages[language].model_copy(update={"versions": {}}), spoken),
            (entry, ()),
        )
        for setting in _settings(part, source, place)
    }
    release = checked.catalog.releases.get(environment)
    released = release.root.get(selector.variant) if release else None
    if released is not None and version_id in released.running:
        for setting in _overrides(checked, environment, selector, version, released):
            settings[setting.key] = setting
    return tuple(settings.values())


def _settings(part: BaseModel, source: EntrySource, place: Location) -> Iterator[Setting]:
    said = part.model_dump(mode="json", exclude=set(_IN_THE_SELECTOR | {"versions"}))
    for steps, value, given in _leaves(said, part, ()):
        key = ".".join(map(str, steps))
        if not given:
            yield Setting(key=key, value=value, origin=Origin.DEFAULT.value)
            continue
        location = (*place, *steps)
        origin = Origin.LANGUAGE if len(place) == 2 else source.origin(location)
        line = source.place(location).line
        yield Setting(key=key, value=value, origin=origin.value, file=source.file, line=line)


def _leaves(said: Any, part: Any, steps: Location) -> Iterator[tuple[Location, Any, bool]]:
    """Path, plain value, and whether somebody gave it, of each value that holds no other keys."""
    for key, value in said.items() if isinstance(said, dict) else enumerate(said):
        given = not isinstance(part, BaseModel) or key in part.model_fields_set
        inner = getattr(part, str(key)) if isinstance(part, BaseModel) else part[key]
        if value and (isinstance(value, dict) or _are_models(inner)):
            for path, leaf, inside in _leaves(value, inner, (*steps, key)):
                yield path, leaf, given and inside
        else:
            yield (*steps, key), value, given


def _are_models(values: Any) -> bool:
    return isinstance(values, tuple) and isinstance(values[0], CatalogModel)


def _overrides(
    checked: Checked, environment: Environment, selector: Selector, version: Version, released: VariantRelease
) -> Iterator[Setting]:
    """Later ones over earlier ones, as the catalog applies them."""
    source = checked.releases[environment]
    for index, override in enumerate(released.overrides):
        alone = released.model_copy(update={"overrides": (override,)})
        after = overridden(version, selector.version or "", alone)
        if after is version:
            continue
        version = after
        values = after.serving.model_dump(mode="json")
        for option in override.serving:
            place = source.place((str(selector.variant), "overrides", index, "serving", option), key=True)
            yield Setting(
                key=f"serving.{option}",
                value=values[option],
                origin="override",
                file=source.file,
                line=place.line,
                override=override,
            )


def plain(value: Any) -> str:
    """As a person would write it."""
    match value:
        case None:
            return "not set"
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{', '.join(map(plain, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {plain(part)}' for key, part in value.items())}}}"
    return printable(str(value))


def origin_text(setting: Setting) -> str:
    """In words: an override with its day, role and reason."""
    if setting.override is None:
        return setting.origin
    decision = setting.override
    return f"override until {decision.until} ({decision.by}: {printable(decision.reason)})"
