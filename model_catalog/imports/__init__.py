"""Formats that existing users have: read into catalog entries, and written back. Pure: text in, text out."""

from model_catalog.imports import remote_models, torchserve
from model_catalog.imports.arrival import Answers, Arrival
from model_catalog.imports.entries import ENTRY_HEADER, RELEASE_HEADER, Taken, entry_with, release_with
from model_catalog.imports.proposal import Proposal, model_of, prefixes, propose

__all__ = [
    "Answers",
    "Arrival",
    "ENTRY_HEADER",
    "Proposal",
    "RELEASE_HEADER",
    "Taken",
    "entry_with",
    "model_of",
    "prefixes",
    "propose",
    "release_with",
    "remote_models",
    "torchserve",
]
