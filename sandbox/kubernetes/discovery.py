"""Which kinds the API server knows, and where their objects live."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from sandbox.kubernetes.client import ApiClient, ApiError


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind that the server knows."""

    api_version: str
    """``v1`` or ``apps/v1``."""
    name: str
    """``Deployment``."""
    plural: str
    """``deployments``, as in URLs."""
    namespaced: bool

    @property
    def group(self) -> str:
        """``apps``; empty for the core group."""
        return group_of(self.api_version)

    def collection(self, namespace: str) -> str:
        """URL path of the kind's objects; of all namespaces when ``namespace`` is empty."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        inside = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{inside}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        """URL path of one object."""
        return f"{self.collection(namespace)}/{name}"


def group_of(api_version: str) -> str:
    """The group of ``group/version``; empty for the core group."""
    return api_version.rpartition("/")[0]


class Discovery:
    """Looks kinds up and remembers those that exist; a kind that is missing is asked for again."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._lock = threading.Lock()

    def find(self, api_version: str, kind: str) -> Kind | None:
        """The kind, or None when the server does not know it (yet).

        Raises:
            UnreachableError: the server does not answer.
        """
        if known := self._kinds.get((api_version, kind)):
            return known
        with self._lock:
            if (api_version, kind) not in self._kinds:
                self._load(api_version)
            return self._kinds.get((api_version, kind))

    def forget_group(self, group: str) -> None:
        """Ask again for the kinds of a group: a definition in it has gone."""
        with self._lock:
            self._kinds = {key: kind for key, kind in self._kinds.items() if kind.group != group}

    def _load(self, api_version: str) -> None:
        root = "apis" if "/" in api_version else "api"
        try:
            listing = self._client.get(f"/{root}/{api_version}")
        except ApiError as error:
            if error.status == 404:
                return
            raise
        for entry in listing.get("resources") or ():
            if "/" not in entry["name"]:
                self._kinds[api_version, entry["kind"]] = Kind(
                    api_version=api_version,
                    name=entry["kind"],
                    plural=entry["name"],
                    namespaced=bool(entry["namespaced"]),
                )
