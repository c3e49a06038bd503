"""Runs one Pulumi program in this process; the task comes as JSON on standard input."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import grpc
import pulumi
from pulumi import runtime

from plugin_server.lifetime import end_with_parent

ALREADY_REPORTED: Final = 32
"""The exit code for a failure that the user has seen already (the engine's own convention)."""


def main() -> None:
    """Runs the program and exits: 0 done or cancelled, 32 failed and reported."""
    task = json.load(sys.stdin)
    # The terminal's Ctrl-C goes to the engine, which ends the program in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(lambda: os._exit(0), task["monitor"])
    code = _run(task)
    sys.stdout.flush()
    sys.stderr.flush()
    # After a failure the SDK leaves threads that wait for answers that will not come.
    os._exit(code)


def _run(task: dict[str, Any]) -> int:
    runtime.set_all_config(task["config"], task["secret_keys"])
    runtime.configure(
        runtime.Settings(
            monitor=task["monitor"],
            engine=task["engine"],
            project=task["project"],
            stack=task["stack"],
            organization=task["organization"],
            parallel=task["parallel"],
            dry_run=task["dry_run"],
            root_directory=task["root"],
        )
    )
    program = Path(task["program"], task["entry_point"]).resolve()
    sys.argv = [str(program)]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(max_workers=max(task["parallel"], 1) * 4))
    # A failed program leaves futures unobserved on purpose; asyncio would print each of them.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    def program_body() -> None:
        runpy.run_path(str(program), run_name="__main__")

    try:
        loop.run_until_complete(runtime.run_in_stack(program_body))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
    except grpc.RpcError as error:
        if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
            return 0  # the engine is shutting down, and says why itself
        pulumi.log.error(f"the engine refused a call: {error.details()}")
    except Exception:  # noqa: BLE001 (the boundary: whatever the program raised is the user's to see)
        pulumi.log.error("the program failed:\n" + _own_frames(traceback.format_exc(), program))
    else:
        return 0
    return ALREADY_REPORTED


def _own_frames(trace: str, program: Path) -> str:
    """The trace from the program's first frame on; the runner's own frames say nothing to a user."""
    start = trace.find(f'  File "{program}')
    return trace if start < 0 else "Traceback (most recent call last):\n" + trace[start:]


if __name__ == "__main__":
    main()
