"""`slipway artifacts digest`: what an entry's artifact.digest has to say, printed or written into the entry."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from artifacts import RefusedError, is_digest
from cli.console import OUT
from cli.edits import Edits, Yes, parse_variant
from cli.transfers import transfer_reporter
from engines import UNRESOLVED
from model_catalog import Selector, entry_path
from model_catalog.artifact import BucketArtifact
from model_catalog.editing import with_digest

if TYPE_CHECKING:
    from artifacts.storage import Digested

_S3: Final = "s3://"


def digest(
    place: Annotated[
        str,
        typer.Argument(
            metavar="PATH|s3://BUCKET/KEY|SELECTOR",
            help="A file or folder, here or in S3; with --write, one version as in QuestionAnswering/Reader/fr@2.",
        ),
    ],
    write: Annotated[
        bool,
        typer.Option(
            "--write", help="Write it into the version's entry, of the files that its artifact names."
        ),
    ] = False,
    expect: Annotated[
        str | None, typer.Option("--expect", help="Fail with exit code 1 unless it is this digest.")
    ] = None,
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
    """Compute the digest of files that are not published yet: what an entry's artifact.digest has to say.

    Of one file it is what sha256sum prints, of a folder a SHA-256 over the names,
    sizes and SHA-256s in it. In S3 a file is read only where S3 has no SHA-256
    of it. The text format is the digest alone, for scripts. With --write it goes
    into the catalog instead; a version that says another digest is left alone,
    with exit code 1.
    """
    if expect is not None and not is_digest(expect):
        raise typer.BadParameter(f"--expect is {expect!r}; write sha256: and 64 hex digits")
    if write and format_ != "text":
        raise typer.BadParameter("--write shows what it changes; it goes without --format json")
    if write:
        _write(place, expect, owner, region, yes=yes)
        return
    if yes:
        raise typer.BadParameter("--yes goes with --write")
    found = _digested(place, owner, region)
    if format_ == "json":
        _print_json(found)
    else:
        typer.echo(found.digest)
    _must_be(expect, found, place)


def _write(selector: str, expect: str | None, owner: str | None, region: str | None, *, yes: bool) -> None:
    edits = Edits()
    wanted = parse_variant(selector, edits.catalog)
    artifact = _artifact(edits, wanted, selector)
    found = _digested(str(artifact), owner, region)
    _must_be(expect, found, str(artifact))
    if artifact.digest not in (UNRESOLVED, found.digest):
        raise RefusedError(
            f"{wanted}: its files are no longer those of its digest\n  catalog {artifact.digest}\n"
            f"  {artifact} {found.digest}\n"
            "Fix: put the files back, or take the new ones into a new version: a version is evaluated as it is"
        )
    path = entry_path(wanted)
    with edits.locating(path):
        edits.put(path, with_digest(edits.text(path) or "", wanted, found.digest))
    files = "file" if len(found.files) == 1 else "files"
    edits.settle(
        yes=yes, remarks=[f"{wanted}: {len(found.files):,} {files}, {found.size:,} bytes at {artifact}"]
    )


def _artifact(edits: Edits, wanted: Selector, said: str) -> BucketArtifact:
    entry = edits.catalog.entry(wanted)
    if entry is None or wanted.language is None or wanted.version is None:
        raise typer.BadParameter(f"{said} names no single version; add one, as in {said}@1.0")
    artifact = entry.version(wanted.language, wanted.version).artifact
    if not isinstance(artifact, BucketArtifact):
        raise RefusedError(
            f"{wanted}: {artifact}, whose files no digest is computed of here. Fix: slipway artifacts mirror {wanted} "
            "--to s3://bucket/prefix --write"
        )
    if artifact.bucket == UNRESOLVED:
        raise RefusedError(
            f"{wanted}: its artifact's bucket is unresolved. Fix: name the bucket in the entry"
        )
    return artifact


def _must_be(expect: str | None, found: Digested, place: str) -> None:
    if expect is not None and expect != found.digest:
        raise RefusedError(
            f"{place} is not what was expected\n  expected {expect}\n  found    {found.digest}\n"
            "Fix: name the files of the digest, or take the digest found into a new version"
        )


def _digested(place: str, owner: str | None, region: str | None) -> Digested:
    from artifacts.storage import Source, digest_path, digest_source, make_client

    if not place.startswith(_S3):
        path = Path(place)
        if not path.exists():
            raise RefusedError(f"{place} is not there. Fix: correct the path, or write s3://bucket/key")
        return digest_path(path)
    bucket, _, key = place.removeprefix(_S3).partition("/")
    if not bucket or not key:
        raise typer.BadParameter(f"{place!r} is no place in S3; write s3://bucket/key")
    source = Source(client=make_client(region=region), bucket=bucket, path=key, owner=owner)
    return digest_source(source, report=transfer_reporter("hashed"))


def _print_json(found: Digested) -> None:
    OUT.print_json(
        json.dumps(
            {
                "digest": found.digest,
                "kind": found.kind,
                "size": found.size,
                "read": found.read,
                "files": [asdict(file) for file in found.files],
            }
        )
    )
