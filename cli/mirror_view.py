"""A mirror is shown as text for a person, as the YAML that an entry says, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.console import OUT, printable, report
from cli.mirror_sources import HubSource
from model_catalog import BucketArtifact
from model_catalog.editing import block, written_artifact

if TYPE_CHECKING:
    from artifacts.hub import Selection, Survey

_SHOWN: Final = 20
"""Files in a text."""


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """One repository that was mirrored, or would be."""

    source: HubSource
    artifact: BucketArtifact
    """The copy, as the entry says it."""
    commit: str
    selection: Selection
    survey: Survey
    """The state before anything was copied."""


def print_blocks(mirrored: Sequence[Mirrored]) -> None:
    """Print what the version's entry has to say, as YAML."""
    said: dict[str, Any] = {}
    for one in mirrored:
        *above, last = one.source.place
        inner = said
        for step in above:
            inner = inner.setdefault(str(step), {})
        inner[str(last)] = written_artifact(one.artifact)
    for key, value in said.items():
        for line in block(key, value, indent="", comments={}):
            OUT.print(line, markup=False)


def print_forecast(mirrored: Sequence[Mirrored]) -> None:
    """Print what would be copied, with sizes."""
    for one in mirrored:
        OUT.print(f"{one.source.repository} at {one.commit} to {one.artifact}/", markup=False)
        missing = [file for file in one.survey.files if file.name in one.survey.missing]
        for file in missing[:_SHOWN]:
            OUT.print(f"  {file.size:>17,}  {printable(file.name)}", markup=False)
        if len(missing) > _SHOWN:
            OUT.print(f"  and {len(missing) - _SHOWN:,} more; --format json has them all", markup=False)
        OUT.print(
            f"  would copy {len(missing):,} of {len(one.survey.files):,} files, {one.survey.size_missing:,} of "
            f"{one.survey.size:,} bytes; digest {one.survey.digest}",
            markup=False,
        )


def report_left_out(selection: Selection) -> None:
    """Say on standard error which files are not mirrored, pickles with the reason."""
    pickles = selection.left_out_pickles
    others = [file.path for file in selection.left_out if file not in pickles]
    if pickles:
        report(f"left out, as a pickle runs code when it is loaded: {_few([file.path for file in pickles])}")
    if others:
        report(f"left out: {_few(others)}")


def print_json(mirrored: Sequence[Mirrored], *, dry_run: bool) -> None:
    """Print all of it as one document."""
    OUT.print_json(json.dumps({"dry_run": dry_run, "mirrors": [_plain(one) for one in mirrored]}))


def _plain(one: Mirrored) -> Mapping[str, Any]:
    return {
        "place": ".".join(map(str, one.source.place)),
        "repository": one.source.repository,
        "revision": one.source.revision,
        "commit": one.commit,
        "artifact": written_artifact(one.artifact),
        "size": one.survey.size,
        "size_copied": one.survey.size_missing,
        "copied": sorted(one.survey.missing),
        "files": [asdict(file) for file in one.survey.files],
        "left_out": [file.path for file in one.selection.left_out],
    }


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(map(printable, names[:_SHOWN])) + more
