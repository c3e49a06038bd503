"""`slipway artifacts`: what is published in an environment's bucket, whether it is still that, and digests of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from artifacts import RefusedError, is_digest
from cli.archive_view import show_archive
from cli.artifacts_digest import digest
from cli.artifacts_export import export
from cli.artifacts_mirror import mirror
from cli.console import CLONE, EXIT_OUTSIDE, OUT, printable
from cli.selectors import parse_selector
from cli.transfers import transfer_reporter
from engines import UNRESOLVED
from model_catalog import CatalogError, check_catalog

if TYPE_CHECKING:
    from artifacts.storage import Findings, Target

app: Final = typer.Typer(
    help="Look at artifacts: the files of versions, published in a bucket under their digest (docs/artifacts.md).",
    no_args_is_help=True,
)
_SHOWN: Final = 20

Artifact = Annotated[
    str,
    typer.Argument(
        metavar="DIGEST|SELECTOR",
        help="As in sha256:… or QuestionAnswering/Reader/fr@2, whose digest the catalog says.",
    ),
]
Bucket = Annotated[
    str, typer.Option("--bucket", help="The environment's bucket: `pulumi stack output bucket`.")
]
Owner = Annotated[
    str | None, typer.Option("--owner", help="Account that must own the bucket, in twelve digits.")
]
Region = Annotated[
    str | None,
    typer.Option("--region", help="Of the bucket. Left out: as for every AWS tool (AWS_REGION, profile)."),
]
Format = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print it.")]


app.command(
    epilog="Example: slipway artifacts export QuestionAnswering/Reader/fr --env dev --bucket B --to reader"
)(export)
app.command(
    epilog="Examples: slipway artifacts digest s3://research-models/models/fr/reader; "
    "slipway artifacts digest QuestionAnswering/Reader/fr@2 --write"
)(digest)
app.command(
    epilog="Examples: slipway artifacts mirror TextGeneration/Writer/mul@1 --to s3://research-models/hub --write; "
    "slipway artifacts mirror --repository Qwen/Qwen2.5-1.5B-Instruct --to s3://research-models/hub --dry-run"
)(mirror)


@app.command(
    epilog="Example: slipway artifacts inspect QuestionAnswering/Reader/fr@2 --bucket models-1a2b3c4"
)
def inspect(
    artifact: Annotated[
        str,
        typer.Argument(
            metavar="DIGEST|SELECTOR|FILE.mar",
            help="As in sha256:… or QuestionAnswering/Reader/fr@2, whose digest the catalog says; or an archive here.",
        ),
    ],
    bucket: Annotated[
        str | None,
        typer.Option("--bucket", help="The environment's bucket, but for an archive here."),
    ] = None,
    owner: Owner = None,
    region: Region = None,
    format_: Format = "text",
) -> None:
    """Show what is published under a digest, compared with one listing of the bucket; or what is in a .mar here.

    The listing tells what is missing, altered or additional by ETag and version
    id; no file is read. Exit code 1: nothing is published, or the archive is none
    that TorchServe should be given. 3: something is not as it was published, or
    S3 does not answer.
    """
    if artifact.endswith(".mar"):
        show_archive(Path(artifact), format_)
        return
    from artifacts.storage import check

    if bucket is None:
        raise typer.BadParameter("a digest or selector needs --bucket; an archive here ends in .mar")
    target = _target(artifact, bucket, owner, region)
    _show_findings(target, check(target), format_, how="by one listing")


@app.command(epilog="Example: slipway artifacts verify sha256:… --bucket models-1a2b3c4 --format json")
def verify(
    artifact: Artifact, bucket: Bucket, owner: Owner = None, region: Region = None, format_: Format = "text"
) -> None:
    """Read every file of a published artifact again and compare its SHA-256 with the manifest's.

    Costs the reading of all its bytes; `inspect` costs one listing and finds all
    that went through S3. Exit codes are those of `inspect`.
    """
    from artifacts.storage import verify as read_again

    target = _target(artifact, bucket, owner, region)
    _show_findings(
        target, read_again(target, report=transfer_reporter("read")), format_, how="by reading every byte"
    )


def _target(artifact: str, bucket: str, owner: str | None, region: str | None) -> Target:
    from artifacts.storage import Target, make_client

    return Target(client=make_client(region=region), bucket=bucket, digest=_digest(artifact), owner=owner)


def _digest(artifact: str) -> str:
    """Of a digest itself, or of the one version that a selector names."""
    if is_digest(artifact):
        return artifact
    if artifact.startswith("sha256"):
        raise typer.BadParameter(
            f"{artifact!r} is no digest; write sha256: and 64 hex digits in small letters"
        )
    checked = check_catalog(CLONE / "model_catalog")
    if checked.errors:
        raise CatalogError(checked.errors)
    wanted = parse_selector(artifact, checked.catalog)
    entry = checked.catalog.entry(wanted)
    if entry is None or wanted.language is None or wanted.version is None:
        raise typer.BadParameter(f"{artifact} names no single version; add one, as in {artifact}@1.0")
    found: str = entry.version(wanted.language, wanted.version).artifact.digest
    if found == UNRESOLVED:
        raise RefusedError(
            f"{artifact}: its artifact's digest is unresolved in the catalog. "
            f"Fix: slipway artifacts digest {artifact} --write"
        )
    return found


def _show_findings(target: Target, findings: Findings, format_: str, *, how: str) -> None:
    if format_ == "json":
        OUT.print_json(json.dumps(_as_json(target, findings)))
    else:
        _print(target, findings, how)
    if not findings.whole:
        raise typer.Exit(EXIT_OUTSIDE)


def _as_json(target: Target, findings: Findings) -> dict[str, Any]:
    manifest = findings.published.manifest
    return {
        "place": str(target),
        "digest": manifest.digest,
        "kind": manifest.kind,
        "source": manifest.source,
        "size": manifest.size,
        "whole": findings.whole,
        "missing": findings.missing,
        "altered": findings.altered,
        "additional": findings.additional,
        "files": [file.model_dump(mode="json") for file in manifest.files],
    }


def _print(target: Target, findings: Findings, how: str) -> None:
    manifest = findings.published.manifest
    OUT.print(str(target), markup=False)
    OUT.print(
        f"  {len(manifest.files):,} files, {manifest.size:,} bytes, from {printable(manifest.source)}",
        markup=False,
    )
    for file in manifest.files[:_SHOWN]:
        OUT.print(f"  {file.size:>15,}  {file.sha256[:12]}…  {printable(file.name)}", markup=False)
    if len(manifest.files) > _SHOWN:
        OUT.print(f"  and {len(manifest.files) - _SHOWN:,} more; --format json has them all", markup=False)
    for sentence in findings.sentences():
        OUT.print(f"  {printable(sentence)}", markup=False, style="red")
    if findings.whole:
        OUT.print(f"whole: as it was published, {how}", markup=False)
    else:
        OUT.print(
            "not as it was published. Fix: `pulumi refresh` and `pulumi up` copy the damaged files anew",
            markup=False,
        )
