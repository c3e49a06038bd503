"""Answers that come a byte at a time, without an end, or never."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from workloads.agent.exchange import open_answer, read_answer, until

SECONDS = 0.5
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@contextmanager
def dripping(head: bytes, drop: bytes) -> Iterator[str]:
    """A server that sends the head at once, and then a drop every 20 ms."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            try:
                connection.sendall(head)
                while drop and not over.wait(0.02):
                    connection.sendall(drop)
                over.wait(20)
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        thread.join()
        listener.close()


def asked(address: str, longest: int) -> bytes:
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        return read_answer(open_answer(connection, "GET", "/", SECONDS), longest)
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (HEAD, b"x"),
        (HEAD[:-2] + b"X: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"", b""),
    ],
    ids=["body", "header", "continue", "chunks", "silence"],
)
def test_all_of_an_answer_has_to_come_in_time(head: bytes, drop: bytes) -> None:
    """A socket's own timeout, 20 s here, begins anew with each byte."""
    with dripping(head, drop) as address:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            asked(address, 10**6)
        assert SECONDS <= time.monotonic() - began < 15


@pytest.mark.parametrize("longest", [100, 64 << 10], ids=["within a piece", "as long as a piece"])
def test_no_more_of_an_answer_is_read_than_shows_that_it_is_too_long(longest: int) -> None:
    with dripping(HEAD + b"x" * (longest + 5000), b"") as address:
        assert asked(address, longest) == b"x" * (longest + 1)


def test_an_answer_as_long_as_allowed_is_read_whole_and_shows_no_more() -> None:
    with dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 5000, b"") as address:
        assert asked(address, 100) == b"x" * 100, "what comes behind the announced length is none of it"


def test_what_is_there_already_is_not_read_once_the_time_is_over() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"x")
        with pytest.raises(TimeoutError):
            until(ours.makefile("rb"), ours, -1.0).read(1)
