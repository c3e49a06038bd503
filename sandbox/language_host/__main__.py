"""The language host: the engine starts it as `pulumi-language-python`, and asks it to run the program.

The program runs in a process of its own, so that the host can answer, and end it, at any time.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import Any, Final

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from plugin_server.lifetime import engine_address, serve_until_ended
from sandbox.language_host.run_program import ALREADY_REPORTED

_ENDED_BY_US: Final = (-signal.SIGTERM, -signal.SIGINT, -signal.SIGKILL)


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The part of the protocol that preview, up, refresh, destroy and `pulumi about` use."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._programs: set[subprocess.Popen[bytes]] = set()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def About(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.GetRequiredPluginsResponse()

    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.GetProgramDependenciesResponse()

    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.RuntimeOptionsResponse()

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED, "this project's dependencies are installed by `make install`"
        )

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.end_programs()
        return empty_pb2.Empty()

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        program = subprocess.Popen(
            [sys.executable, "-m", "sandbox.language_host.run_program"],
            stdin=subprocess.PIPE,
            cwd=request.pwd or None,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._programs.add(program)
        try:
            program.communicate(json.dumps(self._task(request)).encode())
        finally:
            self._programs.discard(program)
        if program.returncode == 0 or program.returncode in _ENDED_BY_US:
            return language_pb2.RunResponse()
        if program.returncode == ALREADY_REPORTED:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"the program ended with exit code {program.returncode}")

    def end_programs(self) -> None:
        """Ends the programs under way."""
        for program in list(self._programs):
            program.terminate()

    def _task(self, request: Any) -> dict[str, Any]:
        return {
            "program": request.info.program_directory or request.pwd,
            "entry_point": request.info.entry_point or ".",
            "root": request.info.root_directory,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization or "organization",
            "monitor": request.monitor_address,
            "engine": self._engine_address,
            "parallel": request.parallel,
            "dry_run": request.dryRun,
            "config": dict(request.config),
            "secret_keys": list(request.configSecretKeys),
        }


def main() -> None:
    """Serves until the engine ends the host or is gone."""
    address = engine_address(sys.argv[1:], "language host")
    host = LanguageHost(address)
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    serve_until_ended(server, address)
    host.end_programs()
    server.stop(grace=1).wait()


if __name__ == "__main__":
    main()
