import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from artifacts.archives.layout import stored
from artifacts.digest import FileDigest, Kind, digest_of
from tests.unit.workloads.handlers.samples import HANDLERS, READER_WEIGHTS
from workloads.handlers import release

FROZEN: Final = sorted(release.read_digests())


def test_every_handler_is_there_and_every_listed_version_is_one_zip_and_nothing_else_lies_beside_them() -> (
    None
):
    assert tuple(release.handlers()) == HANDLERS
    root = release.SOURCE / "released"
    lying = {path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir()}
    stray = {name for name in lying if "__pycache__" not in name}  # git leaves it where folders were
    assert stray == {"digests.txt", *(f"{name}-{version}.zip" for name, version in FROZEN)}


@pytest.mark.parametrize(("name", "version"), FROZEN)
def test_a_frozen_version_has_the_digest_that_was_written_when_it_was_frozen(name: str, version: str) -> None:
    files = [
        FileDigest(name=file, size=len(content), sha256=sha256(content).hexdigest())
        for file, content in release.frozen(name, version).items()
    ]
    assert digest_of(Kind.TREE, files) == release.read_digests()[name, version], (
        f"{name} {version} is released and never changes: take the edit back"
    )


@pytest.mark.parametrize(("name", "version"), FROZEN)
def test_a_frozen_version_has_the_bytes_that_its_files_make_as_archives_are_packed_too(
    name: str, version: str
) -> None:
    files = release.frozen(name, version)
    assert list(files) == sorted(files, key=str.encode)
    lying = release.frozen_path(name, version).read_bytes()
    assert lying == release.packed(files) == stored(files.items())


@pytest.mark.parametrize("name", HANDLERS)
def test_the_source_is_frozen_under_its_version(name: str) -> None:
    version = release.version(name)
    assert release.frozen(name, version) == release.current(name), (
        f"the source of {name} is not its frozen {version}: raise VERSION, then "
        f"python -m workloads.handlers.release {name}"
    )


@pytest.mark.parametrize("name", HANDLERS)
def test_an_archive_s_files_are_an_entry_and_one_package(name: str) -> None:
    assert {file.split("/")[0] for file in release.current(name)} == {"handler.py", release.PACKAGE}


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_is_python_3_9_and_imports_nothing_but_itself_and_the_standard_library(name: str) -> None:
    for file, content in release.current(name).items():
        for node in ast.walk(ast.parse(content, feature_version=(3, 9))):
            if isinstance(node, ast.Import):
                imported = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported = {str(node.module).split(".")[0]}
            else:
                continue
            assert imported <= {*sys.stdlib_module_names, release.PACKAGE}, file


def test_a_frozen_handler_answers_far_from_the_repository(tmp_path: Path) -> None:
    zipfile.ZipFile(release.frozen_path("extractive_reader", "1.0.0")).extractall(tmp_path / "archive")
    shutil.copytree(READER_WEIGHTS, tmp_path / "archive/weights")
    program = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
from handler import Handler
handler = Handler()
manifest = {"model": {"modelName": "reader", "modelVersion": "1"}}
context = SimpleNamespace(system_properties={"model_dir": ".", "gpu_id": None}, manifest=manifest,
    get_all_request_header=lambda idx: {}, set_response_status=lambda code, phrase, idx: None,
    set_response_content_type=lambda idx, value: None)
handler.initialize(context)
(answer,) = handler.handle([{"body": {"question": "Who sang?", "context": "Anna sang."}}], context)
print(answer.decode())
assert "workloads" not in sys.modules
"""
    done = subprocess.run(  # noqa: S603 - this test's own program
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path / "archive", check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"] == "Anna"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Handlers of which nothing is frozen yet."""
    shutil.copytree(
        release.SOURCE, tmp_path / "handlers", ignore=shutil.ignore_patterns("released", "__pycache__")
    )
    return tmp_path / "handlers"


def raise_version(source: Path, name: str, version: str) -> None:
    place = source / name / "__init__.py"
    place.write_text(place.read_text().replace(f'"{release.version(name, source)}"', f'"{version}"'))


def test_freezing_writes_the_files_and_a_line_that_a_second_time_changes_nothing_of(source: Path) -> None:
    first = release.release("extractive_reader", source)
    digest = release.read_digests(source)["extractive_reader", "1.0.0"]
    assert digest in first
    assert "frozen already" in release.release("extractive_reader", source)
    assert release.frozen("extractive_reader", "1.0.0", source) == release.current(
        "extractive_reader", source
    )


