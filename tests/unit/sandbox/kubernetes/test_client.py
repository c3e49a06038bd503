import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.kubernetes.client import ApiClient, ApiError, CancelledError, UnreachableError

Make = Callable[..., ApiClient]


def _in_turn(*answers: tuple[int, dict[str, Any]]) -> Callable[[Any], tuple[int, dict[str, Any]]]:
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_busy_server_is_asked_again(server: Any, client_for: Make) -> None:
    server.answer = _in_turn((429, {}), (503, {}), (200, {"kind": "Pod"}))
    assert client_for(server.url, patience=5).get("/x") == {"kind": "Pod"}
    assert len(server.asked) == 3


def test_a_refusal_is_not_repeated(server: Any, client_for: Make) -> None:
    server.answer = _in_turn(
        (422, {"reason": "Invalid", "message": "no", "details": {"causes": [{"field": "a"}]}})
    )
    with pytest.raises(ApiError) as caught:
        client_for(server.url).get("/x")
    assert (caught.value.reason, caught.value.causes[0].field, len(server.asked)) == ("Invalid", "a", 1)


def test_a_server_that_is_down_is_an_error_with_the_fix(client_for: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(UnreachableError, match=r"does not answer .*; run `slipway sandbox start`"):
        client_for(url).get("/x")


def test_an_answer_of_401_fetches_a_new_exec_credential_once(
    tmp_path: Path, server: Any, client_for: Make
) -> None:
    command = tmp_path / "credential"
    command.write_text(
        f"#!/bin/sh\necho x >> {tmp_path}/runs\n"
        'echo \'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",\''
        f'\'"status":{{"token":"t\'$(wc -l < {tmp_path}/runs)\'"}}}}\'\n'
    )
    command.chmod(0o755)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(command)}}
    server.answer = _in_turn((401, {"reason": "Unauthorized"}), (200, {}))
    assert client_for(server.url, user).get("/x") == {}
    assert [asked.token for asked in server.asked] == ["t1", "t2"]
    server.answer = lambda _: (401, {"reason": "Unauthorized"})
    with pytest.raises(ApiError):
        client_for(server.url, user).get("/x")


def test_a_redirect_is_not_followed(server: Any, client_for: Make) -> None:
    server.answer = lambda _: (302, {})
    client_for(server.url).get("/x")
    assert len(server.asked) == 1


def test_a_watch_yields_each_line(server: Any, client_for: Make) -> None:
    events = [{"type": "ADDED", "object": {"a": 1}}, {"type": "DELETED", "object": {"a": 1}}]
    server.answer = lambda _: (200, {"lines": "\n".join(json.dumps(event) for event in events) + "\n"})
    seen = [event.type for event in client_for(server.url).watch("/pods", {}, "7", 3)]
    assert seen == ["ADDED", "DELETED"]
    assert "resourceVersion=7" in server.asked[0].path


def test_a_watch_that_is_too_far_behind_says_so(server: Any, client_for: Make) -> None:
    server.answer = lambda _: (200, {"lines": '{"type":"ERROR","object":{"code":410,"message":"too old"}}\n'})
    with pytest.raises(ApiError, match="too old") as caught:
        list(client_for(server.url).watch("/pods", {}, "7", 3))
    assert caught.value.status == 410


def test_after_a_cancel_nothing_waits_any_more(server: Any, client_for: Make) -> None:
    client = client_for(server.url)
    client.cancel()
    with pytest.raises(CancelledError):
        list(client.watch("/pods", {}, "7", 3))
