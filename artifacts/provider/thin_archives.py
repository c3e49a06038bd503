"""The life of a ThinArchive: built here from released handler code, put where it is not there yet, looked over by a
refresh, written anew where that found it altered, and kept when deleted.

Preview and an unchanged update ask nothing of S3: what an archive is follows from its inputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from artifacts.archives import archive_digest, archive_key, read_handler, thin_archive
from artifacts.errors import ArtifactError, NoBucketError, RefusedError
from artifacts.provider.inputs import THIN_ARCHIVE, Clients, archive_place_of, checked, identity
from artifacts.provider.life import FINDINGS, Log, difference, foreseen_mending, kept_or_removed
from artifacts.provider.words import size_words
from artifacts.storage import ArchivePlace, StoredArchive
from plugin_server import (
    UNKNOWN,
    Check,
    Checked,
    Create,
    Created,
    Delete,
    Diff,
    Difference,
    Found,
    Properties,
    ProviderError,
    Read,
    Update,
)

_MADE_OF: Final = ("digest", "handlerName", "handlerVersion", "model", "version", "weightsDigest")
_ALTERED: Final = "was altered"


class ThinArchives:
    """The type's life. Calls come from many threads."""

    def __init__(self, log: Log, clients: Clients, handlers: Path) -> None:
        """`handlers` is the folder of released handler code."""
        self._log = log
        self._clients = clients
        self._handlers = handlers

    def check(self, request: Check) -> Checked:
        """Fills in what a resource is without."""
        return checked(request, THIN_ARCHIVE)

    def diff(self, request: Diff) -> Difference:
        """Compares text."""
        return difference(request)

    def create(self, request: Create) -> Created:
        """Puts the archive; a preview builds it too, so that wrong code fails there."""
        if request.preview:
            return Created(id="", state=self._foreseen(request.urn, request.inputs))
        try:
            content = self._built(request.inputs)
            place = archive_place_of(request.inputs, self._clients)
            written = place.put(content)
            stored = place.stored()
        except ArtifactError as error:
            raise ProviderError(str(error)) from error
        said = "put" if written else "there already, nothing was written:"
        self._log.info(request.urn, f"{said} {place.key}, {size_words(len(content))}")
        return Created(id=identity(request.inputs), state=_state(request.inputs, place, len(content), stored))

    def read(self, request: Read) -> Found | None:
        """One HEAD, compared with what was written; a second one where it differs: the same bytes are no finding."""
        if not request.inputs:
            raise ProviderError(
                "a ThinArchive is not imported: declare it, and `pulumi up` takes over what is there"
            )
        place = archive_place_of(request.inputs, self._clients)
        try:
            stored = place.stored()
            same = stored is not None and (_as_written(stored, request.state) or place.whole())
        except NoBucketError:
            self._log.warning(request.urn, f"the bucket {place.bucket} is gone, and the archive with it")
            return None
        except ArtifactError as error:
            raise ProviderError(str(error)) from error
        if stored is None:
            self._log.warning(request.urn, f"{place} is gone; the next `pulumi up` puts it back")
            return None
        if same:
            state = {**request.state, **_seen(stored), FINDINGS: []}
        else:
            self._log.warning(request.urn, f"{place} {_ALTERED}; the next `pulumi up` mends it")
            state = {**request.state, FINDINGS: [f"{place.key} {_ALTERED}"]}
        return Found(id=request.id, inputs=request.inputs, state=state)

    def update(self, request: Update) -> Properties:
        """Writes over what a refresh found altered; another setting writes nothing."""
        if request.preview:
            return foreseen_mending(self._log, request)
        place = archive_place_of(request.new_inputs, self._clients)
        try:
            content = self._built(request.new_inputs)
            if request.old_state.get(FINDINGS):
                place.mend(content)
                self._log.info(request.urn, f"put {place.key} anew, {size_words(len(content))}")
            else:
                place.put(content)
            stored = place.stored()
        except ArtifactError as error:
            raise ProviderError(str(error)) from error
        return _state(request.new_inputs, place, len(content), stored)

    def delete(self, request: Delete) -> None:
        """Keeps it unless it was told not to."""
        place = archive_place_of(request.inputs, self._clients)
        kept_or_removed(self._log, request, place, place.remove)

    def _foreseen(self, urn: str, inputs: Properties) -> Properties:
        state: Properties = {**inputs, "key": UNKNOWN, "size": UNKNOWN, FINDINGS: []}
        if inputs["digest"] is not UNKNOWN:
            state["key"] = archive_key(inputs["digest"])
        if unknown := sorted(name for name in _MADE_OF if inputs[name] is UNKNOWN):
            self._log.info(urn, f"what it holds is known once {' and '.join(unknown)} is")
            return state
        try:
            content = self._built(inputs)
        except ArtifactError as error:
            raise ProviderError(str(error)) from error
        state["size"] = len(content)
        self._log.info(
            urn, f"would put {state['key']}, {size_words(len(content))}, unless it is there already"
        )
        return state

    def _built(self, inputs: Properties) -> bytes:
        """The bytes. Raises RefusedError where they are not those of the digest."""
        code = read_handler(self._handlers, inputs["handlerName"], inputs["handlerVersion"])
        content = thin_archive(
            model=inputs["model"],
            version=inputs["version"],
            handler=code,
            weights=inputs["weightsDigest"],
        )
        found = archive_digest(content)
        if found != inputs["digest"]:
            raise RefusedError(
                f"{inputs['model']} {inputs['version']}: archive-digest: the archive made of {code} and these weights "
                f"is another one\n  expected {inputs['digest']}\n  found    {found}\n"
                "Fix: give the digest that artifacts.served.served_files says, from the same checkout"
            )
        return content


def _state(inputs: Properties, place: ArchivePlace, size: int, stored: StoredArchive | None) -> Properties:
    return {**inputs, "key": place.key, "size": size, **(_seen(stored) if stored else {}), FINDINGS: []}


def _seen(stored: StoredArchive) -> Properties:
    return {"etag": stored.etag, "versionId": stored.version_id or ""}


def _as_written(stored: StoredArchive, state: Properties) -> bool:
    """Whether it is the very object of the last look."""
    return stored.size == state.get("size") and _seen(stored).items() <= state.items()
