"""The life of a ModelArtifact: promoted when created, left alone while its inputs are, looked over by a refresh, mended
by the next update, and kept when deleted.

Preview reads at most one manifest and one source listing of each resource, and only of one that is new.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from artifacts.errors import ArtifactError, NoBucketError, NotPublishedError, StorageError
from artifacts.manifest import files_of, manifest_key
from artifacts.provider.inputs import (
    MODEL_ARTIFACT,
    Clients,
    checked,
    identity,
    source_of,
    target_of,
)
from artifacts.provider.life import FINDINGS, SHOWN, Log, difference, foreseen_mending, kept_or_removed
from artifacts.provider.words import (
    forecast_sentence,
    progress_words,
    promotion_sentence,
)
from artifacts.storage import (
    Findings,
    Forecast,
    Manner,
    Progress,
    Promotion,
    check,
    foresee,
    mend,
    promote,
)
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
from quantities import counted

AT_ONCE: Final = 4
"""Promotions under way; each has 32 requests of its own, and the engine starts as many resources as it likes."""

_REPORT_SECONDS: Final = 1.0


class ModelArtifacts:
    """The type's life. Calls come from many threads."""

    def __init__(self, log: Log, clients: Clients, stop: threading.Event) -> None:
        """`stop` ends copies between two requests; what was copied is kept for the next run."""
        self._log = log
        self._clients = clients
        self._stop = stop
        self._turn = threading.Semaphore(AT_ONCE)

    def check(self, request: Check) -> Checked:
        """Fills in what a resource is without."""
        return checked(request, MODEL_ARTIFACT)

    def diff(self, request: Diff) -> Difference:
        """Compares text: nothing is asked of S3."""
        return difference(request)

    def create(self, request: Create) -> Created:
        """Promotes; in a preview it tells what that would do."""
        if request.preview:
            return Created(id="", state=self._foreseen(request.urn, request.inputs))
        promotion = self._promoted(request.urn, request.inputs, promote)
        return Created(id=identity(request.inputs), state=_state(request.inputs, promotion))

    def read(self, request: Read) -> Found | None:
        """One listing, compared with the manifest."""
        if not request.inputs:
            raise ProviderError(
                "a ModelArtifact is not imported: declare it, and `pulumi up` takes over what is published"
            )
        try:
            findings = check(target_of(request.inputs, self._clients))
        except NotPublishedError as error:
            self._log.warning(
                request.urn, f"{error.place} is gone; the next `pulumi up` copies what is missing"
            )
            return None
        except NoBucketError:
            self._log.warning(
                request.urn, f"the bucket {request.inputs['bucket']} is gone, and the artifact with it"
            )
            return None
        except ArtifactError as error:
            raise ProviderError(str(error)) from error
        state = {
            **request.state,
            "manifestSha256": findings.published.sha256,  # another stack that names it too may have mended it
            FINDINGS: self._damage(request.urn, findings),
        }
        return Found(id=request.id, inputs=request.inputs, state=state)

    def update(self, request: Update) -> Properties:
        """Mends what a refresh found; a new source of the same files, or another setting, copies nothing."""
        if request.preview:
            return foreseen_mending(self._log, request)
        how = mend if request.old_state.get(FINDINGS) else promote
        promotion = self._promoted(request.urn, request.new_inputs, how)
        return _state(request.new_inputs, promotion)

    def delete(self, request: Delete) -> None:
        """Keeps the files unless it was told not to."""
        target = target_of(request.inputs, self._clients)
        kept_or_removed(self._log, request, target, target.unpublish)

    def _foreseen(self, urn: str, inputs: Properties) -> Properties:
        state: Properties = {
            **inputs,
            "files": UNKNOWN,
            "size": UNKNOWN,
            "manifestSha256": UNKNOWN,
            "filesPrefix": UNKNOWN,
            "manifestKey": UNKNOWN,
            FINDINGS: [],
        }
        if inputs["digest"] is not UNKNOWN:
            state |= _keys(inputs["digest"])
        if unknown := sorted(name for name, value in inputs.items() if value is UNKNOWN):
            self._log.info(urn, f"what it copies is known once {' and '.join(unknown)} is")
            return state
        if forecast := self._forecast(urn, inputs):
            state |= {"files": forecast.files, "size": forecast.size}
            self._log.info(urn, forecast_sentence(forecast, inputs))
        return state

    def _forecast(self, urn: str, inputs: Properties) -> Forecast | None:
        """None where this machine may not look: whoever previews need not be allowed to read models."""
        target = target_of(inputs, self._clients)
        try:
            return foresee(source_of(inputs, self._clients), target)
        except StorageError as error:
            self._log.warning(urn, f"cannot tell what would be copied: {error}")
            return None
        except ArtifactError as error:
            raise ProviderError(str(error)) from error

    def _promoted(
        self, urn: str, inputs: Properties, how: Callable[[Any, Any, Manner], Promotion]
    ) -> Promotion:
        target = target_of(inputs, self._clients)
        source = source_of(inputs, self._clients)
        manner = Manner(report=self._reporter(urn), stop=self._stop)
        try:
            with self._turn:
                promotion = how(source, target, manner)
        except ArtifactError as error:
            raise ProviderError("\n".join([str(error), *getattr(error, "__notes__", ())])) from error
        self._log.info(urn, promotion_sentence(promotion, source))
        return promotion

    def _reporter(self, urn: str) -> Callable[[Progress], None]:
        """Shows the progress on the resource's line, once a second."""
        shown = [time.monotonic()]

        def report(progress: Progress) -> None:
            now = time.monotonic()
            if now - shown[0] >= _REPORT_SECONDS:
                shown[0] = now
                self._log.status(urn, progress_words(progress))

        return report

    def _damage(self, urn: str, findings: Findings) -> list[str]:
        damage = findings.sentences()
        for sentence in damage[:SHOWN]:
            self._log.warning(urn, f"{sentence}; the next `pulumi up` mends it")
        if len(damage) > SHOWN:
            self._log.warning(urn, f"and {counted(len(damage) - SHOWN, 'more finding')}")
        return damage


def _state(inputs: Properties, promotion: Promotion) -> Properties:
    manifest = promotion.published.manifest
    return {
        **inputs,
        **_keys(manifest.digest),
        "files": len(manifest.files),
        "size": manifest.size,
        "manifestSha256": promotion.published.sha256,
        FINDINGS: [],
    }


def _keys(digest: str) -> Properties:
    return {"filesPrefix": files_of(digest), "manifestKey": manifest_key(digest)}
