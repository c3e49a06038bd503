"""A connection asks one Hub: it follows redirects one by one, waits out what passes, and reads on where a piece broke.

`requests` follows redirects and reads ~/.netrc by itself; here it does neither, so that the token goes nowhere else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Final, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from artifacts.errors import HubError
from artifacts.hub.access import HubAccess
from artifacts.hub.faults import fault
from artifacts.hub.patience import PassingError, Patience
from artifacts.storage.parallel import StoppedError

_MOST_REDIRECTS: Final = 5
_TIMEOUTS: Final = (10.0, 60.0)
"""Seconds to connect, and between two bytes."""
_CHUNK: Final = 1 << 20
_LONGEST_DOCUMENT: Final = 16 << 20
"""Bytes of one answer of the API: a page has 1,000 files, whose names have 4 KiB at most."""

Result = TypeVar("Result")


class _Token(AuthBase):
    """Adds the token to requests to the endpoint. As it is given to each request, no netrc is read."""

    def __init__(self, access: HubAccess) -> None:
        self._access = access

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._access.token and self._access.is_own(request.url or ""):
            request.headers["Authorization"] = f"Bearer {self._access.token}"
        return request


@dataclass(frozen=True, kw_only=True)
class Document:
    """An answer of the API."""

    content: bytes
    following: str | None
    """Address of the next page."""


class HubConnection:
    """Asks one Hub; may be used from many threads."""

    def __init__(self, access: HubAccess, *, connections: int, first_pause: float = 1.0) -> None:
        """`first_pause` is the time before the second try, in seconds."""
        self.access = access
        self.halt = threading.Event()
        """Set when the work has ended: it ends every wait and every read."""
        self._first_pause = first_pause
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"User-Agent": "slipway", "Accept-Encoding": "identity"})
        adapter = HTTPAdapter(pool_maxsize=2 * connections)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def document(self, url: str, repository: str, what: str) -> Document:
        """Return one page of the API, whole.

        Raises:
            RefusedError: the Hub refuses it.
            HubError: it does not come.
        """

        def read() -> Document:
            with self._answer(url, {}, repository, what) as response:
                content = bytearray()
                self._fill(content, response, _LONGEST_DOCUMENT, what)
                following = response.links.get("next", {}).get("url")
            return Document(content=bytes(content), following=urljoin(url, following) if following else None)

        return self._patiently(read)

    def piece(self, url: str, repository: str, what: str, *, first: int, length: int, size: int) -> bytearray:
        """Return `length` bytes of a file of `size` bytes from byte `first` on. A connection that breaks is taken up
        where it broke, to the megabyte.

        Raises:
            RefusedError: the Hub refuses it.
            HubError: it does not come, or not as it was asked for.
        """
        content = bytearray()

        def read_on() -> None:
            start = first + len(content)
            whole = start == 0 and length == size
            headers = {} if whole else {"Range": f"bytes={start}-{first + length - 1}"}
            with self._answer(url, headers, repository, what) as response:
                if not whole and response.status_code != 206:
                    raise HubError(
                        f"{what}: {urlsplit(response.url).hostname} sends the whole file instead of a part. Fix: set "
                        "HF_ENDPOINT to a Hub that takes ranges"
                    )
                self._fill(content, response, length, what)
            if len(content) < length:
                raise PassingError(
                    f"{what}: the connection ended at byte {first + len(content):,} of {size:,}"
                )

        if length:
            self._patiently(read_on)
        return content

    def _fill(self, content: bytearray, response: requests.Response, most: int, what: str) -> None:
        for chunk in response.iter_content(_CHUNK):
            if self.halt.is_set():
                raise StoppedError
            content += chunk
            if len(content) > most:
                raise HubError(f"{what}: the Hub sends more than the {most:,} bytes of it. Fix: run it again")

    def _patiently(self, ask: Callable[[], Result]) -> Result:
        patience = Patience(halt=self.halt, first_pause=self._first_pause)
        while True:
            try:
                return ask()
            except PassingError as error:
                patience.wait_out(error)

    @contextmanager
    def _answer(
        self, url: str, headers: dict[str, str], repository: str, what: str
    ) -> Iterator[requests.Response]:
        with _translated(what), self._redirected(url, headers, what) as response:
            if wrong := fault(response, self.access, repository, what):
                raise wrong
            yield response

    @contextmanager
    def _redirected(self, url: str, headers: dict[str, str], what: str) -> Iterator[requests.Response]:
        for _ in range(_MOST_REDIRECTS + 1):
            if not self.access.may_be_asked(url):
                place = url.partition("?")[0]
                raise HubError(
                    f"{what}: the Hub redirects to {place!r}, which is not https. Fix: correct HF_ENDPOINT"
                )
            with self._session.get(
                url,
                headers=headers,
                auth=_Token(self.access),
                allow_redirects=False,
                stream=True,
                timeout=_TIMEOUTS,
            ) as response:
                if not response.is_redirect:
                    yield response
                    return
                url = urljoin(url, response.headers["Location"])
        raise HubError(f"{what}: more than {_MOST_REDIRECTS} redirects. Fix: correct HF_ENDPOINT")


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn what requests raises into this room's errors. Its own texts hold addresses with signatures."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise HubError(
            f"{what}: the server's certificate is not trusted. Fix: set REQUESTS_CA_BUNDLE to your company's "
            "certificates, or correct HF_ENDPOINT"
        ) from error
    except (
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ConnectionError,
        requests.exceptions.Timeout,
    ) as error:
        raise PassingError(f"{what}: {_kind(error)}") from error
    except requests.exceptions.RequestException as error:
        raise HubError(f"{what}: {_kind(error)}. Fix: correct HF_ENDPOINT, and run it again") from error


def _kind(error: requests.exceptions.RequestException) -> str:
    """Return the error's name and its cause's, as in `ConnectionError (NameResolutionError)`."""
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    named = f" ({type(reason).__name__})" if isinstance(reason, Exception) else ""
    return f"{type(error).__name__}{named}"
