"""Answers of the Kubernetes API that make no sense: the watch is begun again."""

import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workloads.agent.test_watch import (
    BOOKMARK,
    PATH,
    _account,
    _server,
    config_map,
    events,
    follow_until,
    listed,
)
from tests.unit.workloads.http_server import Answers
from workloads.agent.limits import LONGEST_EVENT

__all__ = ["_account", "_server"]


@pytest.mark.parametrize(
    "answer",
    [
        b"[" * 100_000,
        b'{"items": [], "metadata": {"resourceVersion": Infinity}}',
        listed({"metadata": {}, "data": {"models.json": {"no": "text"}}}, version=8),
        {"items": [], "metadata": {"resourceVersion": "9" * 1000}},
        json.dumps(listed(config_map("x" * LONGEST_EVENT, 7), version=8)).encode(),
    ],
    ids=["deep", "infinite", "no text", "a long version", "too long"],
)
def test_an_answer_that_makes_no_sense_is_asked_for_again(
    server: Answers, account: Path, tmp_path: Path, answer: Any
) -> None:
    server.put("GET", PATH, answer)
    server.put("GET", PATH, listed(config_map("two", 7), version=8))
    server.put("GET", PATH, events(BOOKMARK))
    follow_until(server, account, "two", tmp_path / "none")


def test_an_event_without_an_end_ends_the_watch_and_no_more_of_it_is_read_than_shows_that(
    server: Answers, account: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    original = http.client.HTTPResponse.readline

    def readline(self: http.client.HTTPResponse, limit: int = -1) -> bytes:
        line = original(self, limit)
        sizes.append(len(line))
        return line

    monkeypatch.setattr(http.client.HTTPResponse, "readline", readline)
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, b'{"type": "MODIFIED", "object": "' + b"x" * (2 * LONGEST_EVENT))
    server.put("GET", PATH, listed(config_map("two", 9), version=10))
    follow_until(server, account, "two", tmp_path / "none")
    assert sizes == [LONGEST_EVENT + 1]
