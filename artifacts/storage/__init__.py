"""Artifacts in S3: copied by digest, published whole or not at all, checked and read again."""

from artifacts.storage.archives import ArchivePlace, StoredArchive
from artifacts.storage.checking import Findings, check, verify
from artifacts.storage.client import WORKERS, make_client
from artifacts.storage.digesting import Digested, digest_path, digest_source, local_files
from artifacts.storage.hashing import object_chunks
from artifacts.storage.parallel import Progress, Report, StoppedError, report_nothing
from artifacts.storage.promotion import Forecast, Manner, Promotion, foresee, mend, promote
from artifacts.storage.source import Listing, Source, SourceObject, list_source
from artifacts.storage.target import Published, Target

__all__ = [
    "ArchivePlace",
    "Digested",
    "Findings",
    "Forecast",
    "Listing",
    "Manner",
    "Progress",
    "Promotion",
    "Published",
    "Report",
    "Source",
    "SourceObject",
    "StoppedError",
    "StoredArchive",
    "Target",
    "WORKERS",
    "check",
    "digest_path",
    "digest_source",
    "foresee",
    "list_source",
    "local_files",
    "make_client",
    "mend",
    "object_chunks",
    "promote",
    "report_nothing",
    "verify",
]
