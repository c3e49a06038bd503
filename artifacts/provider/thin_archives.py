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
            put = place.put(content)
        except ArtifactError as error:
            raise ProviderError(str(error)) from error
        said = "put" if put.written else "there already, nothing was written:"
        self._log.info(request.urn, f"{said} {place.key}, {size_words(len(content))}")
        return Created(id=identity(request.inputs), state=_state(request.inputs, place, put.stored))

    def read(self, request: Read) -> Found | None:
        """One HEAD, compared with what was written; a second one where it differs: the same bytes are no finding."""
        if not request.inputs:
            raise ProviderError(
                "a ThinArchive is not imported: declare it, and `pulumi up` takes over what is there"
            )
        place = archive_place_of(request.inputs, self._clients)
        try:
            stored = place.stored()
            same = stored is not None and (_as_written(stored, request.state) or place.whole() is not None)
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
                stored = place.mend(content)
                self._log.info(request.urn, f"put {place.key} anew, {size_words(len(content))}")
            else:
                stored = place.put(content).stored
        except ArtifactError as error:
            raise ProviderError(str(error)) from error
        return _state(request.new_inputs, place, stored)

    def delete(self, request: Delete) -> None:
        """Keep it unless the inputs say otherwise; then remove what this resource has written or taken over."""
        place = archive_place_of(request.inputs, self._clients)
        kept_or_removed(self._log, request, place, lambda: self._remove(request, place))

    def _remove(self, request: Delete, place: ArchivePlace) -> None:
        etag = request.state.get("etag")
        if not etag:
            # A state that says nothing: what has the digest is what would have been written.
            whole = place.whole()
            if whole is None and place.stored() is None:
                return
            etag = whole.etag if whole else None
        if etag is None or not place.remove(etag):
            self._log.warning(request.urn, f"{place} is left alone: it is not what this resource has written")

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


def _state(inputs: Properties, place: ArchivePlace, stored: StoredArchive) -> Properties:
    return {**inputs, "key": place.key, "size": stored.size, **_seen(stored), FINDINGS: []}


def _seen(stored: StoredArchive) -> Properties:
    return {"etag": stored.etag, "versionId": stored.version_id or ""}


def _as_written(stored: StoredArchive, state: Properties) -> bool:
    """Whether it is the very object of the last look."""
    return stored.size == state.get("size") and _seen(stored).items() <= state.items()
