"""A folder for a plain TorchServe, without an agent: archives that hold their weights, and the config that loads them.

Everything passes through in pieces of a megabyte and is hashed on its way. It is made beside its place, and moved there
when it is whole: the config last.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from artifacts.archives import (
    WEIGHTS_FOLDER,
    HandlerCode,
    Member,
    read_archive,
    thin_members,
    write_archive,
)
from artifacts.digest import FileDigest, Kind, digest_of
from artifacts.errors import RefusedError, StorageError
from artifacts.names import normal_name, refuse_collisions
from artifacts.served import ServedFiles
from artifacts.storage import Report, Target, local_files, object_chunks, report_nothing
from artifacts.storage.parallel import Tally
from engines.torchserve import ServedVersion, ServerConfig, render_config

CONFIG: Final = "config.properties"
STORE: Final = "model-store"
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ExportedVersion:
    """One version to pack."""

    served: ServedVersion
    files: ServedFiles
    code: HandlerCode | None
    """None for an archive that research has packed: it is copied as it is."""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file of an artifact, wherever it lies."""

    name: str
    size: int
    """Bytes."""
    place: str
    chunks: Callable[[], Iterable[bytes]]


class WeightsSource(Protocol):
    """Where the files of artifacts are read."""

    def files(self, digest: str) -> Sequence[SourceFile]:
        """Sorted by name. Raises ArtifactError."""
        ...


@dataclass(frozen=True, kw_only=True)
class FromBucket:
    """The environment's bucket."""

    target: Callable[[str], Target]
    """Digest → its place."""

    def files(self, digest: str) -> Sequence[SourceFile]:
        """As the manifest lists them. Raises NotPublishedError, StorageError."""
        target = self.target(digest)
        return [
            SourceFile(
                name=file.name,
                size=file.size,
                place=f"s3://{target.bucket}/{target.key(file.name)}",
                chunks=_object(target, file.name),
            )
            for file in target.must_be_published().manifest.files
        ]


@dataclass(frozen=True, kw_only=True)
class FromFolder:
    """A folder or file here; of several artifacts, a folder with one `sha256-<hex>` for each."""

    folder: Path

    def files(self, digest: str) -> Sequence[SourceFile]:
        """Those below `sha256-<hex>/` where it is there, else all. Raises RefusedError."""
        own = self.folder / digest.replace(":", "-")
        root = own if own.is_dir() else self.folder
        found = [(normal_name(name), path) for name, path in local_files(root)]
        if not found:
            raise RefusedError(f"{root} holds no file. Fix: name the folder of the weights")
        refuse_collisions(name for name, _ in found)
        return [
            SourceFile(name=name, size=path.stat().st_size, place=str(path), chunks=_file(path))
            for name, path in sorted(found, key=lambda pair: pair[0].encode())
        ]


def export(
    folder: Path,
    versions: Sequence[ExportedVersion],
    source: WeightsSource,
    *,
    gpus: int,
    model_store: str | None = None,
    replace: bool = False,
    report: Report = report_nothing,
) -> tuple[Path, ...]:
    """Writes config.properties and model-store/*.mar below `folder`; the paths written, the config last.

    `model_store` is where the archives will lie, absolute; None: where they are written.

    Raises:
        RefusedError: something is there already, the weights are others, or TorchServe would get it wrong.
        StorageError: the bucket does not give the files.
    """
    folder = folder.absolute()
    store = folder / STORE
    config = _config(versions, model_store or str(store), gpus)
    targets = (*(store / version.served.archive for version in versions), folder / CONFIG)
    if not replace:
        _refuse_existing(targets)
    listed = {
        version.files.artifact.digest: source.files(version.files.artifact.digest) for version in versions
    }
    sizes = [sum(file.size for file in listed[version.files.artifact.digest]) for version in versions]
    tally = Tally(files_total=len(versions), size_total=sum(sizes), report=report)
    with _staging(folder) as staging:
        for version in versions:
            files = listed[version.files.artifact.digest]
            _pack(staging / version.served.archive, version, files, tally)
            tally.add(size=0, files=1)
        (staging / CONFIG).write_text(config, encoding="utf-8")
        if not replace:
            _refuse_existing(targets)
        store.mkdir(exist_ok=True)
        for target in targets:
            (staging / target.name).replace(target)
    return targets


