"""An update killed in the middle of a create, `slipway recover`, and the next update: one object, and no change.

The provider is this test's own and takes over nothing; the engine, its backend and its state are real.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from recovery import Candidate, Question, RecoveryError, carry_out, make_plan
from tests.engine.recovery.accounts import STACK, Account, make_account

pytestmark = pytest.mark.engine

ROLE, EIP = "aws:iam/role:Role", "aws:ec2/eip:Eip"
MOMENTS = pytest.mark.parametrize("moment", ["before", "after"], ids=["not made", "made"])


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    made = make_account(tmp_path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("cli.recover_command.CLONE", made.folder)
    return made


def slipway(*arguments: str, code: int = 0) -> str:
    ran = CliRunner().invoke(app, ["recover", "--stack", STACK, *arguments])
    if isinstance(ran.exception, Exception) and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    assert ran.exit_code == code, ran.output
    return ran.output


def recover(account: Account) -> dict[str, Any]:
    """`slipway recover`, behind `pulumi cancel`: the engine that was killed left its lock."""
    account.ok("cancel", "--yes", STACK)
    shown = slipway("--yes", "--backup", str(account.folder), "--format", "json")
    recovered: dict[str, Any] = json.loads(shown[shown.index('{\n  "stack"') :])
    assert account.pending() == []
    return recovered


def converges(account: Account) -> None:
    """One role with its policy exists after the next update, and the one after it changes nothing."""
    account.up()
    (role,) = [name for name in account.made() if ":" not in name]
    assert account.made() == [role, f"{role}:read"]
    assert json.loads(account.run("stack", "output", "--json").stdout) == {"role": role}
    assert account.up() == {}
    account.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")


@MOMENTS
def test_a_first_create(account: Account, moment: str) -> None:
    account.killed_up(moment, ROLE)
    assert account.pending() == ["creating"]
    made = account.made()
    (operation,) = recover(account)["operations"]
    assert (operation["verdict"], operation["exists"]) == ("adopt", moment == "after")
    assert account.made() == made
    account.up()
    assert set(made) <= set(account.made()), "what was made is used"
    converges(account)


@MOMENTS
def test_a_replacement_that_creates_first(account: Account, moment: str) -> None:
    account.up()
    (old, _) = account.made()
    account.settings["path"] = "/other/"
    account.killed_up(moment, ROLE)
    (operation,) = recover(account)["operations"]
    assert (operation["verdict"], operation["exists"]) == ("remove", moment == "after")
    assert account.up()["replace"] == 2
    assert old not in account.made()
    converges(account)


@MOMENTS
def test_a_replacement_that_deletes_first(account: Account, moment: str) -> None:
    account.settings["delete_first"] = True
    account.up()
    account.settings["path"] = "/other/"
    account.killed_up(moment, ROLE)
    made = account.made()
    (operation,) = recover(account)["operations"]
    assert (operation["verdict"], operation["exists"]) == ("adopt", moment == "after")
    account.up()
    assert set(made) <= set(account.made()), "what was made is used"
    converges(account)


def test_after_an_update_that_made_another_one_the_one_in_use_stays(account: Account) -> None:
    """The engine warns of the pending create, goes on, and keeps it pending."""
    account.killed_up("after", ROLE)
    (lost,) = account.made()
    account.ok("cancel", "--yes", STACK)
    account.up()
    assert account.pending() == ["creating"]
    used = [name for name in account.made() if name != lost and ":" not in name]
    (operation,) = recover(account)["operations"]
    assert (operation["verdict"], operation["id"]) == ("remove", lost)
    account.up()
    assert [name for name in account.made() if ":" not in name] == used
    converges(account)


@MOMENTS
def test_a_create_whose_id_aws_chooses(account: Account, moment: str) -> None:
    account.settings["address"] = True
    account.killed_up(moment, EIP)
    made = account.made()
    account.ok("cancel", "--yes", STACK)

    def look(question: Question) -> Sequence[Candidate]:
        assert question.tags == {"Name": "nat", "path": "/"}
        return [Candidate(id=id_, import_id=id_) for id_ in made]

    carry_out(make_plan(account.export(), look), account.export, account.import_)
    account.ok("refresh", "--yes", "--skip-preview")
    account.up()
    assert len(account.made()) == 1
    assert set(made) <= set(account.made())
    assert account.up() == {}


@MOMENTS
def test_an_update_that_comes_before_the_refresh_reads_first(account: Account, moment: str) -> None:
    account.killed_up(moment, ROLE)
    account.ok("cancel", "--yes", STACK)
    carry_out(make_plan(account.export(), lambda _: ()), account.export, account.import_)
    converges(account)


def test_a_destroy_after_it_leaves_nothing(account: Account) -> None:
    account.killed_up("after", ROLE)
    recover(account)
    account.ok("destroy", "--yes", "--skip-preview")
    assert account.made() == []


def test_a_locked_stack_and_a_dry_run_and_a_second_run_change_nothing(account: Account) -> None:
    account.killed_up("after", ROLE)
    before = account.export()
    with pytest.raises(
        RecoveryError, match=r"is locked, and nothing was changed: process \d+ on .* runs no more"
    ):
        slipway("--yes")
    account.ok("cancel", "--yes", STACK)
    shown = slipway("--dry-run")
    assert re.search(r"creating +aws:iam/role:Role +reader +adopt +reader-", shown)
    assert "nobody can be asked here" in slipway(code=2)
    assert account.export() == before
    saved = recover(account)["backup"]
    assert Path(saved).stat().st_mode & 0o777 == 0o600
    assert json.loads(Path(saved).read_text()) == before
    after = account.export()
    assert "nothing to recover, no operation is pending" in slipway("--yes")
    assert account.export() == after


def test_what_is_undecided_stays_pending_until_a_person_decides(account: Account) -> None:
    account.settings["address"] = True
    account.killed_up("after", EIP)
    account.ok("cancel", "--yes", STACK)
    before, (made,) = account.export(), account.made()
    shown = slipway("--yes", code=1)
    assert "AWS" in shown
    assert "look: aws ec2 describe-addresses --region eu-west-1 --filters Name=tag:Name,Values=nat" in shown
    assert account.export() == before
    slipway("--yes", "--backup", str(account.folder), "--id", f"nat={made}")
    assert account.up() == {}
    assert account.made() == [made]


def test_what_is_undecided_is_forgotten_on_demand(account: Account) -> None:
    account.settings["address"] = True
    account.killed_up("after", EIP)
    account.ok("cancel", "--yes", STACK)
    slipway("--yes", "--backup", str(account.folder), "--forget-undecided")
    assert account.pending() == []
    account.up()
    assert len(account.made()) == 2, "the engine makes another one: it is for a person to delete the first"
