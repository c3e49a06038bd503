"""`slipway artifacts mirror`: a repository of the Hugging Face Hub comes into a research bucket, pinned and whole."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from artifacts import RefusedError, normal_name
from cli.console import report
from cli.edits import Yes
from cli.mirror_sources import HubSource, source_named, sources_of, version_named, write_mirrors
from cli.mirror_view import Mirrored, print_blocks, print_forecast, print_json, report_left_out
from cli.selectors import complete_selector
from cli.transfers import transfer_reporter
from engines import UNRESOLVED
from model_catalog import BucketArtifact, MirroredFrom
from model_catalog.ids import ACCOUNT_PATTERN, BUCKET_PATTERN, PATTERN_HINTS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from artifacts.hub import Commit, HubConnection

_S3: Final = "s3://"


@dataclass(frozen=True, kw_only=True)
class Destination:
    """The folder that mirrors go to."""

    bucket: str
    prefix: str
    """The folder in the bucket, without a slash at its end; empty for the bucket itself."""
    owner: str | None
    region: str | None

    def path(self, repository: str, commit: str) -> str:
        """`<prefix>/<owner>/<name>/<commit>`: what lies there never changes."""
        return "/".join(part for part in (self.prefix, repository, commit) if part)


@dataclass(frozen=True, kw_only=True)
class Ends:
    """Both ends of a copy."""

    hub: HubConnection
    s3: S3Client


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The options that choose files."""

    include: Sequence[str]
    allow_pickles: bool


def mirror(
    selector: Annotated[
        str | None,
        typer.Argument(
            help="One version, as in TextGeneration/Writer/mul@1; its LoRA adapters come along.",
            autocompletion=complete_selector,
        ),
    ] = None,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="s3://BUCKET/PREFIX", help="Files come to <owner>/<name>/<commit>/ below it."
        ),
    ],
    repository: Annotated[
        str | None,
        typer.Option("--repository", metavar="OWNER/NAME", help="A repository that no version names yet."),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option("--revision", help="With --repository: its branch, tag or commit. Left out: main."),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            "--include",
            metavar="PATTERN",
            help="Take these files instead of safetensors, tokenizers and configurations; may come several times.",
        ),
    ] = None,
    allow_pickles: Annotated[
        bool,
        typer.Option(
            "--allow-pickles", help="Take pickles that --include names, which run code as they load."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be copied, and copy nothing.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Put the copy into the version's entry, in the Hub's place.")
    ] = False,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Account that must own the bucket, in twelve digits.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            "--region", help="Of the bucket. Left out: as for every AWS tool (AWS_REGION, profile)."
        ),
    ] = None,
    format_: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print it.")] = "text",
    yes: Yes = False,
) -> None:
    """Copy a repository of the Hugging Face Hub into a bucket, at one commit, every file checked.

    A branch is resolved to its commit first. Files pass through memory, a few
    pieces at once; what lies in the bucket already is not sent again, also after
    a kill. It ends with what the entry has to say: bucket, path, digest and
    commit. The token comes from HF_TOKEN or the file that `hf auth login` writes.
    Exit code 1: the Hub or the bucket refuses it. 3: one of them does not answer.
    """
    if (selector is None) is (repository is None):
        raise typer.BadParameter("name a version or --repository OWNER/NAME, one of them")
    if write and (selector is None or dry_run or format_ != "text"):
        raise typer.BadParameter("--write goes with a version, without --dry-run and --format json")
    if yes and not write:
        raise typer.BadParameter("--yes goes with --write")
    if allow_pickles and not include:
        raise typer.BadParameter("--allow-pickles goes with --include, which names them")
    if revision is not None and repository is None:
        raise typer.BadParameter("--revision goes with --repository; of a version, its entry says it")
    destination = _destination(to, owner, region)
    version = None if selector is None else version_named(selector)
    sources = [source_named(repository or "", revision)] if version is None else sources_of(version)
    if include and len(sources) > 1:
        raise typer.BadParameter(
            f"--include is for one repository, and {version} has {len(sources)}; name each"
        )
    choice = Choice(include=include or (), allow_pickles=allow_pickles)
    mirrored = _mirrored(sources, destination, choice, dry_run=dry_run)
    if format_ == "json":
        print_json(mirrored, dry_run=dry_run)
    elif dry_run:
        print_forecast(mirrored)
    else:
        print_blocks(mirrored)
    if version is not None and write:
        write_mirrors(version, sources, {one.source.place: one.artifact for one in mirrored}, yes=yes)


