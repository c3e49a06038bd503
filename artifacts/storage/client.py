"""S3 clients: from the ordinary chain of credentials, patient with throttling, one connection for each worker.

`AWS_ENDPOINT_URL` and the other variables of the AWS SDKs count, so that the sandbox differs by its environment alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import boto3
import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WORKERS: Final = 32
"""Requests under way at once. S3 takes 3,500 writes a second of one prefix
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html), and a copy of a small object
takes some tens of milliseconds."""

_ATTEMPTS: Final = 10
"""With the adaptive mode's delays of up to 20 s, some minutes of 503 Slow Down."""

_READ_TIMEOUT_SECONDS: Final = 900
"""S3 answers a CopyObject when the copy is done: some minutes for 5 GB."""


def make_client(
    *, region: str | None = None, endpoint: str | None = None, workers: int = WORKERS
) -> S3Client:
    """A client for up to `workers` threads.

    Its retries are botocore's adaptive ones: besides waiting longer after each 503 or throttling answer they lower
    the rate of the whole client, and raise it again when S3 accepts more.
    """
    config = Config(
        retries={"mode": "adaptive", "total_max_attempts": _ATTEMPTS},
        # Those that wait for the parts of a large file hold none, but may just have held one.
        max_pool_connections=2 * workers,
        read_timeout=_READ_TIMEOUT_SECONDS,
        tcp_keepalive=True,
        # What is read is hashed here, and a difference is a finding with a name rather than a failed request.
        response_checksum_validation="when_required",
        user_agent_extra="slipway",
    )
    # Sessions of its own: boto3's default one is not for threads.
    core = botocore.session.Session()
    # Nothing here reads a time, and parsing them is most of what a listing takes (measured on 2026-11-23).
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    session = boto3.session.Session(botocore_session=core)
    return session.client("s3", region_name=region, endpoint_url=endpoint, config=config)
