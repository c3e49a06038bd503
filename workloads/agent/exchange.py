"""One HTTP request whose answer is bounded: by a moment at which all of it has to be here, and by its length.

A socket's own timeout begins anew with each byte, so a server that sends one every few seconds holds its reader for
ever.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

_PIECE = 64 << 10


class DeadlineReader(io.RawIOBase):
    """What comes from a socket until the deadline, a moment of time.monotonic; then TimeoutError."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, deadline: float) -> None:
        super().__init__()
        self._raw = raw
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """See io.RawIOBase."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for it is over")
        self._connection.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """See io.RawIOBase."""
        self._raw.close()
        super().close()


def until(file: Any, connection: socket.socket, seconds: float) -> io.BufferedReader:
    """Return the reader of a socket (`makefile("rb")`) as one that ends after so many seconds."""
    return io.BufferedReader(DeadlineReader(file.detach(), connection, time.monotonic() + seconds))


def open_answer(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    seconds: float,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> http.client.HTTPResponse:
    """Send the request and return the answer, open, of which everything comes within the seconds.

    Raises OSError or http.client.HTTPException. The caller closes the connection.
    """

    def answer(sock: socket.socket, *args: Any, **named: Any) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(sock, *args, **named)
        response.fp = until(response.fp, sock, seconds)
        return response

    connection.response_class = answer  # type: ignore[assignment] # it is only called
    connection.request(method, path, body=body, headers=headers or {})
    return connection.getresponse()


def read_answer(answer: http.client.HTTPResponse, longest: int) -> bytes:
    """Return at most `longest` + 1 bytes: one more than allowed shows that there are more."""
    content = bytearray()
    while len(content) <= longest:
        piece = answer.read(min(_PIECE, longest + 1 - len(content)))
        if not piece:
            break
        content += piece
    return bytes(content)
