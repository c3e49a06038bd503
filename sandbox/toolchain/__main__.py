"""`python -m sandbox.toolchain`: builds what is missing, and says where everything is."""

from __future__ import annotations

import signal
import sys

from sandbox.errors import SandboxError
from sandbox.toolchain.build import ensure_programs


def main() -> int:
    """Returns 3 when something cannot be had."""
    # A background job of a shell starts with SIGINT ignored; and a build must not outlive this process either way.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        programs = ensure_programs(lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    except SandboxError as error:
        print(f"slipway: {error}", file=sys.stderr)  # noqa: T201
        return 3
    for name, program in sorted(programs.items()):
        print(f"{name} {program.version} {program.path}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
