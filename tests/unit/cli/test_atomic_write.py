"""Files that two commands change at once."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.atomic_write import ChangedMeanwhileError, Replacement, exclusive, replace_all

REPOSITORY = Path(__file__).parents[3]
EDIT = """
import os, sys
from pathlib import Path
from cli.atomic_write import ChangedMeanwhileError, Replacement, exclusive, replace_all
root, line, pauses = Path(sys.argv[1]), sys.argv[2].encode(), sys.argv[3] == "pauses"
files = [root / "one.yaml", root / "two.yaml"]
made = [Replacement(path=p, before=p.read_bytes(), after=p.read_bytes() + line) for p in files]
rename = os.replace
def pausing(source, target):
    if pauses and target.name == "one.yaml":
        print("compared", flush=True)
        sys.stdin.readline()
    rename(source, target)
os.replace = pausing
print("read", flush=True)
try:
    with exclusive(root) as held:
        replace_all(held, made)
except ChangedMeanwhileError:
    sys.exit(3)
"""


def edit(root: Path, line: str, *, pauses: bool = False) -> "subprocess.Popen[str]":
    words = [str(root), line, "pauses" if pauses else "goes on"]
    return subprocess.Popen(  # noqa: S603 - this file's own program
        [sys.executable, "-c", EDIT, *words],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def waits_for_the_lock(process: "subprocess.Popen[str]") -> bool:
    """Whether it does before it ends."""
    while process.poll() is None:
        locks = Path("/proc/locks").read_text(encoding="utf-8").splitlines()
        if any("-> FLOCK" in line and f" {process.pid} " in line for line in locks):
            return True
        time.sleep(0.01)
    return False


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="Linux says there who waits for a lock")
def test_of_two_commands_at_once_one_waits_and_finds_that_the_files_have_changed(root: Path) -> None:
    first = edit(root, "first\n", pauses=True)
    assert (said(first), said(first)) == ("read", "compared")
    second = edit(root, "second\n")
    assert said(second) == "read"
    waited = waits_for_the_lock(second)
    first.communicate("\n")
    second.communicate()
    assert waited
    assert (first.returncode, second.returncode) == (0, 3)
    assert [path.read_text() for path in sorted(root.iterdir())] == ["first\n", "first\n"]


def test_a_command_that_is_killed_keeps_nobody_waiting(root: Path) -> None:
    killed = edit(root, "first\n", pauses=True)
    assert (said(killed), said(killed)) == ("read", "compared")
    killed.kill()
    killed.communicate()
    second = edit(root, "second\n")
    second.communicate()
    assert second.returncode == 0
    assert (root / "one.yaml").read_text() == "second\n"


def test_a_file_system_without_locks_still_finds_what_changed_before(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr("fcntl.flock", refuse)
    file = root / "one.yaml"
    with exclusive(root) as held:
        replace_all(held, [Replacement(path=file, before=b"", after=b"x")])
        with pytest.raises(ChangedMeanwhileError):
            replace_all(held, [Replacement(path=file, before=b"", after=b"y")])
    assert file.read_bytes() == b"x"
