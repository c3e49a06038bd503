"""What a release may name."""

from collections.abc import Iterator

from engines import FETCH_IMAGE, ImageReference, tgi, torchserve, vllm
from model_catalog.catalog import RunningVersion
from model_catalog.entry import Entry, TgiEntry, TorchServeEntry, VllmEntry
from model_catalog.problem import Problem
from model_catalog.release import VariantRelease
from model_catalog.rules.rule import Context, Rule, suggest
from model_catalog.version import LlmVersion
from model_catalog.yaml_source import Location


def _version_exists(context: Context) -> Iterator[Problem]:
    variants = sorted({str(selector.variant) for selector in context.catalog.selectors()})
    for environment, release in context.catalog.releases.items():
        for variant, released in release.root.items():
            if context.is_unread(variant):
                continue
            entry = context.catalog.entry(variant)
            language = entry.languages.get(variant.language or "") if entry else None
            location: Location = (str(variant),)
            if language is None:
                yield context.in_release(
                    environment,
                    location,
                    rule="version-exists",
                    message=f"{variant} is in no entry",
                    fix=suggest(str(variant), variants),
                    key=True,
                )
                continue
            for place, version, is_key in _named(released):
                if version not in language.versions:
                    yield context.in_release(
                        environment,
                        (*location, *place),
                        rule="version-exists",
                        message=f"{variant} has no version {version!r}",
                        fix=suggest(version, language.versions),
                        key=is_key,
                    )


def _named(released: VariantRelease) -> Iterator[tuple[Location, str, bool]]:
    """Place within the release, version, and whether the version is a key there."""
    yield ("default",), released.default, False
    for index, version in enumerate(released.versions):
        if version != released.default:
            yield ("versions", index), version, False
    for version in released.canary:
        yield ("canary", version), version, True
    if released.rollback is not None:
        yield ("rollback",), released.rollback, False
    for index, override in enumerate(released.overrides):
        for inner, version in enumerate(override.versions):
            yield ("overrides", index, "versions", inner), version, False
    for version in released.retire_versions:
        yield ("retire_versions", version), version, True


def _resolved_digests(context: Context) -> Iterator[Problem]:
    for environment in context.catalog.releases:
        if not environment.requires_digests:
            continue
        for running in context.running[environment]:
            for what in _unresolved(running):
                yield context.in_release(
                    environment,
                    (str(running.selector.variant),),
                    rule="resolved-digests",
                    message=f"{running.selector} runs in {environment} with {what} unresolved",
                    fix="Write the digest that was observed, or release it elsewhere",
                    key=True,
                )


def _unresolved(running: RunningVersion) -> Iterator[str]:
    yield from running.version.artifact.unresolved
    if isinstance(running.version, LlmVersion):
        for name, adapter in sorted(running.version.adapters.items()):
            for what in adapter.unresolved:
                missing = what.removeprefix("its ").removeprefix("artifact's ")
                yield f"the {missing} of adapter {name}"
    for image in images_of(running.entry):
        if not image.resolved:
            yield f"the digest of image {image}"


def images_of(entry: Entry) -> tuple[ImageReference, ...]:
    """Every image that serving the entry pulls."""
    match entry:
        case TorchServeEntry():
            return (torchserve.IMAGES[entry.device],)
        case TgiEntry():
            return (tgi.IMAGE, FETCH_IMAGE)
        case VllmEntry():
            return (vllm.IMAGE, FETCH_IMAGE)


RULES = (
    Rule(
        id="resolved-digests",
        demand="What runs in prod is pinned by digest: artifacts, adapters and images.",
        check=_resolved_digests,
    ),
    Rule(
        id="version-exists",
        demand="A release names only versions that an entry has.",
        check=_version_exists,
    ),
)
