"""Released handler code: read as it was released, and refused when it is not."""

import io
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from artifacts import RefusedError
from artifacts.archives import HandlerCode, handlers, read_handler, read_handlers
from artifacts.archives.layout import entry, stored
from artifacts.storage import digest_path
from tests.support.handlers import ECHO, release


@pytest.fixture
def root(tmp_path: Path) -> Path:
    release(tmp_path, "echo", "1.0.0")
    release(tmp_path, "echo", "1.1.0", {"handler.py": b"pass\n"})
    return tmp_path


def refused(root: Path, name: str = "echo", version: str = "1.0.0") -> str:
    with pytest.raises(RefusedError) as error:
        read_handler(root, name, version)
    assert "Fix: " in str(error.value)
    return str(error.value)


def repacked(root: Path, files: Mapping[str, bytes]) -> None:
    (root / "echo-1.0.0.zip").write_bytes(stored(sorted(files.items())))


def test_a_release_is_read_whole_and_its_digest_is_that_of_the_folder_it_unpacks_to(root: Path) -> None:
    code = read_handler(root, "echo", "1.0.0")
    assert dict(code.files) == dict(ECHO)
    zipfile.ZipFile(root / "echo-1.0.0.zip").extractall(root / "unpacked")
    assert code.digest == digest_path(root / "unpacked").digest


def test_all_releases_are_had_by_name_and_version(root: Path, tmp_path: Path) -> None:
    assert list(read_handlers(root)) == [("echo", "1.0.0"), ("echo", "1.1.0")]
    assert read_handlers(tmp_path / "nothing") == {}


@pytest.mark.parametrize(
    "files",
    [
        {**ECHO, "echo_adapter/__init__.py": b"def shout(text):\n    return text\n"},
        {**ECHO, "more.py": b""},
        {"handler.py": ECHO["handler.py"]},
        {"handler.py": ECHO["handler.py"], "echo_adapter/other.py": ECHO["echo_adapter/__init__.py"]},
    ],
    ids=["altered", "added", "removed", "renamed"],
)
def test_a_released_version_that_changed_is_refused_with_both_digests(
    root: Path, files: Mapping[str, bytes]
) -> None:
    repacked(root, files)
    told = refused(root)
    assert str(root / "echo-1.0.0.zip") in told
    assert "released-handler" in told
    assert "expected sha256:" in told
    assert "found    sha256:" in told
    assert read_handler(root, "echo", "1.1.0").version == "1.1.0", "the others still read"


def test_an_unknown_version_and_an_unknown_handler_are_told_what_there_is(root: Path) -> None:
    assert "echo 1.0.0, 1.1.0" in refused(root, version="2.0.0")
    assert "echo 1.0.0, echo 1.1.0" in refused(root, name="reader")
    assert "none is released yet" in refused(root / "nothing")


def test_a_zip_that_is_gone_a_folder_and_a_link_in_its_place_are_refused(root: Path) -> None:
    path = root / "echo-1.1.0.zip"
    path.rename(root / "elsewhere")
    assert "is not there" in refused(root, version="1.1.0")
    path.symlink_to("elsewhere")
    assert "is no file of its own" in refused(root, version="1.1.0")
    path.unlink()
    path.mkdir()
    assert "is no file of its own" in refused(root, version="1.1.0")


def packed(
    *members: tuple[zipfile.ZipInfo, bytes], comment: bytes = b"", compress: int = zipfile.ZIP_STORED
) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.comment = comment
        for made, body in members:
            archive.writestr(made, body, compress_type=compress)
    return held.getvalue()


RELEASED = [(entry(name), body) for name, body in sorted(ECHO.items())]


def with_mode(mode: int) -> zipfile.ZipInfo:
    made = entry("handler.py")
    made.external_attr = mode << 16
    return made


