"""An export that ends early leaves nothing, whatever ends it."""

import os
import tracemalloc
from pathlib import Path

import pytest

from artifacts import RefusedError, StorageError
from artifacts.archives import HandlerCode
from artifacts.export import ExportedVersion, FromFolder, export
from artifacts.served import ServedFiles, ThinArchiveOf
from artifacts.storage import Progress, digest_path
from engines.torchserve import ServedVersion, ServingOptions
from model_catalog import BucketArtifact
from tests.support.handlers import ECHO
from workloads.agent import Archive, Weights

SIZE = 3 << 20


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "model.bin").write_bytes(bytes(SIZE))
    return folder


@pytest.fixture
def version(weights: Path) -> ExportedVersion:
    return version_of(weights)


def version_of(weights: Path) -> ExportedVersion:
    digest = digest_path(weights).digest
    thin = ThinArchiveOf(
        model="reader",
        version="1",
        handler_name="echo",
        handler_version="1.0.0",
        weights_digest=digest,
        digest=digest,
    )
    return ExportedVersion(
        served=ServedVersion(
            name="reader", version="1", archive="reader_1.mar", default=True, options=ServingOptions()
        ),
        files=ServedFiles(
            archive=Archive(digest, "archives/x.mar"),
            weights=Weights(digest, "artifacts/x"),
            thin=thin,
            artifact=BucketArtifact(bucket="research", path="models/fr", digest=digest),
        ),
        code=HandlerCode(name="echo", version="1.0.0", files=ECHO),
    )


def below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, OSError], ids=lambda end: str(end.__name__))
def test_whatever_ends_it_in_the_middle_nothing_is_left(
    tmp_path: Path, weights: Path, version: ExportedVersion, end: type[BaseException]
) -> None:
    seen: list[int] = []

    def ended(progress: Progress) -> None:
        assert progress.size_total == SIZE
        assert (tmp_path / "out").exists(), "it is made on the same disk"
        seen.append(progress.size)
        if progress.size >= 2 << 20:
            raise end

    with pytest.raises(end):
        export(tmp_path / "out", [version], FromFolder(folder=weights), gpus=0, report=ended)
    assert seen == [1 << 20, 2 << 20], "in pieces"
    assert below(tmp_path) == ["model.bin", "weights"]


def test_a_move_that_fails_leaves_no_config_that_names_what_is_missing(
    tmp_path: Path, weights: Path, version: ExportedVersion
) -> None:
    (tmp_path / "out" / "model-store" / "reader_1.mar").mkdir(parents=True)
    with pytest.raises(OSError, match=r"reader_1\.mar"):
        export(tmp_path / "out", [version], FromFolder(folder=weights), gpus=0, replace=True)
    assert below(tmp_path / "out") == ["model-store", "reader_1.mar"]


@pytest.mark.parametrize("place", ["weights/model.bin", "weights/model.bin/below"])
def test_a_place_where_nothing_can_be_written_is_refused_with_what_to_do(
    tmp_path: Path, weights: Path, version: ExportedVersion, place: str
) -> None:
    with pytest.raises(RefusedError, match=r"nothing can be written there \(.*\). Fix: name another folder"):
        export(tmp_path / place, [version], FromFolder(folder=weights), gpus=0)


def test_weights_that_change_while_they_are_read_are_found(
    tmp_path: Path, weights: Path, version: ExportedVersion
) -> None:
    def grows(_: Progress) -> None:
        with (weights / "model.bin").open("ab") as file:
            file.write(b"more")

    with pytest.raises(StorageError, match="was changed while it was read"):
        export(tmp_path / "out", [version], FromFolder(folder=weights), gpus=0, report=grows)
    assert below(tmp_path) == ["model.bin", "weights"]


def test_an_export_takes_memory_for_pieces_and_not_for_its_weights(tmp_path: Path, weights: Path) -> None:
    os.truncate(weights / "model.bin", 64 << 20)
    version = version_of(weights)
    tracemalloc.start()
    try:
        export(tmp_path / "out", [version], FromFolder(folder=weights), gpus=0)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert (tmp_path / "out/model-store/reader_1.mar").stat().st_size > 64 << 20
