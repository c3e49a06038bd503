"""TorchServe and the agent as two processes that come back when they die, as containers of a pod do."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sandbox.serving.runtime import TorchServeRuntime
from tests.e2e.waiting import until

REPOSITORY: Final = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> tuple[int, bytes]:
    """Status and body. Raises OSError or http.client.HTTPException where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class Supervised:
    """A process that is started again whenever it ends, until it is told to stop.

    It leads a process group, and the group dies with it, as a container does with its first process.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str],
        before_start: Callable[[], None] = lambda: None,
    ) -> None:
        self._command = command
        self._log = log
        self._environment = {**os.environ, **environment}
        self._before_start = before_start
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._thread.start()

    def kill(self) -> None:
        """kill -9, and waits until it is another process."""
        assert self.process is not None
        before = self.starts
        os.kill(self.process.pid, signal.SIGKILL)
        until(lambda: self.starts > before, "the supervisor starts it again")

    def stop(self) -> None:
        self._stopping.set()
        if self.process is not None:
            self.process.terminate()
        self._thread.join(timeout=20)
        self._end_group()

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            self._before_start()
            with self._log.open("ab") as log:
                self.process = subprocess.Popen(
                    self._command,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self._environment,
                    cwd=REPOSITORY,
                    start_new_session=True,
                )
            self.starts += 1
            self.process.wait()
            self._end_group()

    def _end_group(self) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return


class TorchServe(Supervised):
    """The real one, with no model."""

    def __init__(self, runtime: TorchServeRuntime, folder: Path, store: Path) -> None:
        self.inference, self.management, metrics, grpc_inference, grpc_management = (
            free_port() for _ in range(5)
        )
        self._temporary = folder / "t"
        self.worker_log = folder / "logs/model_log.log"
        config = folder / "config.properties"
        config.write_text(
            f"inference_address=http://127.0.0.1:{self.inference}\n"
            f"management_address=http://127.0.0.1:{self.management}\n"
            f"metrics_address=http://127.0.0.1:{metrics}\n"
            "grpc_inference_address=127.0.0.1\ngrpc_management_address=127.0.0.1\n"
            f"grpc_inference_port={grpc_inference}\ngrpc_management_port={grpc_management}\n"
            "disable_token_authorization=true\nenable_envvars_config=false\nenable_model_api=true\n"
            f"install_py_dep_per_model=false\nmetrics_mode=prometheus\nmodel_store={store}\nnumber_of_gpu=0\n"
        )
        command = [
            str(runtime.java), "-Xmx256m", "-XX:TieredStopAtLevel=1", f"-Dmodel_server_home={runtime.site_packages}",
            f"-Djava.io.tmpdir={self._temporary}", "-cp", f"{runtime.site_packages}/ts/frontend/*",
            "org.pytorch.serve.ModelServer", "--python", str(runtime.python), "-f", str(config), "-ncs",
        ]  # fmt: skip
        logs = str(folder / "logs")
        environment = {
            "LOG_LOCATION": logs, "METRICS_LOCATION": logs, "OMP_NUM_THREADS": "1",
            "SLIPWAY_VERSIONS": str(store / "versions"), "TEMP": str(self._temporary),
        }  # fmt: skip
        super().__init__(
            command, folder / "torchserve.log", environment=environment, before_start=self._clear_temporary
        )

    def worker_pids(self, model: str, version: str) -> list[int]:
        """Processes of the version's workers."""
        status, body = get(self.management, f"/models/{model}/{version}")
        workers = json.loads(body)[0]["workers"] if status == http.client.OK else []
        return [worker["pid"] for worker in workers if worker["pid"] > 0]

    def _clear_temporary(self) -> None:
        """What a killed TorchServe unpacked and left: nobody else deletes it."""
        for path in sorted(self._temporary.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        self._temporary.mkdir(exist_ok=True)


class Agent(Supervised):
    """`python -m workloads.agent`, as in the pod."""

    def __init__(
        self,
        python: Path,
        folder: Path,
        torchserve: TorchServe,
        *,
        configuration: Path,
        store: Path,
        source: str,
        environment: Mapping[str, str],
        confined_by: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self._log_file = folder / "agent.log"
        command = [
            *confined_by, str(python), "-m", "workloads.agent",
            "--configuration", str(configuration), "--source", source,
            "--model-store", str(store), "--state", str(store / "agent.json"),
            "--listen", f"127.0.0.1:{self.port}", "--management", f"127.0.0.1:{torchserve.management}",
            "--inference", f"127.0.0.1:{torchserve.inference}", "--worker-log", str(torchserve.worker_log),
            "--interval", "0.2", "--longest-retry", "4",
        ]  # fmt: skip
        super().__init__(command, self._log_file, environment=environment)

    def ready(self) -> bool:
        try:
            return get(self.port, "/ready")[0] == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

    def versions(self) -> Any:
        """/versions, or {} where nobody answers."""
        try:
            status, body = get(self.port, "/versions")
        except (OSError, http.client.HTTPException):
            return {}
        return json.loads(body) if status == http.client.OK else {}

    def serving(self, model: str) -> str | None:
        """The version that answers requests without one."""
        shown = self.versions().get("models", {}).get(model)
        return shown["default"]["serving"] if shown else None

    def shown(self, model: str, version: str) -> Any:
        """What /versions says of a version; {} where it says nothing."""
        return self.versions().get("models", {}).get(model, {}).get("versions", {}).get(version, {})

    def log(self) -> list[dict[str, Any]]:
        """Every line that is whole."""
        text = self._log_file.read_text() if self._log_file.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("}\n")]

    def begins(self, step: str, model: str, version: str) -> int:
        """How often that step began."""
        wanted = {"message": "begins", "step": step, "model": model, "version": version}
        return sum(wanted.items() <= line.items() for line in self.log())
