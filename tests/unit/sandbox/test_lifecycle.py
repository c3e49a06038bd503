"""What the sandbox tells a shell, and how two commands share it."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from sandbox.engine import Engine
from sandbox.errors import SandboxError
from sandbox.lifecycle import Sandbox, shell_exports


@pytest.fixture(name="sandbox")
def _sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


def test_exports_survive_any_character_and_unset_what_leads_to_a_real_account(tmp_path: Path) -> None:
    awkward = 'it\'s $HOME `pwd` "quoted"; rm -rf /'
    script = shell_exports({"AWKWARD": awkward}) + 'printf %s "$AWKWARD"; printf "|%s" "${AWS_PROFILE-unset}"'
    ran = subprocess.run(  # noqa: S603 (the script is this test's own)
        ["/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"AWS_PROFILE": "company-prod"},
    )
    assert ran.stdout == f"{awkward}|unset"


def test_a_sandbox_that_does_not_run_says_so_with_the_command_that_starts_it(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match=r"not running\. Run `slipway sandbox start`"):
        sandbox.environment()


def test_a_second_command_waits_for_the_first_and_names_it(sandbox: Sandbox) -> None:
    said: list[str] = []
    order: list[str] = []
    waiting = threading.Event()

    def report(line: str) -> None:
        said.append(line)
        waiting.set()

    def second() -> None:
        with sandbox.exclusive("down", report):
            order.append("second")

    thread = threading.Thread(target=second)
    with sandbox.exclusive("up", print):
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert said == [
        f"this sandbox is in use by `slipway sandbox up` (pid {os.getpid()}); waiting for it",
    ]


def test_removing_a_sandbox_keeps_its_logs_and_touches_nothing_outside(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    paths = sandbox.paths
    for folder in (paths.logs, paths.backend, paths.control_plane):
        folder.mkdir(parents=True)
    (paths.logs / "aws.log").write_text("kept")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("kept")
    (paths.root / "link").symlink_to(outside)
    sandbox.remove()
    assert [path.name for path in paths.root.iterdir()] == ["logs"]
    assert (outside / "file").read_text() == "kept"


def test_ports_taken_by_somebody_else_are_chosen_anew_and_named(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    first = sandbox._ports(said.append)
    monkeypatch.setattr("sandbox.endpoints.taken", lambda _: [first.aws])
    second = sandbox._ports(said.append)
    assert second != first
    assert said == [f"port {first.aws} was taken by another program; choosing other ports"]


@pytest.mark.parametrize(
    ("content", "dead"),
    [
        ({"pid": 2**22 + 1, "hostname": os.uname().nodename}, True),
        ({"pid": os.getpid(), "hostname": os.uname().nodename}, True),  # alive, and not an engine
        ({"pid": 1, "hostname": "another-machine"}, False),
        ("half a lo", True),
    ],
)
def test_only_the_lock_of_a_process_that_is_gone_is_removed(
    sandbox: Sandbox, content: object, dead: bool
) -> None:
    lock = sandbox.paths.backend / ".pulumi" / "locks" / "organization" / "slipway" / "sandbox" / "1.json"
    lock.parent.mkdir(parents=True)
    lock.write_text(content if isinstance(content, str) else json.dumps(content))
    assert Engine(sandbox)._dead_locks() == ([lock] if dead else [])


def test_a_lock_held_by_a_living_engine_is_left_alone(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Living:
        def __init__(self, pid: int) -> None:
            self.pid = pid

        def name(self) -> str:
            return "pulumi"

    monkeypatch.setattr("psutil.Process", Living)
    lock = sandbox.paths.backend / ".pulumi" / "locks" / "1.json"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"pid": 4711, "hostname": os.uname().nodename}))
    assert Engine(sandbox)._dead_locks() == []