def _destination(to: str, owner: str | None, region: str | None) -> Destination:
    bucket, _, prefix = to.removeprefix(_S3).partition("/")
    if not to.startswith(_S3) or not re.search(BUCKET_PATTERN, bucket) or re.search(r"\s", prefix):
        raise typer.BadParameter(f"--to is {to!r}; write s3://bucket/prefix, as in s3://research-models/hub")
    if owner is not None and not re.search(ACCOUNT_PATTERN, owner):
        raise typer.BadParameter(f"--owner is {owner!r}; {PATTERN_HINTS[ACCOUNT_PATTERN]}")
    prefix = prefix.rstrip("/")
    return Destination(
        bucket=bucket, prefix=normal_name(prefix) if prefix else "", owner=owner, region=region
    )


def _mirrored(
    sources: Sequence[HubSource], to: Destination, choice: Choice, *, dry_run: bool
) -> list[Mirrored]:
    from artifacts.hub import WORKERS, HubConnection, hub_access
    from artifacts.storage import make_client

    ends = Ends(
        hub=HubConnection(hub_access(os.environ, Path.home()), connections=WORKERS),
        s3=make_client(region=to.region, workers=WORKERS),
    )
    return [_one(source, ends, to, choice, dry_run=dry_run) for source in sources]


def _one(
    source: HubSource,
    ends: Ends,
    to: Destination,
    choice: Choice,
    *,
    dry_run: bool,
) -> Mirrored:
    from artifacts.hub import Manner, survey
    from artifacts.hub import mirror as copy

    commit = _commit(source, ends, to, choice)
    report_left_out(commit.selection)
    surveyed = survey(commit, Manner())
    _must_be_the_catalog_s(source, commit.commit, surveyed.digest)
    if not dry_run:
        copy(commit, surveyed, Manner(report=transfer_reporter("copied")))
        there = len(surveyed.files) - len(surveyed.missing)
        report(
            f"copied {len(surveyed.missing):,} files, {surveyed.size_missing:,} bytes to {commit.place}; {there:,} "
            "files were there"
        )
    artifact = BucketArtifact(
        bucket=to.bucket,
        path=commit.place.path,
        digest=surveyed.digest,
        region=to.region,
        account=to.owner,
        mirrored_from=MirroredFrom(repository=source.repository, revision=commit.commit),
    )
    return Mirrored(
        source=source, artifact=artifact, commit=commit.commit, selection=commit.selection, survey=surveyed
    )


def _commit(source: HubSource, ends: Ends, to: Destination, choice: Choice) -> Commit:
    from artifacts.hub import Commit, HubRepository, MirrorPlace, select

    repository = HubRepository(connection=ends.hub, name=source.repository)
    commit = repository.commit_of(source.revision)
    if commit != source.revision:
        report(f"{source.repository}: {source.revision} is commit {commit}")
    try:
        selection = select(repository.files(commit), choice.include, allow_pickles=choice.allow_pickles)
    except RefusedError as error:
        raise RefusedError(f"{source.repository} at {commit}: {error}") from error
    place = MirrorPlace(
        client=ends.s3,
        bucket=to.bucket,
        path=to.path(source.repository, commit),
        owner=to.owner,
    )
    return Commit(repository=repository, commit=commit, selection=selection, place=place)


def _must_be_the_catalog_s(source: HubSource, commit: str, digest: str) -> None:
    if source.digest not in (UNRESOLVED, digest):
        raise RefusedError(
            f"{'.'.join(map(str, source.place))}: the files are not those of the catalog's digest, so nothing was "
            f"copied\n  catalog {source.digest}\n  {source.repository} at {commit} {digest}\n"
            "Fix: choose the files that were evaluated with --include, or take these into a new version"
        )
