"""A headless Chromium over a pipe: the DevTools protocol, of it what these tests need.

Messages are JSON objects that end with a NUL byte, on file descriptors 3 and 4 (--remote-debugging-pipe). All of it
is synchronous: a call waits for its answer, and events that come meanwhile are kept.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PATIENCE: Final = 60.0
"""Seconds for one answer, on a machine that is busy with other things."""

_FLAGS: Final = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--no-first-run",
)

Scheme = Literal["light", "dark"]


class BrowserError(Exception):
    """There is no Chromium, or it did not do as it was told."""


def find_chromium() -> str:
    """Raises BrowserError with what to do."""
    if explicit := os.environ.get("SLIPWAY_CHROMIUM"):
        return explicit
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise BrowserError(
            "no Chromium on PATH; on Debian: apt-get install chromium, or set SLIPWAY_CHROMIUM to its path"
        )
    return found


@contextmanager
def launched(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in the folder, until the block ends."""
    (orders, to), (back, answers) = _pipe(), _pipe()
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [find_chromium(), *_FLAGS, *root, f"--user-data-dir={folder}", "about:blank"]
    # bash puts the two ends of the pipes where Chromium looks for them.
    ends = ["bash", "-c", f'exec "$@" 3<&{orders} 4>&{answers}', "bash"]
    log = folder / "chromium.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603 - no text of the page's
            [*ends, *command],
            pass_fds=(orders, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    os.close(orders)
    os.close(answers)
    browser = Browser(to, back, log)
    try:
        yield browser
    finally:
        os.close(to)  # which it takes for the order to end
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(back)


def _pipe() -> tuple[int, int]:
    """Its two ends, with numbers above those that Chromium reads and writes."""
    low = os.pipe()
    high = fcntl.fcntl(low[0], fcntl.F_DUPFD_CLOEXEC, 10), fcntl.fcntl(low[1], fcntl.F_DUPFD_CLOEXEC, 10)
    for end in low:
        os.close(end)
    return high


class Browser:
    """One process, with pages in it."""

    def __init__(self, to: int, back: int, log: Path) -> None:
        self._to, self._back, self._log = to, back, log
        self._left = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Raises BrowserError where the browser refuses, is gone, or does not answer."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": params}
        message = json.dumps(asked | ({"sessionId": session} if session else {})).encode() + b"\0"
        while message:
            message = message[os.write(self._to, message) :]
        until = time.monotonic() + PATIENCE
        while True:
            said = self._next(method, until)
            if said.get("id") != self._number:
                self.events.append(said)
                continue
            if "error" in said:
                raise BrowserError(f"{method}: {said['error']['message']}")
            result: dict[str, Any] = said["result"]
            return result

    def wait_for(self, event: str, session: str) -> dict[str, Any]:
        """The first event of this name that the page sent since the last look at it; it and all before are dropped."""
        until = time.monotonic() + PATIENCE
        seen = 0
        while True:
            for place, one in enumerate(self.events[seen:], seen):
                if one.get("method") == event and one.get("sessionId") == session:
                    params: dict[str, Any] = self.events.pop(place)["params"]
                    return params
            seen = len(self.events)
            self.events.append(self._next(event, until))

    def page(self) -> Page:
        """A new, empty one."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, session, target)

    def _next(self, waiting_for: str, until: float) -> dict[str, Any]:
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._back], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise BrowserError(f"{waiting_for}: no answer within {PATIENCE:g} s")
            chunk = os.read(self._back, 1 << 20)
            if not chunk:
                raise BrowserError(f"{waiting_for}: Chromium ended: {self._log.read_text()[-2000:]}")
            self._left += chunk
        first, _, self._left = self._left.partition(b"\0")
        said: dict[str, Any] = json.loads(first)
        return said


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser, self._session, self._target = browser, session, target
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Any method of the protocol."""
        return self._browser.call(method, self._session, **params)

    def open(self, path: Path) -> None:
        """Until it has loaded."""
        self.call("Page.navigate", url=path.as_uri())
        self._browser.wait_for("Page.loadEventFired", self._session)

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)

    def evaluate(self, expression: str) -> Any:
        """What it is, as JSON carries it; of a promise, what it becomes. The page's policy does not hold here."""
        said = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in said:
            raise BrowserError(json.dumps(said["exceptionDetails"])[:2000])
        return said["result"].get("value")

    def size(self, width: int, height: int = 900) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def prefer(self, scheme: Scheme, media: Literal["screen", "print"] = "screen") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def scripts(self, *, run: bool) -> None:
        self.call("Emulation.setScriptExecutionDisabled", value=not run)

    def press(self, key: str, code: int, text: str = "") -> None:
        """A key by its name and its number, as in KeyboardEvent.key and keyCode."""
        both = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **both)
        self.call("Input.dispatchKeyEvent", type="keyUp", **both)

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self.call("Input.insertText", text=text)

    def screenshot(self) -> bytes:
        """A PNG of what is in the window, once it is drawn."""
        self.call("Page.bringToFront")
        self.evaluate("new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))")
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"])

    def requests(self) -> list[str]:
        """Every address that it asked for."""
        return [one["params"]["request"]["url"] for one in self._events("Network.requestWillBeSent")]

    def complaints(self) -> list[str]:
        """Errors, warnings, and what the page's policy refused."""
        kinds = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        return [json.dumps(one["params"]) for kind in kinds for one in self._events(kind)]

    def _events(self, method: str) -> list[dict[str, Any]]:
        self.evaluate("0")  # so that what was sent before is here
        return [
            one
            for one in self._browser.events
            if one.get("method") == method and one.get("sessionId") == self._session
        ]
