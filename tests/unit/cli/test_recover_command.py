"""`slipway recover` with an engine of the test's own: what it prints, what it asks, how it ends."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.pulumi_stack import PulumiStack
from recovery import RecoveryError, State
from tests.unit.recovery.states import creating, deployment, resource, urn

ROLE, EIP = "aws:iam/role:Role", "aws:ec2/eip:Eip"
SECRET = "v1:c2VjcmV0:b3BlbnNlc2FtZQ=="  # noqa: S105 (no real one)
INPUTS = {
    "name": "reader-1",
    "description": {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "ciphertext": SECRET,
    },
}


class Engine:
    """Stands in for PulumiStack; its refresh finds what `exists`."""

    def __init__(self, state: State, exists: tuple[str, ...] = (), code: int = 0) -> None:
        self.state, self.exists, self.code = state, exists, code
        self.imported: list[State] = []

    def __call__(self, _project: Path, _name: str) -> "Engine":
        return self

    def refuse_live_update(self) -> None:
        pass

    def export(self) -> State:
        return self.state

    def import_(self, state: State) -> None:
        self.imported.append(state)
        self.state = state

    def refresh(self, _: int) -> int:
        found = self.state["deployment"]["resources"]
        if self.code == 0:
            kept = [
                item for item in found if not item.get("refreshBeforeUpdate") or item["id"] in self.exists
            ]
            self.state = {**self.state, "deployment": {"resources": kept}}
        return self.code


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def ran(engine: Engine, *arguments: str) -> Result:
        monkeypatch.setattr("cli.recover_command.PulumiStack", engine)
        monkeypatch.chdir(tmp_path)
        return CliRunner().invoke(app, ["recover", "--stack", "dev", *arguments])

    return ran


def state(*pending: dict[str, Any]) -> State:
    return {"version": 3, "deployment": deployment(*pending)}


def test_json_says_what_became_of_each_operation_and_shows_no_input(run: Any) -> None:
    updating = {"type": "updating", "resource": resource(ROLE, "other", INPUTS, id="other")}
    engine = Engine(state(creating(ROLE, "reader", INPUTS), updating), exists=("reader-1",))
    result = run(engine, "--yes", "--format", "json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    saved = Path(said.pop("backup"))
    assert saved.read_text() == json.dumps(state(creating(ROLE, "reader", INPUTS), updating), indent=1)
    assert saved.stat().st_mode & 0o777 == 0o600
    assert said == {
        "stack": "dev",
        "unread": [],
        "operations": [
            {
                "operation": "creating",
                "urn": urn(ROLE, "reader"),
                "type": ROLE,
                "name": "reader",
                "verdict": "adopt",
                "id": "reader-1",
                "why": "follows from the inputs",
                "commands": [],
                "exists": True,
            },
            {
                "operation": "updating",
                "urn": urn(ROLE, "other"),
                "type": ROLE,
                "name": "other",
                "verdict": "engine",
                "id": None,
                "why": "the same call is made again",
                "commands": [],
                "exists": None,
            },
        ],
    }
    assert SECRET not in result.output


def test_what_was_never_made_is_said(run: Any) -> None:
    result = run(Engine(state(creating(ROLE, "reader", INPUTS))), "--yes")
    assert result.exit_code == 0
    assert "aws:iam/role:Role reader: was never made" in result.output
    assert "recovered; run: pulumi up --stack dev" in result.output
    assert SECRET not in result.output


def test_pending_updates_alone_need_the_engine_s_refresh_alone(run: Any, tmp_path: Path) -> None:
    engine = Engine(state({"type": "updating", "resource": resource(ROLE, "r", id="r")}))
    assert run(engine, "--yes").exit_code == 0
    assert engine.imported == []
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_changed_where_nobody_can_be_asked_or_the_backup_cannot_be_written(run: Any) -> None:
    engine = Engine(state(creating(ROLE, "reader", INPUTS)))
    assert run(engine).exit_code == 2
    refused = run(engine, "--yes", "--backup", "no/such/folder")
    assert isinstance(refused.exception, RecoveryError)
    assert "was not changed" in str(refused.exception)
    assert engine.imported == []


def test_a_refresh_that_failed_is_run_again_by_the_next_recovery(run: Any) -> None:
    engine = Engine(state(creating(ROLE, "reader", INPUTS)), exists=("reader-1",), code=1)
    failed = run(engine, "--yes")
    assert isinstance(failed.exception, RecoveryError)
    assert "`slipway recover --stack dev` again" in str(failed.exception)
    engine.code = 0
    again = run(engine, "--yes")
    assert again.exit_code == 0
    assert "1 recovered resources were not read since" in again.output
    assert len(engine.imported) == 1


@pytest.mark.parametrize(
    ("pair", "says"),
    [("nat", "Write NAME=ID"), ("other=eipalloc-1", "0 pending operations have this name")],
)
def test_an_id_that_is_no_pair_or_of_no_operation_is_a_usage_error(run: Any, pair: str, says: str) -> None:
    result = run(Engine(state(creating(EIP, "nat"))), "--id", pair)
    assert result.exit_code == 2
    assert says in " ".join(result.output.replace("│", " ").split())


def test_a_person_s_id_may_stand_behind_a_urn(run: Any) -> None:
    engine = Engine(state(creating(EIP, "nat")), exists=("eipalloc-1",))
    assert run(engine, "--yes", "--id", f"{urn(EIP, 'nat')}=eipalloc-1").exit_code == 0
    assert engine.imported[0]["deployment"]["resources"][-1]["id"] == "eipalloc-1"


def fake_pulumi(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> PulumiStack:
    program = folder / "pulumi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return PulumiStack(folder, "dev")


@pytest.mark.parametrize(
    "reason",
    [
        "error: could not import deployment: the stack is currently locked by 1 lock(s). Either wait …",
        "error: [409] Conflict: Another update is currently in progress.",
    ],
)
def test_a_backend_that_holds_a_lock_refuses_and_the_way_out_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    stack = fake_pulumi(tmp_path, f"echo '{reason}' >&2; exit 255", monkeypatch)
    with pytest.raises(RecoveryError) as raised:
        stack.import_({})
    assert "is locked, and nothing was changed" in str(raised.value)
    assert "`pulumi cancel --stack dev`" in str(raised.value)


def test_an_update_that_runs_is_seen_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / ".pulumi" / "locks" / "organization" / "slipway" / "dev" / "1.json"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"pid": os.getpid(), "hostname": os.uname().nodename, "timestamp": "now"}))
    script = f"""case $1 in whoami) echo '{{"url": "file://{tmp_path}"}}';; *) echo '[]';; esac"""
    stack = fake_pulumi(tmp_path, script, monkeypatch)
    with pytest.raises(
        RecoveryError, match=rf"process {os.getpid()} on .* locked it at now, and runs\. Wait"
    ):
        stack.refuse_live_update()


def test_the_service_says_itself_that_an_update_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = """case $1 in
      whoami) echo '{"url": "https://app.pulumi.com/somebody"}';;
      *) echo '[{"name": "dev", "updateInProgress": true}]';;
    esac"""
    with pytest.raises(RecoveryError, match="says that an update is in progress"):
        fake_pulumi(tmp_path, script, monkeypatch).refuse_live_update()


def test_without_pulumi_on_the_path_the_way_to_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RecoveryError, match="slipway sandbox env"):
        PulumiStack(tmp_path, "dev").export()
