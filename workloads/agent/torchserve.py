"""TorchServe's management and inference API on loopback, as far as the agent needs it (0.12.0, measured)."""

from __future__ import annotations

import http.client
import urllib.parse
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from workloads.agent.archives import archive_file, digest_of
from workloads.agent.configuration import Key, Smoke, Version
from workloads.agent.exchange import open_answer, read_answer
from workloads.agent.limits import LONGEST_ANSWER, LONGEST_NAME, MOST_MODELS, MOST_VERSIONS
from workloads.agent.state import ObservedModel, Registered
from workloads.artifacts.bounded import UnreadableError, parse_json

_QUICK = 10.0
_UNPACKING = 300.0
"""Registering unpacks the archive: seconds per gigabyte on a slow disk."""
_PAGE = 1000
_SHOWN = 1000
"""Characters of a refusal: TorchServe's own messages have some hundred, a worker's traceback more."""
_LONGEST_URL = 2000


class TorchServeAway(Exception):  # noqa: N818 - a condition that passes, not a mistake
    """Nobody answered, or not in time: TorchServe is starting, dead or stuck."""


class Refused(Exception):  # noqa: N818 - likewise
    """TorchServe answered, and not with success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"TorchServe says {status}: {message}")
        self.status = status


class TorchServe(Protocol):
    """What the agent asks of TorchServe. Every method raises TorchServeAway or Refused."""

    def describe(self) -> dict[str, ObservedModel]: ...
    def register(self, key: Key, spec: Version) -> None: ...
    def scale(self, key: Key, minimum: int, maximum: int, timeout: timedelta) -> None: ...
    def set_default(self, key: Key) -> None: ...
    def unregister(self, key: Key) -> None: ...
    def predict(self, key: Key, smoke: Smoke, timeout: timedelta) -> None: ...


@dataclass(frozen=True)
class TorchServeApi:
    """The real one. Addresses are host:port."""

    management: str
    inference: str

    def describe(self) -> dict[str, ObservedModel]:
        """Every model with its default and its versions."""
        try:
            names = [_name(model["modelName"]) for model in self._listed()]
            described = {name: self._described(name) for name in names}
        except (AttributeError, KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise TorchServeAway(f"its description of the models makes no sense: {error!r}") from error
        return {name: model for name, model in described.items() if model is not None}

    def register(self, key: Key, spec: Version) -> None:
        """With no worker: starting them is a step of its own."""
        query = {
            "url": archive_file(key.digest),
            "model_name": key.model,
            "initial_workers": 0,
            "batch_size": spec.batch_size,
            "max_batch_delay": spec.max_batch_delay // timedelta(milliseconds=1),
            "response_timeout": spec.response_timeout // timedelta(seconds=1),
            "startup_timeout": spec.startup_timeout // timedelta(seconds=1),
        }
        self._manage("POST", f"/models?{urllib.parse.urlencode(query)}", _UNPACKING)

    def scale(self, key: Key, minimum: int, maximum: int, timeout: timedelta) -> None:
        """Waits for the workers; Refused as soon as one of them fails. Returns at once where they are starting."""
        query = urllib.parse.urlencode({"min_worker": minimum, "max_worker": maximum, "synchronous": "true"})
        self._manage("PUT", f"{_path(key)}?{query}", timeout.total_seconds())

    def set_default(self, key: Key) -> None:
        """From now on requests without a version reach it; those in its predecessor's queue are still answered."""
        self._manage("PUT", f"{_path(key)}/set-default", _QUICK)

    def unregister(self, key: Key) -> None:
        """Ends the version's workers, and cuts what they are answering."""
        self._manage("DELETE", _path(key), _UNPACKING)

    def predict(self, key: Key, smoke: Smoke, timeout: timedelta) -> None:
        """One request to that very version."""
        path = f"/predictions/{_quoted(key.model)}/{_quoted(key.version)}"
        headers = {"Content-Type": smoke.content_type}
        _ask(self.inference, "POST", path, timeout.total_seconds(), smoke.body.encode(), headers)

    def _described(self, name: str) -> ObservedModel | None:
        """None where it was unregistered since the list was made."""
        try:
            default = self._get(f"/models/{_quoted(name)}")
            return _observed(name, default, self._get(f"/models/{_quoted(name)}/all"))
        except Refused as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise

    def _listed(self) -> list[Any]:
        models: list[Any] = []
        token = 0
        while True:
            page = self._get(f"/models?limit={_PAGE}&next_page_token={token}")
            models += page["models"]
            if len(models) > MOST_MODELS:
                raise ValueError(f"it lists more than {MOST_MODELS} models")
            if not page.get("nextPageToken"):
                return models
            following = int(page["nextPageToken"])
            if following <= token:
                raise ValueError(f"the page after {token} is {following}: its pages have no end")
            token = following

    def _get(self, path: str) -> Any:
        answer = self._manage("GET", path, _QUICK)
        try:
            return parse_json(answer, LONGEST_ANSWER)
        except UnreadableError as error:
            raise ValueError(f"GET {path}: {error}") from None

    def _manage(self, method: str, path: str, timeout: float) -> bytes:
        return _ask(self.management, method, path, timeout)


def _ask(
    address: str,
    method: str,
    path: str,
    timeout: float,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> bytes:
    """The answer, or its first LONGEST_ANSWER bytes and one more."""
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        response = open_answer(connection, method, path, timeout, body, headers)
        answer = read_answer(response, LONGEST_ANSWER)
    except TimeoutError as error:
        raise TorchServeAway(f"{method} {path}: no answer within {timeout:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise TorchServeAway(f"{method} {path}: {error!r}") from error
    finally:
        connection.close()
    if response.status >= http.client.MULTIPLE_CHOICES:
        raise Refused(response.status, _message(answer))
    return answer


def _message(answer: bytes) -> str:
    try:
        return str(parse_json(answer, LONGEST_ANSWER)["message"])[:_SHOWN]
    except (KeyError, TypeError, UnreadableError):
        return answer[:_SHOWN].decode("utf-8", "replace")


def _observed(name: str, default: list[Any], versions: list[Any]) -> ObservedModel:
    if len(versions) > MOST_VERSIONS:
        raise ValueError(f"it has more than {MOST_VERSIONS} versions of {name}")
    registered = (_registered(name, version) for version in versions)
    return ObservedModel(
        default=_name(default[0]["modelVersion"]), versions={seen.key.version: seen for seen in registered}
    )


def _registered(name: str, described: Any) -> Registered:
    workers = described["workers"]
    return Registered(
        key=Key(
            name, _name(described["modelVersion"]), digest_of(_name(described["modelUrl"], _LONGEST_URL))
        ),
        ready=sum(worker["status"] == "READY" for worker in workers),
        workers=len(workers),
        min_workers=int(described["minWorkers"]),
        max_workers=int(described["maxWorkers"]),
        batch_size=int(described["batchSize"]),
        max_batch_delay_milliseconds=int(described["maxBatchDelay"]),
        response_timeout_seconds=int(described["responseTimeout"]),
        startup_timeout_seconds=int(described["startupTimeout"]),
        pending_requests=int(described["jobQueueStatus"]["pendingRequests"]),
    )


def _name(value: Any, longest: int = LONGEST_NAME) -> str:
    """A name that TorchServe gives: other people may have registered what the configuration would refuse."""
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise ValueError(f"{str(value)[:_SHOWN]!r} is no name of at most {longest} characters")
    return value


def _path(key: Key) -> str:
    return f"/models/{_quoted(key.model)}/{_quoted(key.version)}"


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")
