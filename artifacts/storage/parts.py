"""Parts of a copy that is too large for one request."""

from __future__ import annotations

from typing import Final

SINGLE_COPY_LIMIT: Final = 5 * 1000**3
"""Bytes that one CopyObject takes (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html: 5 GB)."""

PART_SIZE: Final = 512 * 1024**2
"""Bytes of a part; larger where 10,000 of them, S3's most, would not do."""

_MOST_PARTS: Final = 10_000


def part_ranges(size: int, part_size: int) -> list[tuple[int, int, int]]:
    """(number from 1, first byte, last byte) of each part: at most 10,000, as even as `part_size` allows."""
    step = max(part_size, -(-size // _MOST_PARTS))
    starts = range(0, size, step)
    return [(number, first, min(first + step, size) - 1) for number, first in enumerate(starts, start=1)]
