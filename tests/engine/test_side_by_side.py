"""Two sandboxes at once, two commands in one, a clone whose path needs quoting, and who can read what."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sandbox import processes, tokens
from sandbox.inspection import Inspection
from tests.engine import crashes
from tests.engine.clones import Clone, Ran, new_clone

pytestmark = [pytest.mark.engine, pytest.mark.long]


@pytest.fixture(scope="module", name="both")
def _both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Clone, list[Ran], Clone, Ran]]:
    """Two clones brought up at the same moment, the first one by two commands at once."""
    awkward = new_clone(tmp_path_factory.mktemp("side") / "it's a clone, 100%25 & more")
    plain = new_clone(tmp_path_factory.mktemp("plain"))
    try:
        started = [clone.start_slipway("sandbox", "up", "--no-serve") for clone in (awkward, awkward, plain)]
        first, second, other = [_ended(process) for process in started]
        yield awkward, [first, second], plain, other
    finally:
        awkward.sandbox.stop()
        plain.sandbox.stop()


def _ended(process: subprocess.Popen[str]) -> Ran:
    output, _ = process.communicate()
    return Ran(process.returncode, output)


def test_two_clones_at_the_same_time_do_not_disturb_each_other(
    both: tuple[Clone, list[Ran], Clone, Ran],
) -> None:
    awkward, _, plain, other = both
    assert str(crashes.check(plain, other)) == "converged"
    ports = [set(vars(clone.sandbox.endpoints()).values()) for clone in (awkward, plain)]
    assert ports[0] & ports[1] == set()
    before = processes.running(awkward.sandbox.paths)
    assert str(crashes.check_gone(plain, plain.slipway("sandbox", "down"))) == "converged"
    assert processes.running(awkward.sandbox.paths) == before


def test_a_second_up_in_the_same_clone_waits_and_says_for_what_also_where_the_path_needs_quoting(
    both: tuple[Clone, list[Ran], Clone, Ran],
) -> None:
    awkward, ups, _, _ = both
    assert [ran.code for ran in ups] == [0, 0], [ran.output[-1000:] for ran in ups]
    waited = [ran for ran in ups if "this sandbox is in use by `slipway sandbox up` (pid " in ran.output]
    assert len(waited) == 1
    assert "created" not in waited[0].output
    assert str(crashes.check(awkward, ups[0])) == "converged"
    assert (
        awkward.in_printed_environment("pulumi stack output environment --stack sandbox").ok() == "sandbox\n"
    )
    assert awkward.shell("git status --porcelain").ok() == ""


def test_nothing_sensitive_is_plain_in_the_state_or_in_a_log(
    both: tuple[Clone, list[Ran], Clone, Ran],
) -> None:
    awkward, *_ = both
    paths = awkward.sandbox.paths
    secrets = set(tokens.of_users(paths).values())
    for file in paths.control_plane.glob("*.kubeconfig"):
        for user in json.loads(file.read_text())["users"]:
            secrets |= {value for value in user["user"].values() if isinstance(value, str)}
    secrets |= {"".join(key.read_text().splitlines()[1:-1]) for key in paths.control_plane.glob("*.key")}
    for item in Inspection(awkward.sandbox).request("GET", "/api/v1/secrets")["items"]:
        secrets |= {
            base64.b64decode(value).decode(errors="replace") for value in item.get("data", {}).values()
        }
    encoded = {base64.b64encode(secret.encode()).decode().rstrip("=") for secret in secrets}
    export = awkward.pulumi("stack", "export", "--stack", "sandbox").ok()
    raw = [path.read_text(errors="replace") for path in paths.backend.rglob("*") if path.is_file()]
    logs = [path.read_text(errors="replace") for path in paths.logs.iterdir()]
    leaked = [word[:12] for word in secrets | encoded for text in (export, *raw, *logs) if word in text]
    assert len(secrets) >= 6
    assert leaked == []


def test_keys_tokens_and_kubeconfigs_are_readable_by_their_owner_alone(
    both: tuple[Clone, list[Ran], Clone, Ran],
) -> None:
    folder = both[0].sandbox.paths.control_plane
    assert {_mode(folder), _mode(folder.parent)} == {0o700}, "the state lies in the sandbox's own folder"
    files = [path for pattern in ("*.key", "*.csv", "*.kubeconfig") for path in folder.rglob(pattern)]
    assert {"admin.kubeconfig", "server.key", "service-account.key", "tokens.csv"} <= {f.name for f in files}
    assert {path.name: _mode(path) for path in files if _mode(path) != 0o600} == {}


def test_every_process_listens_on_loopback_only(both: tuple[Clone, list[Ran], Clone, Ran]) -> None:
    addresses = set()
    for process in processes.running(both[0].sandbox.paths).values():
        for member in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
            listening = [c for c in member.net_connections("inet") if c.status == psutil.CONN_LISTEN]
            addresses |= {connection.laddr.ip for connection in listening}
    assert addresses == {"127.0.0.1"}


def test_down_after_the_account_was_started_anew_leaves_nothing_and_disturbs_no_other_clone(
    both: tuple[Clone, list[Ran], Clone, Ran],
) -> None:
    awkward, _, plain, _ = both
    before = processes.running(plain.sandbox.paths)
    awkward.slipway("sandbox", "stop").ok()
    awkward.slipway("sandbox", "start").ok()
    crashes.take_down(awkward)
    assert processes.running(plain.sandbox.paths) == before


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
