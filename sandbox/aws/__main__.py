"""``python -m sandbox.aws ENGINE_ADDRESS``: the provider plugin, started by the engine."""

from __future__ import annotations

import importlib.metadata
import os
import sys

from plugin_server.server import serve
from sandbox import guard
from sandbox.aws.provider import AwsProvider


def main() -> None:
    """Serves until the engine ends it."""
    if reason := guard.of_process():
        sys.stderr.write(f"{reason}\n")
        sys.exit(1)
    serve(
        lambda log: AwsProvider(log, os.environ),
        version=importlib.metadata.version("pulumi-aws"),
        refusal=guard.of_process,
    )


if __name__ == "__main__":
    main()
