"""moto's S3 over HTTP, stricter and weaker than moto: it counts requests, can be told to fail, and keeps what moto
ignores (5.2.5): a copy's conditions, the ETags of what DeleteObjects deletes, the expected owner of a bucket, and the
SHA-256 that comes with an object or part: it is compared, listed with parts, demanded as an upload is completed, and
said to be of parts.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html say what the conditions do,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html what checksums do.
"""

import base64
import hashlib
import io
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import boto3
import moto.backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

ACCOUNT = "123456789012"
REGION = "eu-west-1"
_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_CODES = {409: "ConditionalRequestConflict", 503: "SlowDown"}
Hook = Callable[[str, str], int | None]
"""Operation and key → status to refuse it with, or None. Called before the request is served."""


def _let_pass(_operation: str, _key: str) -> int | None:
    return None


class StrictS3:
    """The WSGI application, and the account behind it."""

    def __init__(self) -> None:
        self._inner: Any = DomainDispatcherApplication(create_backend_app)
        self._conditions = threading.Lock()
        self._counting = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.hook: Hook = _let_pass
        self.cuts: list[int] = []
        """The next answers to GET end after so many bytes, although they announce more."""
        self.url = ""

    @cached_property
    def _client(self) -> Any:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 (moto asks for none)
        )

    def client(self) -> Any:
        """A client of one's own, to do things behind everybody's back."""
        return self._client

    def stored(self, bucket: str, key: str) -> Any:
        """moto's own object, below S3's interface; None when there is none, or no bucket."""
        with suppress(MissingBucket):
            return s3_backends[ACCOUNT]["aws"].get_object(bucket, key)
        return None

    def stored_put(self, bucket: str, key: str, body: bytes) -> None:
        """Writes below S3's interface, so also from within a hook."""
        s3_backends[ACCOUNT]["aws"].put_object(bucket, key, body)

    def stored_remove(self, bucket: str, key: str) -> None:
        """Removes below S3's interface."""
        s3_backends[ACCOUNT]["aws"].delete_object(bucket, key)

    def make_bucket(self, name: str, *, versions: bool = False) -> str:
        """A new, empty bucket."""
        client = self.client()
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        if versions:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"].encode("latin-1").decode()
        bucket, _, key = path.lstrip("/").partition("/")
        operation = _operation(environ)
        with self._counting:
            self.counts[operation] += 1
        status = self.hook(operation, key)
        if status is not None:
            return _refused(start_response, status, _CODES.get(status, "AccessDenied"))
        owner, source_owner = (
            environ.get(f"HTTP_X_AMZ_{which}EXPECTED_BUCKET_OWNER") for which in ("", "SOURCE_")
        )
        if {owner, source_owner} - {None, ACCOUNT}:
            return _refused(start_response, 403, "AccessDenied")
        if "HTTP_X_AMZ_CHECKSUM_SHA256" in environ and not _is_intact(environ):
            return _refused(start_response, 400, "BadDigest")
        if operation == "GET uploadId":
            return self._parts(environ, start_response, bucket)
        if operation == "POST uploadId" and not self._names_checksums(environ, bucket):
            return _refused(start_response, 400, "InvalidRequest")
        if operation == "POST delete":
            with self._conditions:
                return self._deleted(environ, start_response, bucket)
        if operation == "HEAD":
            return self._served(environ, self._of_parts(start_response, bucket, key))
        if "HTTP_X_AMZ_COPY_SOURCE" not in environ:
            return self._served(environ, start_response)
        with self._conditions:
            if not self._holds(environ, bucket, key):
                return _refused(start_response, 412, "PreconditionFailed")
            return self._served(environ, start_response)

    def _deleted(self, environ: dict[str, Any], start_response: Any, bucket: str) -> Iterable[bytes]:
        """DeleteObjects: what has another ETag than the request names stays, and is an error of its own."""
        body = _body(environ)
        document = ElementTree.fromstring(body)  # noqa: S314 (the tests' own requests)
        refused = []
        for entry in list(document.iter(f"{_NAMESPACE}Object")):
            wanted, key = entry.findtext(f"{_NAMESPACE}ETag"), entry.findtext(f"{_NAMESPACE}Key") or ""
            there = None if wanted is None else self.stored(bucket, key)
            if wanted is not None and (there is None or there.etag.strip('"') != wanted.strip('"')):
                code = "NoSuchKey" if there is None else "PreconditionFailed"
                refused.append(f"<Error><Key>{escape(key)}</Key><Code>{code}</Code></Error>")
                document.remove(entry)
        answer: list[bytes] = [b"<DeleteResult></DeleteResult>"]
        if document.find(f"{_NAMESPACE}Object") is not None:
            body = ElementTree.tostring(document, default_namespace=_NAMESPACE[1:-1])
            environ["CONTENT_LENGTH"], environ["wsgi.input"] = str(len(body)), io.BytesIO(body)
            answer = list(self._inner(environ, lambda *_: None))
        whole = b"".join(answer).replace(b"</DeleteResult>", f"{''.join(refused)}</DeleteResult>".encode())
        start_response("200 OK", [("Content-Type", "application/xml"), ("Content-Length", str(len(whole)))])
        return [whole]

    def _of_parts(self, start_response: Any, bucket: str, key: str) -> Any:
        """S3 ends the checksum of parts with their number; moto's HEAD leaves it out (5.2.5), unlike its GET."""
        there = self.stored(bucket, key) if key else None
        if there is None or there.checksum_type != "COMPOSITE":
            return start_response
        name = f"x-amz-checksum-{there.checksum_algorithm.lower()}"

        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            ended = [
                (header, f"{value}-{there.checksum_parts}" if header.lower() == name else value)
                for header, value in headers
            ]
            return start_response(status, [*ended, ("x-amz-checksum-type", "COMPOSITE")], *rest)

        return started

    def _upload(self, environ: dict[str, Any], bucket: str) -> Any:
        """moto's own upload, where S3 has a SHA-256 of each part; else None."""
        (upload_id,) = parse_qs(environ["QUERY_STRING"])["uploadId"]
        found = s3_backends[ACCOUNT]["aws"].get_bucket(bucket).multiparts.get(upload_id)
        hashed = found is not None and found.metadata.get("x-amz-checksum-algorithm") == "SHA256"
        return found if hashed else None

    def _parts(self, environ: dict[str, Any], start_response: Any, bucket: str) -> Iterable[bytes]:
        upload = self._upload(environ, bucket)
        if upload is None:
            return self._served(environ, start_response)

        def with_checksum(found: re.Match[bytes]) -> bytes:
            value = _sha256(upload.parts[int(found[1])].value).encode()
            return b"%b<ChecksumSHA256>%b</ChecksumSHA256>" % (found[0], value)

        answer = b"".join(self._inner(environ, lambda *_: None))
        whole = re.sub(rb"<PartNumber>(\d+)</PartNumber>", with_checksum, answer)
        start_response("200 OK", [("Content-Type", "application/xml"), ("Content-Length", str(len(whole)))])
        return [whole]

    def _names_checksums(self, environ: dict[str, Any], bucket: str) -> bool:
        """Whether a completion names the SHA-256 of each part, as S3 demands where it has them."""
        upload = self._upload(environ, bucket)
        document = ElementTree.fromstring(_body(environ))  # noqa: S314 (the tests' own requests)
        named = {
            int(part.findtext(f"{_NAMESPACE}PartNumber") or 0): part.findtext(f"{_NAMESPACE}ChecksumSHA256")
            for part in document.iter(f"{_NAMESPACE}Part")
        }
        return upload is None or all(
            number in upload.parts and said == _sha256(upload.parts[number].value)
            for number, said in named.items()
        )

    def _served(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._inner(environ, start_response)
        if self.cuts and _operation(environ) == "GET":
            return [b"".join(answer)[: self.cuts.pop()]]
        return answer

    def _holds(self, environ: dict[str, Any], bucket: str, key: str) -> bool:
        there = self.stored(bucket, key)
        source_bucket, _, source_key = unquote(environ["HTTP_X_AMZ_COPY_SOURCE"]).lstrip("/").partition("/")
        source = self.stored(source_bucket, source_key)
        if environ.get("HTTP_IF_NONE_MATCH") == "*" and there is not None:
            return False
        wanted = environ.get("HTTP_IF_MATCH")
        if wanted and (there is None or there.etag != wanted):
            return False
        wanted = environ.get("HTTP_X_AMZ_COPY_SOURCE_IF_MATCH")
        return not wanted or source is None or bool(source.etag == wanted)


def _body(environ: dict[str, Any]) -> bytes:
    """The request's body, which can be read again."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _is_intact(environ: dict[str, Any]) -> bool:
    return bool(_sha256(_body(environ)) == environ["HTTP_X_AMZ_CHECKSUM_SHA256"])


def _sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _operation(environ: dict[str, Any]) -> str:
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    method: str = environ["REQUEST_METHOD"]
    if "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return "copy part" if "uploadId" in query else "copy"
    for name in ("versions", "list-type", "uploads", "uploadId", "delete"):
        if name in query:
            return f"{method} {name}"
    return method


def _refused(start_response: Any, status: int, code: str) -> Iterable[bytes]:
    body = f"<Error><Code>{code}</Code><Message>as the test wants it</Message></Error>".encode()
    start_response(
        f"{status} {code}", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
    )
    return [body]


@contextmanager
def strict_s3() -> Iterator[StrictS3]:
    """Serves on a free port of loopback until the end."""
    # Half of a request's time otherwise: moto lists its own package's folders, and werkzeug logs a line.
    modules = list(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: iter(modules)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    application = StrictS3()
    server = make_server("127.0.0.1", 0, application, threaded=True)
    application.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield application
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
