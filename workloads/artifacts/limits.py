"""The most that is read of artifacts and of the documents around them. What is beyond is refused before it is read.

The agent's container has 192 MiB (planning/resources.py), and it reads what others write. Sizes are in bytes.
"""

from __future__ import annotations

LONGEST_MANIFEST = 48 << 20
"""The manifest of an artifact. One of 100,000 files, the most of an artifact, has about 30 MB."""

LARGE_MANIFEST = 4 << 20
"""From this size on, manifests are dealt with one at a time: two lists of 100,000 files do not fit the memory."""

LONGEST_MANIFEST_PART = 32 << 10
"""One file's entry in a manifest, or one of its other values. A name has at most 900 bytes, six times that escaped."""

MOST_FILES = 100_000
"""Files of an artifact (docs/artifacts.md)."""

MOST_NAMES = 32 << 20
"""What the names of an artifact's files take in memory together: 100,000 of 100 characters take 15 MB. One emoji makes
each character of its name take four bytes."""

MOST_ENTRIES = 10_000
"""Files of a folder that are looked at together, by the agent on every turn; what is beyond is not looked at."""

MOST_VALUES = 200_000
"""Objects, lists and their members in a document, save manifests: each takes up to 64 bytes or 250."""

DEEPEST = 32
"""Levels of a document. A configuration has six."""

LARGEST_NUMBER = 2**63 - 1
"""Of a whole number, and of what is made from a fraction: what Java can count, in whose answers they stand."""
