"""Repositories of the Hugging Face Hub, mirrored into a bucket: listed at a commit, checked, streamed."""

from artifacts.hub.access import DEFAULT_ENDPOINT, HubAccess, hub_access
from artifacts.hub.connection import HubConnection
from artifacts.hub.mirroring import PIECE, WORKERS, Commit, Manner, Survey, mirror, survey
from artifacts.hub.place import MirrorPlace
from artifacts.hub.repository import HubFile, HubRepository
from artifacts.hub.selection import DEFAULT_PATTERNS, Selection, select

__all__ = [
    "Commit",
    "DEFAULT_ENDPOINT",
    "DEFAULT_PATTERNS",
    "HubAccess",
    "HubConnection",
    "HubFile",
    "HubRepository",
    "Manner",
    "MirrorPlace",
    "PIECE",
    "Selection",
    "Survey",
    "WORKERS",
    "hub_access",
    "mirror",
    "select",
    "survey",
]
