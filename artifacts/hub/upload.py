"""A large file goes to S3 in parts, and nobody sees it before all its bytes have given the SHA-256 that the Hub
publishes.

An upload that a killed run has left is taken up: S3 has the SHA-256 of each of its parts, and a part that is there is
not sent again. Its bytes are read from the Hub again all the same, since the SHA-256 of a whole needs every byte.
"""

from __future__ import annotations

import base64
import hashlib
import threading

from artifacts.digest import FileDigest
from artifacts.hub.ordered_hash import OrderedHash
from artifacts.hub.place import MirrorPlace, StoredPart, Unfinished


class OtherBytesError(Exception):
    """The parts do not give the SHA-256 that they should; the upload was thrown away."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(found)


class PartsUpload:
    """Takes the parts of one file from many threads, in whatever order they finish."""

    def __init__(
        self, place: MirrorPlace, file: FileDigest, count: int, left: Unfinished | None, halt: threading.Event
    ) -> None:
        """`count` parts make the file, whose SHA-256 the Hub publishes; `left` is an upload to take up."""
        self._place = place
        self._file = file
        self._count = count
        self._left = left
        self._hash = OrderedHash(halt)
        self._lock = threading.Lock()
        self._upload: Unfinished | None = None
        self._there: dict[int, StoredPart] = {}
        self._done: dict[int, StoredPart] = {}

    def add(self, number: int, content: bytes | bytearray) -> bool:
        """Send a part unless S3 has it, and complete the file with the last one. Return whether it was sent.

        Raises:
            OtherBytesError: these are not the file's bytes.
            StorageError: S3 does not take it.
            StoppedError: the work ended before.
        """
        self._hash.update(number, content)
        upload = self._begun()
        sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
        there = self._there.get(number)
        known = there is not None and there.sha256 == sha256
        part = there if there is not None and known else self._place.put_part(upload, number, content, sha256)
        with self._lock:
            self._done[number] = part
            whole = len(self._done) == self._count
        if whole:
            self._complete(upload)
        return not known

    def _begun(self) -> Unfinished:
        with self._lock:
            if self._upload is None and self._left is not None:
                self._there = self._place.parts(self._left)
                self._upload = self._left
            if self._upload is None:
                begun = self._place.begin(self._file)
                self._upload = Unfinished(name=self._file.name, upload_id=begun, hashed=True)
            return self._upload

    def _complete(self, upload: Unfinished) -> None:
        found = self._hash.hexdigest()
        if found != self._file.sha256:
            self._place.end(upload)
            raise OtherBytesError(found)
        self._place.complete(upload, self._done)
