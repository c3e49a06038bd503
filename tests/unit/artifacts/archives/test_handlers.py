"""Released handler code: read as it was released, and refused when it is not."""

from pathlib import Path

import pytest

from artifacts import RefusedError
from artifacts.archives import HandlerCode, read_handler, read_handlers
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


def test_a_release_is_read_whole_and_its_digest_is_that_of_its_folder(root: Path) -> None:
    code = read_handler(root, "echo", "1.0.0")
    assert dict(code.files) == dict(ECHO)
    assert code.digest == digest_path(root / "echo" / "1.0.0").digest


def test_all_releases_are_had_by_name_and_version(root: Path, tmp_path: Path) -> None:
    assert list(read_handlers(root)) == [("echo", "1.0.0"), ("echo", "1.1.0")]
    assert read_handlers(tmp_path / "nothing") == {}


def test_what_python_leaves_beside_code_is_no_part_of_it(root: Path) -> None:
    cache = root / "echo" / "1.0.0" / "__pycache__"
    cache.mkdir()
    (cache / "handler.cpython-311.pyc").write_bytes(b"x")
    assert set(read_handler(root, "echo", "1.0.0").files) == set(ECHO)


@pytest.mark.parametrize("change", ["altered", "added", "removed", "renamed"])
def test_a_released_version_that_changed_is_refused_with_both_digests(root: Path, change: str) -> None:
    folder = root / "echo" / "1.0.0"
    package = folder / "echo_adapter" / "__init__.py"
    match change:
        case "altered":
            package.write_bytes(b"def shout(text):\n    return text\n")
        case "added":
            (folder / "more.py").write_bytes(b"")
        case "removed":
            package.unlink()
        case _:
            package.rename(folder / "echo_adapter" / "other.py")
    told = refused(root)
    assert str(folder) in told
    assert "released-handler" in told
    assert "expected sha256:" in told
    assert "found    sha256:" in told
    assert read_handler(root, "echo", "1.1.0").version == "1.1.0", "the others still read"


def test_an_unknown_version_and_an_unknown_handler_are_told_what_there_is(root: Path) -> None:
    assert "echo 1.0.0, 1.1.0" in refused(root, version="2.0.0")
    assert "echo 1.0.0, echo 1.1.0" in refused(root, name="reader")
    assert "none is released yet" in refused(root / "nothing")


def test_a_folder_that_is_gone_and_a_link_in_it_are_refused(root: Path) -> None:
    (root / "echo" / "1.1.0" / "link.py").symlink_to("handler.py")
    assert "holds no links" in refused(root, version="1.1.0")
    (root / "echo" / "1.1.0").rename(root / "elsewhere")
    assert "is not there" in refused(root, version="1.1.0")


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