def test_a_patch_is_refused_under_the_old_version_and_frozen_beside_it_under_a_new_one(source: Path) -> None:
    release.release("extractive_reader", source)
    before = release.frozen("extractive_reader", "1.0.0", source)
    (source / "extractive_reader/words.py").write_text("patched = True\n")
    with pytest.raises(
        release.ReleaseError, match=r"another slipway_handler/extractive_reader/words\.py.*raise VERSION"
    ):
        release.release("extractive_reader", source)
    assert release.frozen("extractive_reader", "1.0.0", source) == before
    raise_version(source, "extractive_reader", "1.10.0")
    release.release("extractive_reader", source)
    raise_version(source, "extractive_reader", "1.9.0")
    release.release("extractive_reader", source)
    assert release.frozen("extractive_reader", "1.0.0", source) == before
    listed = (source / "released/digests.txt").read_text().splitlines()
    assert [line.split()[1] for line in listed] == ["1.0.0", "1.9.0", "1.10.0"]


def test_a_frozen_zip_that_was_edited_is_not_blessed_by_freezing_again(source: Path) -> None:
    release.release("extractive_reader", source)
    path = release.frozen_path("extractive_reader", "1.0.0", source)
    files = release.current("extractive_reader", source)
    edited = release.packed({**files, "handler.py": b"edited = True\n"})
    for content, told in (
        (edited, r"another handler\.py"),
        (release.packed(files) + b"behind", r"another digest or packing"),
        (edited[:-30], r"is no whole zip .* Fix: put it back"),
    ):
        path.write_bytes(content)
        with pytest.raises(release.ReleaseError, match=told):
            release.release("extractive_reader", source)
        assert path.read_bytes() == content


def test_a_zip_that_was_removed_comes_back_only_as_it_was(source: Path) -> None:
    release.release("extractive_reader", source)
    path = release.frozen_path("extractive_reader", "1.0.0", source)
    before = path.read_bytes()
    path.unlink()
    release.release("extractive_reader", source)
    assert path.read_bytes() == before
    path.unlink()
    (source / "model.py").write_text("patched = True\n")
    with pytest.raises(release.ReleaseError, match="raise VERSION"):
        release.release("extractive_reader", source)


def test_another_process_hash_seed_time_zone_umask_and_day_freeze_the_same_bytes(source: Path) -> None:
    release.release("extractive_reader", source)
    path = release.frozen_path("extractive_reader", "1.0.0", source)
    before = path.read_bytes()
    path.unlink()
    for number, file in enumerate(sorted(source.rglob("*.py"), reverse=True)):
        file.chmod(0o755)
        os.utime(file, (number, 10**9 + number))
    program = (
        "import os, sys, pathlib; os.umask(0o077); from workloads.handlers import release;"
        "release.release('extractive_reader', pathlib.Path(sys.argv[1]))"
    )
    environment = {
        "PYTHONPATH": str(release.SOURCE.parents[1]),
        "PYTHONHASHSEED": "4711",
        "TZ": "Asia/Kathmandu",
    }
    subprocess.run([sys.executable, "-c", program, str(source)], env=environment, check=True)  # noqa: S603 - the program above
    assert path.read_bytes() == before


def test_a_disk_that_fills_leaves_no_part_of_a_zip(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path, __: Path) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        release.release("extractive_reader", source)
    assert list((source / "released").iterdir()) == []


@pytest.mark.parametrize(
    "line", ["", "# ours", "reader 1.0.0", "reader 1.0.0 sha256:ab", "a b 1.0.0 sha256:ab"]
)
def test_a_list_of_digests_that_was_edited_is_refused_with_its_line_and_stays(
    source: Path, line: str
) -> None:
    release.release("extractive_reader", source)
    path = source / "released/digests.txt"
    path.write_text(f"{path.read_text()}{line}\n")
    before = path.read_text()
    with pytest.raises(release.ReleaseError, match=r"digests\.txt:2: .* Fix: put it back"):
        release.release("sentence_embedding", source)
    assert path.read_text() == before


@pytest.mark.parametrize("version", ["1.0", "1.0.0-rc1", "01.0.0", "../x"])
def test_a_version_is_three_numbers(source: Path, version: str) -> None:
    raise_version(source, "extractive_reader", version)
    with pytest.raises(release.ReleaseError, match="three numbers"):
        release.release("extractive_reader", source)


def test_a_handler_that_does_not_exist_is_refused_with_those_that_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert release.main(["reader"]) == 1
    assert (
        "There are: extractive_reader, language_identification, sentence_embedding" in capsys.readouterr().err
    )


def test_the_help_teaches_how_to_patch(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        release.main(["--help"])
    told = capsys.readouterr().out
    assert [
        word for word in (*HANDLERS, "raise VERSION", "digests.txt", "handler: {name:") if word not in told
    ] == []
