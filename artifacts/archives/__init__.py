"""TorchServe's archives: thin ones made of released handler code, fat ones for export, and what is in any of them.

A thin archive holds code and the digest of its weights, kilobytes in all; where the weights lie is the pod's business.
"""

from artifacts.archives.fat import WEIGHTS_FOLDER, Member, write_archive
from artifacts.archives.handlers import (
    DIGESTS_FILE,
    RELEASED_HANDLERS,
    HandlerCode,
    read_handler,
    read_handlers,
)
from artifacts.archives.layout import MANIFEST_NAME, MARK_NAME
from artifacts.archives.reading import ArchiveContent, ArchiveMember, Mark, read_archive
from artifacts.archives.thin import archive_digest, archive_key, thin_archive, thin_members

__all__ = [
    "ArchiveContent",
    "ArchiveMember",
    "DIGESTS_FILE",
    "HandlerCode",
    "MANIFEST_NAME",
    "MARK_NAME",
    "Mark",
    "Member",
    "RELEASED_HANDLERS",
    "WEIGHTS_FOLDER",
    "archive_digest",
    "archive_key",
    "read_archive",
    "read_handler",
    "read_handlers",
    "thin_archive",
    "thin_members",
    "write_archive",
]
