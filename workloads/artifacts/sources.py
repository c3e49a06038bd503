"""Where archives and weights come from: a folder, or a bucket. boto3 is imported only where the bucket is used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workloads.artifacts.port import ArtifactSource, SourceError

_CHUNK = 1 << 20
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 5, 20, 3
"""A source that says nothing for so long is given up; the agent comes back to it with its own back-off."""
_CONNECTIONS = 16
"""Two archives, and two artifacts with several files each, at once."""
_MISSING = {"404", "InvalidRange", "NoSuchBucket", "NoSuchKey", "NotFound"}
"""Codes of S3 that no further attempt changes; InvalidRange: the object ends before the byte that was asked for."""


class DirectorySource:
    """A folder, as on a shared volume or in tests."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def read(self, location: str, start: int = 0) -> Iterator[bytes]:
        """Yield the file's bytes from that one on. Raises SourceError."""
        path = (self._root / location).resolve()
        if self._root not in path.parents:
            raise SourceError(f"{location} lies outside {self._root}", missing=True)
        if path.exists() and not path.is_file():  # a pipe would never end
            raise SourceError(f"{path} does not exist as a file", missing=True)
        try:
            with path.open("rb") as file:
                file.seek(start)
                yield from iter(lambda: file.read(_CHUNK), b"")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise SourceError(f"{path} does not exist", missing=True) from None
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from error


class S3Source:
    """A bucket; a location is a key in it. Credentials, region and endpoint come as boto3 finds them."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, location: str, start: int = 0) -> Iterator[bytes]:
        """Yield the object's bytes from that one on. Raises SourceError."""
        from botocore.exceptions import BotoCoreError, ClientError

        where = f"s3://{self._bucket}/{location}"
        part = {"Range": f"bytes={start}-"} if start else {}
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=location, **part)["Body"]
            try:
                yield from body.iter_chunks(_CHUNK)
            finally:
                body.close()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise SourceError(f"{where}: {error}", missing=code in _MISSING) from error
        except (BotoCoreError, OSError) as error:
            raise SourceError(f"{where}: {error}") from error


def open_source(where: str) -> ArtifactSource:
    """`s3://bucket`, or the path of a folder. Raises SourceError where boto3 is needed and not there."""
    if not where.startswith("s3://"):
        return DirectorySource(Path(where))
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise SourceError(f"{where} needs boto3: {error}") from error
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        max_pool_connections=_CONNECTIONS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
    return S3Source(boto3.client("s3", config=config), where[len("s3://") :].strip("/"))