def dated() -> zipfile.ZipInfo:
    made = entry("handler.py")
    made.date_time = (2026, 11, 23, 0, 0, 0)
    return made


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_zip_of_the_same_files_in_other_bytes_is_refused(root: Path) -> None:
    adapter, handler = RELEASED
    whole = packed(adapter, handler)
    repacked(root, ECHO)
    assert (root / "echo-1.0.0.zip").read_bytes() == whole
    for crafted in (
        b"before" + whole,
        whole + b"behind",
        packed(adapter, handler, comment=b"behind"),
        packed(handler, adapter),
        packed(adapter, (with_mode(stat.S_IFLNK | 0o777), handler[1])),
        packed(adapter, (with_mode(stat.S_IFREG | 0o755), handler[1])),
        packed(adapter, (dated(), handler[1])),
        packed(adapter, handler, (entry("folder/"), b"")),
        packed(adapter, (entry("handler.py"), b"another"), handler),
    ):
        (root / "echo-1.0.0.zip").write_bytes(crafted)
        told = refused(root)
        assert "is not packed as a release is" in told or "is no whole zip" in told


def test_names_that_lead_out_of_a_folder_are_refused_in_a_zip_too(root: Path) -> None:
    repacked(root, {**ECHO, "../up.py": b""})
    assert "a part . or .." in refused(root)


def test_what_is_compressed_encrypted_or_too_large_is_refused_unread(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = root / "echo-1.0.0.zip"
    path.write_bytes(packed(*RELEASED, compress=zipfile.ZIP_DEFLATED))
    assert "compressed" in refused(root)
    whole = packed(*RELEASED)
    flags = whole.index(b"PK\x01\x02") + 8
    path.write_bytes(whole[:flags] + b"\x01" + whole[flags + 1 :])
    assert "encrypted" in refused(root)
    monkeypatch.setattr(handlers, "_MOST_BYTES", len(whole) - 1)
    path.write_bytes(whole)
    assert "is the most" in refused(root)


def test_no_byte_of_a_zip_can_change_and_nothing_but_a_refusal_comes_of_it(root: Path) -> None:
    whole = (root / "echo-1.0.0.zip").read_bytes()
    for at in range(len(whole)):
        for byte in {0, 0xFF, whole[at] ^ 1} - {whole[at]}:
            (root / "echo-1.0.0.zip").write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
            refused(root)
        (root / "echo-1.0.0.zip").write_bytes(whole[:at])
        refused(root)


@pytest.mark.parametrize(
    "line", ["echo 1.0.0", "echo 1.0.0 sha256:abc", "../x 1.0.0 sha256:" + "a" * 64, "one two three four"]
)
def test_a_wrong_line_of_the_digests_is_refused_with_its_number(root: Path, line: str) -> None:
    with (root / "digests.txt").open("a") as digests:
        digests.write(f"{line}\n")
    assert "digests.txt:3: " in refused(root)


def test_a_release_listed_twice_is_refused(root: Path) -> None:
    with (root / "digests.txt").open("a") as digests:
        digests.write(f"echo 1.0.0 sha256:{'a' * 64}\n")
    assert "is there twice" in refused(root)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("/etc/passwd", "an empty part"),
        ("../up.py", "a part . or .."),
        ("a/../../up.py", "a part . or .."),
        ("e\u0301.py", "NFC"),
        ("MAR-INF/MANIFEST.json", "archive-names"),
        ("mar-inf/x", "archive-names"),
        ("slipway.json", "archive-names"),
        ("model-config.yaml", "archive-names"),
        ("weights/model.bin", "archive-names"),
        ("handler.py/inner", "is a file and"),
        ("a\\b.py", "backslash"),
    ],
)
def test_names_that_no_archive_can_hold_are_refused(name: str, told: str) -> None:
    with pytest.raises(RefusedError) as error:
        HandlerCode(name="echo", version="1.0.0", files={**ECHO, name: b""})
    assert told in str(error.value)
    assert "Fix: " in str(error.value)


def test_code_without_what_torchserve_starts_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"has no handler\.py"):
        HandlerCode(name="echo", version="1.0.0", files={"other.py": b""})
