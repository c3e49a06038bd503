"""The fetch of a language model's weights before its engine starts: `python -m workloads.fetch`, an init container.

Whoever writes its command line imports `WantedFolder`; the rest of the package runs in the container.
"""

from __future__ import annotations

from workloads.fetch.wanted import WantedFolder

__all__ = ["WantedFolder"]
