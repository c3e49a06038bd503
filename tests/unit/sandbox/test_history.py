"""Which update last changed a server."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.history import changes, last_change_of

BEGAN = 1_795_365_464  # 2026-11-22T16:37:44Z


@pytest.fixture(name="backend")
def _backend(tmp_path: Path) -> Path:
    """Three updates, a minute apart; the second changed nothing."""
    folder = tmp_path / ".pulumi" / "history" / "slipway" / "sandbox"
    folder.mkdir(parents=True)
    for index, resource_changes in enumerate(({"create": 3}, {"same": 3}, {"same": 2, "update": 1})):
        entry = {
            "startTime": BEGAN + 60 * index,
            "endTime": BEGAN + 60 * index + 10,
            "environment": {"git.head": f"{index}" * 40, "git.dirty": "true" if index else "false"},
            "resourceChanges": resource_changes,
        }
        (folder / f"sandbox-{index}.history.json").write_text(json.dumps(entry))
    return tmp_path


def _deployment(modified: str) -> list[dict[str, Any]]:
    urn = "urn:pulumi:sandbox::slipway::slipway:serving:TorchServeStack$kubernetes:apps/v1:Deployment::reader-server"
    return [{"urn": urn, "modified": modified}]


def test_only_updates_that_changed_something_are_counted(backend: Path) -> None:
    assert [change.commit[0] for change in changes(backend, "sandbox")] == ["0", "2"]


@pytest.mark.parametrize(
    ("modified", "said"),
    [
        ("2026-11-22T16:37:51.687041243Z", "update 1 of 2026-11-22 16:37:54 UTC, commit 000000000"),
        (
            "2026-11-22T16:39:50.1Z",
            "update 2 of 2026-11-22 16:39:54 UTC, commit 222222222 and uncommitted changes",
        ),
    ],
)
def test_a_server_s_last_change_is_the_update_during_which_its_deployment_was_modified(
    backend: Path, modified: str, said: str
) -> None:
    change = last_change_of("reader", _deployment(modified), changes(backend, "sandbox"))
    assert str(change) == said


def test_a_change_that_no_update_of_the_history_covers_is_unknown_and_not_guessed(backend: Path) -> None:
    known = changes(backend, "sandbox")
    assert last_change_of("reader", _deployment("2026-11-22T12:00:00Z"), known) is None
    assert last_change_of("another", _deployment("2026-11-22T16:37:51Z"), known) is None
