"""A provider plugin's version, asked of the plugin itself: the call that the engine makes first."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import Final

_SECONDS: Final = 20.0


def plugin_version(path: Path) -> str | None:
    """Return the version that a provider plugin reports, e.g. ``4.34.2``; None when it does not run.

    Started without an engine's address, a plugin prints its port and waits to be called.
    """
    # Here, since they take a third of a second, and nearly no command asks.
    import grpc
    from google.protobuf import empty_pb2
    from pulumi.runtime.proto import provider_pb2_grpc

    try:
        plugin = subprocess.Popen(
            [str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError:
        return None
    stop = threading.Timer(_SECONDS, plugin.kill)
    stop.start()
    try:
        assert plugin.stdout is not None  # noqa: S101 (it is a pipe)
        port = plugin.stdout.readline().strip()
        if not port.isdigit():
            return None
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            answer = stub.GetPluginInfo(empty_pb2.Empty(), timeout=_SECONDS)
        return str(answer.version).partition("+")[0].removeprefix("v") or None
    except grpc.RpcError:
        return None
    finally:
        stop.cancel()
        plugin.kill()
        plugin.communicate()
