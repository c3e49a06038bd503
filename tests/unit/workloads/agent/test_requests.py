"""The agent's own server, and clients that send too much, too slowly, or nothing."""

import http.client
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.workloads.agent.test_agent import document
from tests.unit.workloads.agent.test_executor import FakeTorchServe, Source
from workloads.agent import api
from workloads.agent.disk import Disk
from workloads.agent.document import MountedFile
from workloads.agent.events import NoEvents
from workloads.agent.executor import Executor
from workloads.agent.limits import LONGEST_REQUEST, MOST_CONNECTIONS
from workloads.agent.loop import Agent


@pytest.fixture(name="agent")
def _agent(tmp_path: Path) -> Agent:
    (tmp_path / "models.json").write_text(document())
    executor = Executor(Disk.at(tmp_path / "store", Source()), FakeTorchServe())
    agent = Agent(MountedFile(tmp_path / "models.json"), executor, tmp_path / "agent.json", NoEvents())
    agent.take_a_turn()
    return agent


@contextmanager
def serving(agent: Agent) -> Iterator[int]:
    server = api.serve(agent, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def answer(client: socket.socket) -> bytes:
    """Everything, until the server ends the connection."""
    pieces = []
    try:
        while piece := client.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass  # it was closed with bytes of ours unread
    return b"".join(pieces)


@pytest.mark.parametrize("lines", [1, 1000])
def test_headers_of_more_than_a_request_has_are_refused_and_not_read(agent: Agent, lines: int) -> None:
    """40 connections of 6 MB each were 240 MB of the agent's memory."""
    header = b"".join(b"X-%d: %s\r\n" % (line, b"x" * (LONGEST_REQUEST // lines)) for line in range(lines))
    with serving(agent) as port, connected(port) as client:
        client.sendall(b"GET /live HTTP/1.1\r\n" + header)
        assert answer(client).startswith(b"HTTP/1.0 431 ")


def test_a_header_without_an_end_is_refused_as_soon_as_it_is_longer_than_a_request(agent: Agent) -> None:
    with serving(agent) as port, connected(port) as client:
        client.sendall(b"GET /live HTTP/1.1\r\nX: " + b"x" * LONGEST_REQUEST)
        assert answer(client).startswith(b"HTTP/1.0 431 ")


@pytest.mark.parametrize(("longer", "status"), [(0, b"404"), (1, b"414")])
def test_a_request_line_is_taken_up_to_its_limit_and_no_further(
    agent: Agent, longer: int, status: bytes
) -> None:
    around = b"GET /%s HTTP/1.1\r\n"
    path = b"x" * (api.LONGEST_REQUEST_LINE - len(around % b"") + longer)
    with serving(agent) as port, connected(port) as client:
        client.sendall(around % path + b"\r\n")
        assert answer(client).startswith(b"HTTP/1.0 %s " % status)


SECOND = b"GET /live HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (b"POST /live HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(SECOND), b"405"),
        (b"GET /%s HTTP/1.1\r\n" % (b"x" * api.LONGEST_REQUEST_LINE), b"414"),
    ],
    ids=["a body", "behind a line that is too long"],
)
def test_what_comes_behind_a_refused_request_is_taken_for_no_other_request(
    agent: Agent, first: bytes, status: bytes
) -> None:
    with serving(agent) as port, connected(port) as client:
        client.sendall(first + SECOND)
        said = answer(client)
    assert said.startswith(b"HTTP/1.0 %s " % status)
    assert said.count(b"HTTP/1.0 ") == 1


def test_a_refusal_of_head_has_no_body(agent: Agent) -> None:
    with serving(agent) as port, connected(port) as client:
        client.sendall(b"HEAD /live HTTP/1.1\r\n\r\n")
        head, _, body = answer(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 405 ")
    assert body == b""


def test_a_client_that_says_nothing_is_left_after_a_while(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "REQUEST_SECONDS", 0.2)
    with serving(agent) as port, connected(port) as client:
        assert answer(client) == b""


def test_a_client_that_sends_a_byte_now_and_then_is_left_after_the_same_while(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "REQUEST_SECONDS", 0.3)
    over = threading.Event()
    with serving(agent) as port, connected(port) as client:

        def drip() -> None:
            while not over.wait(0.05):
                try:
                    client.sendall(b"G")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert answer(client) == b""
        finally:
            over.set()
            thread.join()


def test_a_client_that_does_not_read_its_answer_is_left_after_a_while(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(api, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(api, "versions", lambda _: (200, api.JSON, "x" * (64 << 20)))
    with caplog.at_level(logging.INFO), serving(agent) as port, connected(port) as client:
        client.sendall(b"GET /versions HTTP/1.1\r\n\r\n")
        for _ in range(400):
            if "a request was refused" in caplog.text:
                return
            threading.Event().wait(0.05)
    raise AssertionError("its connection still holds a thread")


def test_one_connection_too_many_is_closed_and_there_is_room_again_once_others_end(agent: Agent) -> None:
    with serving(agent) as port:
        with ExitStack() as held:
            clients = [held.enter_context(connected(port)) for _ in range(MOST_CONNECTIONS)]
            with connected(port) as one_too_many:
                assert answer(one_too_many) == b""
            for client in (clients[0], clients[-1]):
                client.sendall(b"GET /live HTTP/1.1\r\n\r\n")
                assert answer(client).startswith(b"HTTP/1.0 200 ")
        for _ in range(400):
            with connected(port) as client:
                client.sendall(b"GET /live HTTP/1.1\r\n\r\n")
                if answer(client).startswith(b"HTTP/1.0 200 "):
                    return
    raise AssertionError("the connections that ended still take room")


def test_a_connection_for_which_no_thread_begins_takes_no_room(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with serving(agent) as port:
        with monkeypatch.context() as patch:
            patch.setattr(ThreadingHTTPServer, "process_request", refuse)
            for _ in range(MOST_CONNECTIONS + 1):
                with connected(port) as client:
                    assert answer(client) == b""
        assert fetched(port, "/live")[0] == 200


def test_an_answer_announces_as_many_bytes_as_it_has(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "versions", lambda _: (200, api.JSON, '{"reason": "une réponse"}'))
    with serving(agent) as port, connected(port) as client:
        client.sendall(b"GET /versions HTTP/1.1\r\n\r\n")
        head, _, body = answer(client).partition(b"\r\n\r\n")
    assert body.decode() == '{"reason": "une réponse"}'
    assert f"Content-Length: {len(body)}".encode() in head.splitlines()


def test_a_page_is_made_once_for_each_turn(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    original = api.versions

    def versions(of: Agent) -> api.Answer:
        made.append(of.turn)
        return original(of)

    monkeypatch.setattr(api, "versions", versions)
    with serving(agent) as port:
        for _ in range(3):
            fetched(port, "/versions")
        agent.take_a_turn()
        fetched(port, "/versions")
    assert len(made) == 2
    assert made[0] is not made[1]


def test_an_answer_that_cannot_be_made_says_so(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: Agent) -> api.Answer:
        raise ValueError("no such thing")

    monkeypatch.setattr(api, "versions", failing)
    with serving(agent) as port:
        status, body = fetched(port, "/versions")
        assert (status, "no such thing" in body) == (500, True)
        assert fetched(port, "/live")[0] == 200


def fetched(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        found = connection.getresponse()
        return found.status, found.read().decode()
    finally:
        connection.close()