def _pack(path: Path, version: ExportedVersion, files: Sequence[SourceFile], tally: Tally) -> None:
    digest = version.files.artifact.digest
    seen: list[FileDigest] = []
    if version.code is None:
        if len(files) != 1:
            raise RefusedError(
                f"{version.files.artifact}: {len(files)} files are no .mar. Fix: name the folder that holds it alone"
            )
        with path.open("xb") as opened:
            for chunk in _hashed(files[0], seen, tally):
                opened.write(chunk)
        _require_digest(version, files, seen)
        _require_same_version(path, version.served)
        return
    thin = thin_members(
        model=version.served.name, version=version.served.version, handler=version.code, weights=digest
    )
    members = [Member(name=name, size=len(body), chunks=[body]) for name, body in thin]
    weights = [
        Member(name=f"{WEIGHTS_FOLDER}/{file.name}", size=file.size, chunks=_hashed(file, seen, tally))
        for file in files
    ]
    write_archive(path, [*members, *weights])
    _require_digest(version, files, seen)
    _require_same_version(path, version.served)


def _hashed(file: SourceFile, seen: list[FileDigest], tally: Tally) -> Iterator[bytes]:
    """The file's bytes; once they are through, their hash is among those seen."""
    digest, size = hashlib.sha256(), 0
    for chunk in file.chunks():
        digest.update(chunk)
        size += len(chunk)
        if size > file.size:
            break  # somebody writes to it, and may go on for ever
        tally.add(size=len(chunk))
        yield chunk
    if size != file.size:
        raise StorageError(f"{file.place} was changed while it was read. Fix: run it again")
    seen.append(FileDigest(name=file.name, size=size, sha256=digest.hexdigest()))


def _require_digest(
    version: ExportedVersion, files: Sequence[SourceFile], seen: Sequence[FileDigest]
) -> None:
    """Of a lone file either digest may be meant: the entry's path says which, and is not at hand."""
    expected = version.files.artifact.digest
    found = [digest_of(Kind.TREE, seen)]
    if len(seen) == 1:
        found.append(digest_of(Kind.FILE, seen))
    if expected not in found:
        raise RefusedError(
            f"{files[0].place}{f' and {len(files) - 1} more' if len(files) > 1 else ''}: export-digest: these are not "
            f"the files of {version.served.name} {version.served.version}, so nothing was written\n"
            f"  expected {expected}\n  found    {found[-1]}\n"
            "Fix: name the folder of these very files, or take them from the bucket; `slipway artifacts verify` tells "
            "what is wrong there"
        )


def _require_same_version(path: Path, served: ServedVersion) -> None:
    """TorchServe registers the version of the archive's manifest, whatever the config says."""
    content = read_archive(path)
    if content.version != served.version:
        raise RefusedError(
            f"{served.archive}: export-version: its manifest says version {content.version!r}, and TorchServe would "
            f"serve that instead of {served.version!r}. Fix: give the catalog's version that name, or pack it again"
        )


def _config(versions: Sequence[ExportedVersion], model_store: str, gpus: int) -> str:
    if not Path(model_store).is_absolute():
        raise RefusedError(
            f"--model-store {model_store} is relative, and TorchServe needs an absolute path. Fix: begin it with /"
        )
    try:
        served = tuple(version.served for version in versions)
        return render_config(ServerConfig(model_store=model_store, gpus=gpus, versions=served))
    except ValueError as error:
        raise RefusedError(
            f"TorchServe would get this wrong: {error}. Fix: export less at once, or into another folder"
        ) from error


def _refuse_existing(targets: Iterable[Path]) -> None:
    if there := next((path for path in targets if path.exists() or path.is_symlink()), None):
        raise RefusedError(f"{there} is there already. Fix: name another folder, or replace it with --force")


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder on the same disk that is gone afterwards; so is `folder`, where this made it and it stayed empty."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".export-", dir=folder))
    except OSError as error:
        raise RefusedError(
            f"{folder}: nothing can be written there ({error.strerror}). Fix: name another folder"
        ) from error
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for path in made:
            if not any(path.iterdir()):
                path.rmdir()


def _object(target: Target, name: str) -> Callable[[], Iterable[bytes]]:
    request: Mapping[str, str] = {"Bucket": target.bucket, "Key": target.key(name), **target.owned()}
    return lambda: object_chunks(target.client, request)


def _file(path: Path) -> Callable[[], Iterable[bytes]]:
    def chunks() -> Iterator[bytes]:
        with path.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                yield chunk

    return chunks
