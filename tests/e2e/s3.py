"""A bucket that answers as it is told: well, 503, or half an object and then nothing until it may go on."""

import contextlib
import http.client
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
NO_SUCH_KEY = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"


class Bucket:
    """Objects by key, at http://127.0.0.1:port/bucket/key."""

    name = "models"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refusing: set[str] = set()
        """Keys that are answered with 503."""
        self.halting: set[str] = set()
        """Keys whose second half waits for `go_on`."""
        self.cutting: set[str] = set()
        """Keys of which only the first half comes, and then the connection ends."""
        self.go_on = threading.Event()
        self.asked: list[str] = []
        self.sent: list[tuple[str, int]] = []
        """Key, and how many bytes of its object were asked for and sent."""
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                key = urllib.parse.unquote(self.path.partition("?")[0]).removeprefix(f"/{bucket.name}/")
                bucket.asked.append(key)
                if key in bucket.refusing:
                    self._answer(http.client.SERVICE_UNAVAILABLE, SLOW_DOWN)
                else:
                    found = bucket.objects.get(key)
                    if found is None:
                        self._answer(http.client.NOT_FOUND, NO_SUCH_KEY)
                        return
                    asked = self.headers.get("Range", "bytes=0-")
                    part = found[int(asked.removeprefix("bytes=").removesuffix("-")) :]
                    bucket.sent.append((key, len(part)))
                    self._answer(
                        http.client.OK if part is found else http.client.PARTIAL_CONTENT,
                        part,
                        halting=key in bucket.halting,
                        cut=key in bucket.cutting,
                    )

            def _answer(self, status: int, body: bytes, *, halting: bool = False, cut: bool = False) -> None:
                half = len(body) // 2
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:half])
                if halting:
                    self.wfile.flush()
                    bucket.go_on.wait(60)
                if cut:
                    self.close_connection = True
                    return
                self.wfile.write(body[half:])

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # the agent was killed
                    super().handle()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Tests print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.environment = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self._server.server_port}",
            "AWS_REGION": "eu-west-1",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
