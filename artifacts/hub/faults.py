"""A refusal of the Hub becomes an error that says the fix. No message holds the Hub's own texts, or the addresses of
redirects, which have signatures in them."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import requests

from artifacts.errors import ArtifactError, HubError, RefusedError
from artifacts.hub.access import HubAccess
from artifacts.hub.patience import PassingError, asked_wait

_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})

_SETTINGS: Final = "https://huggingface.co/settings/tokens"


def fault(response: requests.Response, access: HubAccess, repository: str, what: str) -> ArtifactError | None:
    """Return what is wrong with an answer; None for one that brings what was asked for.

    `what` begins the message, as in `owner/name at 1a2b3c4: config.json`.
    """
    status = response.status_code
    if status in (200, 206):
        return None
    host = urlsplit(response.url).hostname
    # The address that the Hub signed for the content network may have expired; the next try asks for a new one.
    if status in _PASSING or (status == 403 and not access.is_own(response.url)):
        return PassingError(f"{what}: {host} answers {status}", wait=asked_wait(response.headers))
    if not access.is_own(response.url):
        return HubError(
            f"{what}: {host}, where the Hub keeps it, answers {status}. Fix: run it again; what was copied is kept"
        )
    return _refused(status, response.headers.get("X-Error-Code", ""), access, repository, what)


def _refused(status: int, code: str, access: HubAccess, repository: str, what: str) -> ArtifactError:
    page = f"{access.endpoint}/{repository}"
    if code == "GatedRepo":
        who = (
            "with the token's account"
            if access.token
            else "with your account, and set HF_TOKEN to a token of it"
        )
        return RefusedError(
            f"{what}: the repository is gated, and the Hub answers {status}. Fix: accept its terms at {page} {who}; "
            f"the token needs the right to read gated repositories ({_SETTINGS})"
        )
    if code == "RevisionNotFound":
        return RefusedError(f"{what}: there is no such revision. Fix: name a branch, tag or commit of {page}")
    if code == "EntryNotFound":
        return HubError(f"{what}: the Hub lists the file and does not have it. Fix: run it again")
    if status in (401, 404) and (code == "RepoNotFound" or not access.token):
        return RefusedError(
            f"{what}: the Hub answers {status}, as it does for a repository that is not there and for a private "
            f"one. Fix: correct owner and name, as in {page}; for a private one set HF_TOKEN to a token that reads it"
        )
    if status == 401:
        return RefusedError(
            f"{what}: the Hub does not accept the token. Fix: set HF_TOKEN to a valid one ({_SETTINGS}), or to nothing "
            "for a public repository"
        )
    if status == 403:
        return RefusedError(
            f"{what}: the Hub forbids it ({code or status}). Fix: give the token the right to read {page} ({_SETTINGS})"
        )
    if status == 404:
        return RefusedError(f"{what}: the Hub does not have it. Fix: correct owner and name, as in {page}")
    return HubError(f"{what}: the Hub answers {status} {code}. Fix: look at {page}, and run it again")
