import os
from collections.abc import Callable
from pathlib import Path

import pytest

from workloads.artifacts import folders
from workloads.artifacts.folders import delete, files_below, listed, own_folder, remove_empty


def nothing(_: Path) -> None:
    """Leave it out."""


def dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def circle(path: Path) -> None:
    path.symlink_to(path)


def to_a_folder(path: Path) -> None:
    path.with_name("elsewhere").mkdir()
    (path.with_name("elsewhere") / "kept").write_bytes(b"1")
    path.symlink_to(path.with_name("elsewhere"))


IN_ITS_PLACE: list[Callable[[Path], object]] = [
    nothing, Path.mkdir, Path.touch, dangling, circle, to_a_folder, os.mkfifo,
]  # fmt: skip


@pytest.mark.parametrize("put", IN_ITS_PLACE)
def test_whatever_is_in_its_place_a_folder_is_made(tmp_path: Path, put: Callable[[Path], object]) -> None:
    put(tmp_path / "weights")
    own_folder(tmp_path / "weights")
    assert (tmp_path / "weights").is_dir()
    assert not (tmp_path / "weights").is_symlink()
    assert all((path / "kept").exists() for path in tmp_path.glob("elsewhere"))


@pytest.mark.parametrize("put", IN_ITS_PLACE)
def test_whatever_it_is_it_is_deleted_and_what_a_link_names_stays(
    tmp_path: Path, put: Callable[[Path], object]
) -> None:
    put(tmp_path / "x")
    delete(tmp_path / "x")
    assert not os.path.lexists(tmp_path / "x")
    assert all((path / "kept").exists() for path in tmp_path.glob("elsewhere"))
    delete(tmp_path / "x")
    (tmp_path / "file").touch()
    delete(tmp_path / "file/below")


def test_a_tree_deeper_than_any_path_is_deleted(tmp_path: Path) -> None:
    """rmtree recurses, and a path has at most 4,096 bytes."""
    (tmp_path / "deep").mkdir()
    descriptor = os.open(tmp_path / "deep", os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    delete(tmp_path / "deep")
    assert list(tmp_path.iterdir()) == []


def test_files_come_in_the_order_of_the_bytes_of_their_whole_names(tmp_path: Path) -> None:
    """An artifact's digest is made in that order."""
    names = ["a-b", "a/b", "a/b-c/d", "a/b.c", "a0", "é/x", "z", "\U0001f600", "\uffee/y", "a b/c"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"") if name not in ("a/b",) else (tmp_path / name).touch()
    assert [name for name, _ in files_below(tmp_path)] == sorted(names, key=str.encode)


def test_a_folder_is_listed_up_to_a_limit_and_what_is_none_is_empty(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).touch()
    assert len(list(listed(tmp_path, 3))) == 3
    assert list(listed(tmp_path / "0")) == list(listed(tmp_path / "none")) == []


def test_folders_without_files_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/file").touch()
    remove_empty(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["d", "file"]


def test_a_folder_that_cannot_be_emptied_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mounted/below").mkdir(parents=True)

    def busy(_: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rmdir", busy)
    with pytest.raises(OSError, match="busy"):
        folders.delete(tmp_path / "mounted")
