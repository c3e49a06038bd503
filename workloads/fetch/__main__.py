"""`python -m workloads.fetch`: brings artifacts from a bucket, each whole and checked, into the folders that are named
on its command line.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from workloads import log
from workloads.artifacts.port import ContentError, DiskFullError, SourceError
from workloads.artifacts.sources import open_source
from workloads.fetch.bringing import Bringing
from workloads.fetch.refusals import OUTSIDE, refusal
from workloads.fetch.wanted import WantedFolder

_log = logging.getLogger("workloads.fetch")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments. Exits with 2 where they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m workloads.fetch", description=__doc__)
    parser.add_argument("--source", required=True, help="s3://bucket, or a folder")
    parser.add_argument(
        "--artifact",
        type=_wanted,
        action="append",
        required=True,
        metavar="DIGEST=FOLDER",
        help="sha256:…=/where/its/files/belong; once for each artifact",
    )
    parser.add_argument(
        "--keep-free",
        type=int,
        default=0,
        metavar="BYTES",
        help="of the folders' disk: a kubelet evicts pods before a disk is full",
    )
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Fetch. 1: what came is not what was asked for; 2: the arguments are wrong; 3: the bucket or the disk failed."""
    chosen = arguments(given)
    log.configure()
    signal.signal(signal.SIGTERM, _end)
    try:
        bringing = Bringing(open_source(chosen.source), keep_free=chosen.keep_free)
    except SourceError as error:
        _log.error("no source", extra={"fields": {"reason": str(error)}})
        return OUTSIDE
    for wanted in chosen.artifact:
        try:
            bringing.bring(wanted)
        except (SourceError, ContentError, DiskFullError, OSError) as error:
            said = refusal(wanted, chosen.source, error)
            fields = {"artifact": wanted.digest, "folder": wanted.folder, "rule": said.rule, "fix": said.fix}
            _log.error(str(said), extra={"fields": fields})
            return said.code
    return 0


def _wanted(argument: str) -> WantedFolder:
    try:
        return WantedFolder.parse(argument)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _end(number: int, _: FrameType | None) -> None:
    """Process 1 of a container ignores a signal that it does not handle. What was fetched stays for the next run."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
