"""What a text of the configuration may be, by what becomes of it: a path, a URL, a key in a bucket, a header.

Every function raises ConfigurationError.
"""

from __future__ import annotations

import re

from workloads.agent.fields import ConfigurationError, require
from workloads.agent.limits import LONGEST_CONTENT_TYPE, LONGEST_LOCATION, LONGEST_NAME
from workloads.artifacts.bounded import UnreadableError, check_text

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}")
"""Begins with no dot, so that it is neither . nor .., and leaves room for .json and .part in a file's name."""
_CONTROL = re.compile("[\\x00-\\x1f\\x7f\\ud800-\\udfff]")
_PRINTED = re.compile(r"[ -~]+")


def check_name(place: str, name: str) -> None:
    """A model's or a version's name."""
    rule = (
        "holds letters, digits, '_', '.' and '-' only, at most 200, and begins with neither of the last two: it "
        "becomes part of URLs and of file names"
    )
    require(_NAME.fullmatch(name) is not None, place, repr(name), rule)


def check_location(place: str, location: str) -> None:
    """A key in a bucket, or the prefix of several."""
    require(bool(location), place, "''", "is not empty")
    size = len(location.encode("utf-8", "surrogatepass"))
    require(size <= LONGEST_LOCATION, place, f"{size} bytes", f"has at most {LONGEST_LOCATION}")
    require(_CONTROL.search(location) is None, place, repr(location), "holds no control characters")


def check_header(place: str, value: str) -> None:
    """The value of a header."""
    fits = len(value) <= LONGEST_CONTENT_TYPE and _PRINTED.fullmatch(value) is not None
    rule = f"becomes a header: printable ASCII, at most {LONGEST_CONTENT_TYPE} characters"
    require(fits, place, repr(value), rule)


def check_body(place: str, body: str) -> None:
    """The body of a request."""
    try:
        check_text(body)
    except UnreadableError as error:
        raise ConfigurationError(f"{place}: {error}") from None


def check_digest(place: str, digest: str) -> None:
    """The digest of an archive or of an artifact."""
    require(bool(_DIGEST.fullmatch(digest)), place, repr(digest), "is sha256: and 64 digits")
