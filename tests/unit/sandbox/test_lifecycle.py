"""What the sandbox tells a shell, and how two commands share it."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from sandbox import endpoints
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
    monkeypatch.setattr(endpoints, "taken", lambda _: [first.aws])
    second = sandbox._ports(said.append)
    assert second != first
    assert said == [f"port {first.aws} was taken by another program; choosing other ports"]


def _lock(sandbox: Sandbox, content: object) -> Path:
    lock = sandbox.paths.backend / ".pulumi" / "locks" / "organization" / "slipway" / "sandbox" / "1.json"
    lock.parent.mkdir(parents=True)
    lock.write_text(content if isinstance(content, str) else json.dumps(content))
    _state(sandbox).write_text("{}")
    return lock


def _state(sandbox: Sandbox) -> Path:
    state = sandbox.paths.backend / ".pulumi" / "stacks" / "slipway" / "sandbox.json"
    state.parent.mkdir(parents=True, exist_ok=True)
    return state


@pytest.mark.parametrize(
    "content",
    [
        {"pid": 2**22 + 1, "hostname": os.uname().nodename},
        {"pid": os.getpid(), "hostname": os.uname().nodename},  # alive, and not an engine
        "half a lo",
    ],
)
def test_the_lock_of_a_process_that_is_gone_is_removed(sandbox: Sandbox, content: object) -> None:
    lock, said = _lock(sandbox, content), list[str]()
    Engine(sandbox, report=said.append).ready_stack()
    assert not lock.exists()
    assert said == ["removing the lock of an update that was killed"]


def test_the_lock_of_another_machine_is_left_alone_with_the_way_out(sandbox: Sandbox) -> None:
    lock = _lock(sandbox, {"pid": 1, "hostname": "another-machine"})
    with pytest.raises(SandboxError, match=r"another-machine.*pulumi cancel --stack sandbox"):
        Engine(sandbox, report=print).ready_stack()
    assert lock.exists()


def test_a_lock_held_by_a_living_engine_is_waited_for(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Living:
        def __init__(self, pid: int) -> None:
            self.pid = pid

        def name(self) -> str:
            return "pulumi"

        def status(self) -> str:
            return "running"

    lock, said = _lock(sandbox, {"pid": 4711, "hostname": os.uname().nodename}), list[str]()
    monkeypatch.setattr(psutil, "Process", Living)
    # Its update ends while we wait.
    monkeypatch.setattr(time, "sleep", lambda _: lock.unlink())
    Engine(sandbox, report=said.append).ready_stack()
    assert said == ["the stack is being updated by pulumi (pid 4711); waiting for it"]


@pytest.mark.parametrize("damage", ["", '{"version": 3, "chec', None])
def test_a_state_file_that_was_half_written_is_put_back_from_the_engines_own_copy(
    sandbox: Sandbox, damage: str | None
) -> None:
    state, said = _state(sandbox), list[str]()
    state.with_suffix(".json.bak").write_text('{"version": 3}')
    if damage is not None:
        state.write_text(damage)
    Engine(sandbox, report=said.append).ready_stack()
    assert json.loads(state.read_text()) == {"version": 3}
    assert Engine(sandbox).was_cut_off(), "the copy is older than what was done"
    assert "state was damaged" in said[0]


def test_a_state_that_is_damaged_together_with_its_copy_is_not_taken_for_an_empty_one(
    sandbox: Sandbox,
) -> None:
    _state(sandbox).write_text("{")
    with pytest.raises(SandboxError, match="damaged, and so is its copy"):
        Engine(sandbox, report=print).ready_stack()


COMMAND = f"`slipway sandbox up` (pid {2**22 + 1})"
"""A command whose process id no process of Linux has."""


@pytest.fixture(name="killed")
def _killed(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a program of a name that inherits the sandbox's lock from a command, which is then gone."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        program = tmp_path / name
        shutil.copy("/bin/sleep", program)
        with sandbox.paths.lock.open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock.write(f"{COMMAND}\n")
            lock.flush()
            started.append(subprocess.Popen([program, "600"], pass_fds=(lock.fileno(),)))  # noqa: S603
        return started[-1]

    sandbox.paths.root.mkdir(parents=True)
    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_plugin_whose_engine_was_killed_is_ended_and_the_next_command_goes_on(
    sandbox: Sandbox, killed: Callable[..., subprocess.Popen[bytes]]
) -> None:
    plugin, said = killed("pulumi-resource-kubernetes"), list[str]()
    with sandbox.exclusive("up", said.append):
        assert plugin.wait(30) == -signal.SIGTERM
    assert said == [
        f"this sandbox is in use by what {COMMAND} started before it was killed; waiting for it",
        "ending pulumi-resource-kubernetes, whose engine was killed",
    ]


def test_an_engine_that_outlives_its_command_is_waited_for_and_so_are_its_plugins(
    sandbox: Sandbox, killed: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    engine = killed("pulumi")
    program = shutil.copy("/bin/sleep", tmp_path / "pulumi-resource-kubernetes")
    with sandbox.paths.lock.open() as lock:
        plugin = subprocess.Popen([program, "600"], pass_fds=(lock.fileno(),))  # noqa: S603
    lives = []

    def end() -> None:
        lives.append(plugin.poll() is None)
        engine.kill()

    threading.Timer(1, end).start()
    with sandbox.exclusive("up", list[str]().append):
        assert engine.wait(30) == -signal.SIGKILL
    plugin.kill()
    plugin.wait()
    assert lives == [True]


def test_a_process_that_outlives_its_command_keeps_the_sandbox_held(sandbox: Sandbox) -> None:
    with sandbox.exclusive("up", print) as lock:
        engine = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, pass_fds=(lock,))
    with sandbox.paths.lock.open() as handle:
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        engine.communicate()
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
