"""A Hugging Face Hub on loopback: its API, its redirects to a content network on another host, and its refusals.

It speaks what huggingface_hub 2.4.0 asks for (hf_api.py, file_download.py, utils/_http.py): descriptions, trees in
pages, `/resolve/` with ETag, ranges, 401, 403 and 404; a hook answers anything else. Every request is recorded.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "3ad372fc79158a2148299e3318516c786aeded6c"
SIGNATURE = "X-Amz-Signature=0f00d5e1"
"""Part of the addresses on the content network that nobody else may see."""


@dataclass(frozen=True)
class Asked:
    """One request."""

    host: str
    """hub or cdn."""
    path: str
    authorization: str | None
    range: str | None


@dataclass(frozen=True)
class Refusal:
    """An answer in place of the right one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


Hook = Callable[[Asked], Refusal | None]


@dataclass
class FakeRepository:
    """One repository with one commit."""

    files: dict[str, bytes]
    commit: str = COMMIT
    branch: str = "main"
    gated: bool = False
    large: tuple[str, ...] = (".safetensors", ".bin", ".pt")
    """Endings of the files that are in LFS."""
    altered: dict[str, bytes] = field(default_factory=dict)
    """Sent in place of what is listed."""

    def is_large(self, name: str) -> bool:
        return name.endswith(self.large)


class FakeHub:
    """The state that two servers share: the Hub and the content network."""

    def __init__(self) -> None:
        self.repositories: dict[str, FakeRepository] = {}
        self.token = "hf_secret_of_the_test"  # noqa: S105 (nobody's)
        self.page = 1000
        self.asked: list[Asked] = []
        self.hook: Hook = lambda _: None
        self.cuts: list[int] = []
        """Answers of the content network that are longer end after so many bytes, although they announce more."""
        self.url = ""
        self.content_url = ""
        self._lock = threading.Lock()

    def add(self, name: str, files: dict[str, bytes], **settings: Any) -> FakeRepository:
        repository = FakeRepository(files=files, **settings)
        self.repositories[name] = repository
        return repository

    def record(self, asked: Asked) -> Refusal | None:
        with self._lock:
            self.asked.append(asked)
        return self.hook(asked)

    def cut(self, size: int) -> int | None:
        with self._lock:
            return self.cuts.pop() if self.cuts and self.cuts[-1] < size else None

    def of(self, host: str) -> list[Asked]:
        with self._lock:
            return [asked for asked in self.asked if asked.host == host]

    def content(self, sha256: str) -> tuple[FakeRepository, str]:
        for repository in self.repositories.values():
            for name, body in repository.files.items():
                if hashlib.sha256(body).hexdigest() == sha256:
                    return repository, name
        raise KeyError(sha256)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub
    host: str

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        asked = Asked(self.host, self.path, self.headers.get("Authorization"), self.headers.get("Range"))
        refusal = self.hub.record(asked)
        if refusal is not None:
            self._send(refusal.status, b"", refusal.headers)
        elif self.host == "cdn":
            self._content()
        else:
            self._answer()

    def _answer(self) -> None:
        address = urlsplit(self.path)
        api = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/([^/]+)", address.path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", address.path)
        found = api or file
        assert found is not None, self.path
        repository = self.hub.repositories.get(found[1])
        known = self.headers.get("Authorization") == f"Bearer {self.hub.token}"
        if repository is None:
            self._refused(404 if known else 401, "RepoNotFound")
        elif api and api[2] == "revision":
            self._description(found[1], repository, unquote(api[3]))
        elif api:
            self._tree(repository, api[3], int(parse_qs(address.query).get("cursor", ["0"])[0]))
        elif file and repository.gated and not known:
            self._refused(403 if self.headers.get("Authorization") else 401, "GatedRepo")
        elif file:
            self._file(repository, file[2], unquote(file[3]))

    def _description(self, name: str, repository: FakeRepository, revision: str) -> None:
        if revision not in (repository.commit, repository.branch):
            self._refused(404, "RevisionNotFound")
            return
        siblings = [{"rfilename": path} for path in repository.files]
        self._json({"id": name, "sha": repository.commit, "gated": repository.gated, "siblings": siblings})

    def _tree(self, repository: FakeRepository, commit: str, first: int) -> None:
        assert commit == repository.commit, "a moving name was used"
        entries = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": "folder"}]
        entries += [_entry(repository, name) for name in repository.files]
        following = first + self.hub.page
        link = {
            "Link": f'<{self.hub.url}{urlsplit(self.path).path}?recursive=true&cursor={following}>; rel="next"'
        }
        self._json(entries[first:following], link if following < len(entries) else {})

    def _file(self, repository: FakeRepository, commit: str, name: str) -> None:
        assert commit == repository.commit, "a moving name was used"
        if name not in repository.files:
            self._refused(404, "EntryNotFound")
        elif repository.is_large(name):
            body = repository.files[name]
            sha256 = hashlib.sha256(body).hexdigest()
            headers = {
                "Location": f"{self.hub.content_url}/{sha256}?{SIGNATURE}",
                "X-Linked-Etag": f'"{sha256}"',
                "X-Linked-Size": str(len(body)),
                "X-Repo-Commit": commit,
            }
            self._send(302, b"", headers)
        else:
            self._ranged(repository.altered.get(name, repository.files[name]))

    def _content(self) -> None:
        if self.headers.get("Authorization") or SIGNATURE not in self.path:
            self._send(400, b"only one authentication mechanism is allowed", {})
            return
        repository, name = self.hub.content(urlsplit(self.path).path.strip("/"))
        self._ranged(repository.altered.get(name, repository.files[name]))

    def _ranged(self, body: bytes) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        etag = {"ETag": f'"{hashlib.sha256(body).hexdigest()}"', "Accept-Ranges": "bytes"}
        if wanted is None:
            self._send(200, body, etag)
            return
        first, last = int(wanted[1]), int(wanted[2])
        etag["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        self._send(206, body[first : last + 1], etag)

    def _json(self, value: Any, headers: dict[str, str] | None = None) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _refused(self, status: int, code: str) -> None:
        self._send(status, b"", {"X-Error-Code": code, "X-Error-Message": "as the test wants it"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        cut = self.hub.cut(len(body)) if self.host == "cdn" else None
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True


def _entry(repository: FakeRepository, name: str) -> dict[str, Any]:
    body = repository.files[name]
    if not repository.is_large(name):
        return {"type": "file", "path": name, "size": len(body), "oid": _git_blob(body)}
    sha256 = hashlib.sha256(body).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {len(body)}\n".encode()
    lfs = {"oid": sha256, "size": len(body), "pointerSize": len(pointer)}
    return {"type": "file", "path": name, "size": len(body), "oid": _git_blob(pointer), "lfs": lfs}


def _git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324 (git's own)


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Serves on free ports of loopback until the end; the content network is another host to a client."""
    hub = FakeHub()
    servers = []
    for host in ("hub", "cdn"):
        handler = type("Handler", (_Handler,), {"hub": hub, "host": host})
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
    hub.url = f"http://127.0.0.1:{servers[0].server_port}"
    hub.content_url = f"http://localhost:{servers[1].server_port}"
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
