"""`slipway import`: files of existing users come into the catalog."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from cli import edits as cli_edits
from cli.edits import Edits, Yes
from cli.import_names import GivenNames, naming_of
from model_catalog import (
    CatalogError,
    Environment,
    Problem,
    VariantRelease,
    entry_path,
)
from model_catalog.imports import (
    Answers,
    Arrival,
    entry_with,
    release_with,
    remote_models,
    torchserve,
)
from quantities import Bytes

import_app: Final = typer.Typer(
    help="Take existing files into the catalog. What they lack is asked for, or assumed in plain sight.",
    no_args_is_help=True,
)
_KIB: Final = 1024
_CHUNK: Final = 1 << 20

Files = Annotated[
    list[Path], typer.Argument(exists=True, dir_okay=False, metavar="FILE…", help="Files to import.")
]
Env = Annotated[
    Environment | None,
    typer.Option("--env", help="Release the versions there too. Left out: the catalog alone learns of them."),
]
Owner = Annotated[str | None, typer.Option("--owner", help="The team that answers for a new entry.")]
Description = Annotated[str | None, typer.Option("--description", help="What the model does, in a sentence.")]
License = Annotated[str | None, typer.Option("--license", help="Of the weights, as in apache-2.0.")]
DeviceOption = Annotated[
    Literal["cpu", "gpu"] | None, typer.Option("--device", help="Where a new entry's workers run.")
]
Weights = Annotated[str | None, typer.Option("--memory-weights", help="What the weights take, as in 440MiB.")]
PerRequest = Annotated[
    str | None, typer.Option("--memory-per-request", help="What a request takes on top, as in 12MiB.")
]
Scripts = Annotated[
    list[str] | None,
    typer.Option("--script", help="ISO 15924 code of a new language's script; may be repeated."),
]


@import_app.command("torchserve")
def import_torchserve(
    files: Files,
    env: Env = None,
    task: Annotated[str | None, typer.Option("--task", help="As in QuestionAnswering.")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="[NAME=]MODEL",
            help="As in Reader, or fr_reader=Reader where there are several. Left out: made of the served name.",
        ),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--language",
            metavar="[NAME=]TAG",
            help="BCP 47 tag, for all models or, as in fr_reader=fr, for one. Left out: as an entry serves the name.",
        ),
    ] = None,
    rename: Annotated[
        bool,
        typer.Option("--rename", help="Accept that a model is served under another name than before."),
    ] = False,
    keep_names: Annotated[
        bool,
        typer.Option("--keep-names", help="Keep names that would change, as served_name in the entry."),
    ] = False,
    bucket: Annotated[str | None, typer.Option("--bucket", help="S3 bucket that holds the archives.")] = None,
    archive_dir: Annotated[
        Path | None,
        typer.Option(
            "--archive-dir",
            exists=True,
            file_okay=False,
            help="Folder with the .mar files: their digests are pinned.",
        ),
    ] = None,
    owner: Owner = None,
    description: Description = None,
    license_: License = None,
    device: DeviceOption = None,
    memory_weights: Weights = None,
    memory_per_request: PerRequest = None,
    script: Scripts = None,
    yes: Yes = False,
) -> None:
    """Import what TorchServe runs: config.properties, a snapshot's .cfg, or the JSON of models or model_snapshot.

    fr_reader is the model Reader with --language fr; --keep-names keeps a name that says no language. A key that the
    catalog cannot hold is an error.
    """
    edits = Edits()
    configurations = [torchserve.read(_text(file), str(file)) for file in files]
    names = [name for configuration in configurations for name in configuration.names]
    given = GivenNames.of(task, model, language, names, rename=rename, keep=keep_names)
    asks = not yes and cli_edits.at_terminal()
    arrivals: list[Arrival] = []
    for configuration in configurations:
        for name in configuration.names:
            variant, served_name = naming_of(name, given, edits.catalog, asks=asks)
            naming = torchserve.Naming(
                variant=variant,
                served_name=served_name,
                bucket=bucket,
                archives=_archives(archive_dir) if archive_dir else {},
            )
            arrivals.extend(torchserve.arrivals(configuration, name, naming))
    answers = Answers(
        owner=owner,
        description=description,
        license=license_,
        device=device,
        weights=memory_weights,
        per_request=memory_per_request,
        scripts=tuple(script) if script else None,
    )
    dropped = [line for configuration in configurations for line in configuration.dropped]
    _take_in(edits, arrivals, answers, env, yes=yes, remarks=dropped)


@import_app.command("remote-models")
def import_remote_models(
    files: Files,
    env: Env = None,
    owner: Owner = None,
    description: Description = None,
    license_: License = None,
    device: DeviceOption = None,
    memory_weights: Weights = None,
    memory_per_request: PerRequest = None,
    script: Scripts = None,
    yes: Yes = False,
) -> None:
    """Import remote_models.json: task → model → language → version and buckets. TorchServe serves them.

    A key that the catalog cannot hold is an error.
    """
    edits = Edits()
    arrivals = [arrival for file in files for arrival in remote_models.read(_text(file), str(file))]
    answers = Answers(
        owner=owner,
        description=description,
        license=license_,
        device=device,
        weights=memory_weights,
        per_request=memory_per_request,
        scripts=tuple(script) if script else None,
    )
    _take_in(edits, arrivals, answers, env, yes=yes)


def _take_in(
    edits: Edits,
    arrivals: Sequence[Arrival],
    answers: Answers,
    environment: Environment | None,
    *,
    yes: bool,
    remarks: Iterable[str] = (),
) -> None:
    remarks = list(remarks)
    asks = not yes and cli_edits.at_terminal()
    for path, group in _grouped(arrivals, lambda arrival: entry_path(arrival.selector)):
        text = edits.text(path)
        model = f"{group[0].selector.task}/{group[0].selector.model}"
        with edits.locating(path):
            taken = entry_with(text, group, _asked(answers, model) if asks and text is None else answers)
        edits.put(path, taken.text)
        remarks.extend(f"known already: {selector}" for selector in taken.known)
        remarks.extend(f"assumed in {path}: {line}" for line in taken.assumed)
    remarks.extend(_overruled(arrivals))
    if environment is not None:
        for _, variants in _grouped(arrivals, lambda arrival: str(arrival.selector.variant)):
            remarks.extend(_release(edits, environment, variants))
    edits.settle(yes=yes, remarks=remarks)


def _release(edits: Edits, environment: Environment, arrivals: Sequence[Arrival]) -> Iterator[str]:
    """Releases the versions of one variant. Says so where another one answers by default now."""

    def change(released: VariantRelease | None) -> VariantRelease:
        return release_with(released, arrivals)

    variant = arrivals[0].selector.variant
    before = edits.release(environment, variant)
    edits.change_release(environment, variant, change)
    after = edits.release(environment, variant)
    if before is not None and after is not None and before.default != after.default:
        yield (
            f"{variant}@{after.default}: the default of {environment}, as the file says; {before.default} keeps running"
        )


def _overruled(arrivals: Iterable[Arrival]) -> Iterator[str]:
    for arrival in arrivals:
        if arrival.says.get("imported_from", {}).get("default_version") is False:
            yield (
                f"{arrival.selector} answers by default although its file says defaultVersion false: it is the only "
                "one, and TorchServe does the same"
            )


def _grouped(
    arrivals: Iterable[Arrival], key: Callable[[Arrival], str]
) -> Iterator[tuple[str, list[Arrival]]]:
    groups: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        groups.setdefault(key(arrival), []).append(arrival)
    yield from groups.items()


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem(
            file=str(file),
            line=1,
            column=1,
            rule="json-syntax",
            message=f"byte {error.start} is not UTF-8",
            fix="Save the file as UTF-8",
        )
        raise CatalogError([problem]) from error


def _asked(answers: Answers, model: str) -> Answers:
    """What is still open, asked for; an empty answer leaves it open."""

    def ask(question: str, given: str | None) -> str | None:
        if given is not None:
            return given
        answer: str = typer.prompt(f"{question} (empty: assumed)", default="", show_default=False)
        return answer.strip() or None

    return Answers(
        owner=ask(f"team that answers for {model}", answers.owner),
        description=ask("what it does, in a sentence", answers.description),
        license=ask("licence of its weights", answers.license),
        device=ask("cpu or gpu", answers.device),
        weights=ask("memory of its weights, as in 440MiB", answers.weights),
        per_request=ask("memory of a request on top, as in 12MiB", answers.per_request),
        scripts=answers.scripts,
    )


def _archives(folder: Path) -> dict[str, torchserve.Archive]:
    """Every .mar of the folder, by name."""
    found = {}
    for path in sorted(folder.glob("*.mar")):
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        size = -(-path.stat().st_size // _KIB) * _KIB
        found[path.name] = torchserve.Archive(digest=f"sha256:{digest.hexdigest()}", size=Bytes(size))
    return found
