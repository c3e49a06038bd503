"""Runs a server's pod for real: what the API server holds becomes processes of this machine.

Read from the API server: the Deployment's pod template, the pod that it became, and the ConfigMaps that it mounts. The
agent has a real token of the pod's service account, so it follows its ConfigMap with exactly the pod's role.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import requests

from sandbox import processes
from sandbox.errors import SandboxError
from sandbox.inspection import Inspection
from sandbox.lifecycle import REGION, Sandbox
from sandbox.serving.emulation import (
    EmulatedPod,
    Json,
    Machine,
    NotEmulatedError,
    PodObject,
    Token,
    config_maps_of,
    emulate,
)
from sandbox.serving.keeper import Keeping
from sandbox.serving.runtime import TorchServeRuntime

ROLE: Final = "serving"
MODELS_KEY: Final = "models.json"
"""Key of the ConfigMap that the agent follows."""

_IMAGE_CODE: Final = "/opt/slipway"
"""The folder of this repository's workloads in the image."""
_POLL_SECONDS: Final = 0.1
_END_SECONDS: Final = 30.0
_RENEW_AT: Final = 0.8
"""The share of a token's lifetime after which it is renewed, as the kubelet does."""
_ANSWER_SECONDS: Final = 30.0
_TRIES: Final = 3
"""The failures of a version after which waiting is over: the agent's next try is 8 s away, and then 16."""


class ServingError(SandboxError):
    """The pod's processes do not serve; the message has the agent's own reason."""


class NoPodError(SandboxError):
    """The server has no pod at this moment."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A server's pod as the API server holds it."""

    server: str
    template: Json
    pod: PodObject
    config_maps: Mapping[str, Mapping[str, str]]

    @property
    def models(self) -> Json:
        """TorchServe's name → version → the agent's entry for it; empty where no agent is configured."""
        texts = [data[MODELS_KEY] for data in self.config_maps.values() if MODELS_KEY in data]
        models: Json = json.loads(texts[0])["models"] if texts else {}
        return models


def read(inspection: Inspection, namespace: str, server: str) -> Held:
    """The server's pod, after the API server's defaults and admission.

    Raises:
        SandboxError: the API server has no such Deployment.
        NoPodError: no pod of it, or those of another template: a rollout is under way.
    """
    of_server = f"labelSelector=slipway.dev%2Fserver%3D{server}"
    deployments = _items(inspection, f"/apis/apps/v1/namespaces/{namespace}/deployments?{of_server}")
    pods = [
        pod
        for pod in _items(inspection, f"/api/v1/namespaces/{namespace}/pods?{of_server}")
        if "deletionTimestamp" not in pod["metadata"]
    ]
    if not deployments:
        raise SandboxError(f"the API server has no Deployment of {server}. Run `slipway sandbox up`.")
    (deployment,) = deployments
    if not pods or not _is_rolled_out(deployment):
        raise NoPodError(
            f"{server} has {len(pods)} pods, and its Deployment is not rolled out: see `slipway sandbox up`"
        )
    template = deployment["spec"]["template"]
    newest = max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    return Held(
        server=server,
        template=template,
        pod=PodObject(
            namespace=namespace,
            name=newest["metadata"]["name"],
            uid=newest["metadata"]["uid"],
            labels=newest["metadata"].get("labels", {}),
            node=newest["spec"].get("nodeName", ""),
        ),
        config_maps=_config_maps(inspection, namespace, config_maps_of(template)),
    )


@dataclass(kw_only=True)
class RunningPod:
    """The pod's processes."""

    sandbox: Sandbox
    held: Held
    emulated: EmulatedPod
    _inspection: Inspection
    _keeper: subprocess.Popen[bytes]
    _renew: dict[Token, float] = field(default_factory=dict)
    """The time at which each token is asked for again."""

    @property
    def url(self) -> str:
        """The inference port's address on this machine."""
        return f"http://127.0.0.1:{self.emulated.ports['inference']}"

    def logs(self) -> dict[str, Path]:
        """Container → its output."""
        return {c.name: _log_of(self.sandbox, c.name) for c in self.emulated.containers}

    def alive(self) -> bool:
        """True while the keeper runs."""
        return self._keeper.poll() is None

    def ready(self) -> str:
        """Empty once the agent says that the pod is ready; until then its reason."""
        try:
            answer = self._ask_agent("/ready")
        except (requests.RequestException, ValueError):
            return "the agent does not answer yet"
        return "" if answer["ready"] else str(answer["reason"])

    def versions(self) -> Json:
        """Return the agent's report of each model; {} while it does not answer."""
        try:
            models: Json = self._ask_agent("/versions").get("models", {})
        except (requests.RequestException, ValueError):
            return {}
        return models

    def failures(self) -> list[str]:
        """`model version: stage: reason` of each version that failed."""
        return [
            f"{model} {version}: {shown['stage']}: {shown['reason']}"
            for model, report in self.versions().items()
            for version, shown in report["versions"].items()
            if shown.get("stage")
        ]

    def wait(self, seconds: float, progress: Callable[[str], None]) -> None:
        """Wait until the agent says that the pod is ready.

        Raises:
            ServingError: it did not become so in time, with the agent's reasons; or its processes ended.
        """
        deadline, shown = time.monotonic() + seconds, ""
        while reason := self.ready():
            if not self.alive():
                raise ServingError(f"{self.held.server}: its processes ended: {self._logs()}")
            if time.monotonic() > deadline or self._is_hopeless():
                why = "; ".join(self.failures()) or reason
                raise ServingError(f"{self.held.server} does not become ready: {why}. {self._logs()}")
            if reason != shown:
                progress(reason)
                shown = reason
            time.sleep(_POLL_SECONDS)

    def ask(self, path: str, body: str, content_type: str) -> bytes:
        """The answer to one POST through the inference port.

        Raises:
            ServingError: there was none, or not 200.
        """
        headers = {"Content-Type": f"{content_type}; charset=utf-8"}
        try:
            with _session() as session:
                answer = session.post(
                    f"{self.url}{path}", data=body.encode(), headers=headers, timeout=_ANSWER_SECONDS
                )
        except requests.RequestException as error:
            raise ServingError(f"POST {path}: {error}. {self._logs()}") from error
        if answer.status_code != http.client.OK:
            raise ServingError(f"POST {path}: {answer.status_code} {answer.text.strip()}. {self._logs()}")
        return answer.content

    def renew_tokens(self) -> None:
        """Ask again for the tokens that are about to end, as the kubelet does."""
        for token in self.emulated.tokens:
            if time.monotonic() >= self._renew.get(token, 0.0):
                scratch = token.path.with_name(f".{token.path.name}.new")
                scratch.touch(mode=0o600)
                scratch.write_text(self._token(token))
                scratch.replace(token.path)
                self._renew[token] = time.monotonic() + token.seconds * _RENEW_AT

    def _is_hopeless(self) -> bool:
        """True if every model has a version that the agent tried again and again."""
        models = self.versions().values()
        return bool(models) and all(
            any(shown.get("failures", 0) >= _TRIES for shown in report["versions"].values())
            for report in models
        )

    def _token(self, token: Token) -> str:
        account = self.held.template["spec"].get("serviceAccountName", "default")
        pod = self.held.pod
        asked: Json = {
            "audiences": list(token.audiences),
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.uid},
            "expirationSeconds": token.seconds,
        }
        path = f"/api/v1/namespaces/{pod.namespace}/serviceaccounts/{account}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": asked}
        return str(self._inspection.request("POST", path, body)["status"]["token"])

    def _ask_agent(self, path: str) -> Json:
        with _session() as session:
            url = f"http://127.0.0.1:{self.emulated.ports['agent']}{path}"
            answer: Json = session.get(url, timeout=10).json()
            return answer

    def _logs(self) -> str:
        return f"Logs: {', '.join(str(path) for path in self.logs().values())}"


@contextmanager
def running(sandbox: Sandbox, held: Held, runtime: TorchServeRuntime) -> Iterator[RunningPod]:
    """The pod's processes, until the block ends; they end with this process too, however it ends.

    Raises:
        NotEmulatedError: the pod has what processes of this machine cannot do.
        SandboxError: they cannot be started.
    """
    # Short, since a worker's socket lies in it: /tmp, wherever the clone is.
    folder = Path(tempfile.mkdtemp(prefix="slipway-", dir="/tmp"))
    keeper = None
    try:
        emulated = emulate(held.template, held.pod, held.config_maps, _machine(sandbox, runtime, folder))
        for name in ("agent", "inference"):
            if name not in emulated.ports:
                raise NotEmulatedError(f"the pod of {held.server}: none of its ports is called {name}")
        for place in emulated.folders:
            place.mkdir()
        for path, text in emulated.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        keeping = _keeping(sandbox, emulated, folder)
        keeper = _Keeper.start(sandbox, keeping, folder)
        pod = RunningPod(
            sandbox=sandbox,
            held=held,
            emulated=emulated,
            _inspection=Inspection(sandbox),
            _keeper=keeper.process,
        )
        pod.renew_tokens()
        keeper.begin()
        yield pod
    finally:
        if keeper is not None:
            keeper.end()
        shutil.rmtree(folder, ignore_errors=True)


def _machine(sandbox: Sandbox, runtime: TorchServeRuntime, folder: Path) -> Machine:
    ports = sandbox.endpoints()
    given: set[int] = set()

    def free_port() -> int:
        port = next(port for port in processes.free_ports(len(given) + 1) if port not in given)
        given.add(port)
        return port

    return Machine(
        root=folder,
        path=os.pathsep.join([str(runtime.programs), str(runtime.java.parent), "/usr/bin", "/bin"]),
        image_folders={_IMAGE_CODE: sandbox.clone},
        environment={
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(ports.api_server),
            # On EKS, Pod Identity.
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": ports.aws_url,
            "AWS_REGION": REGION,
        },
        free_port=free_port,
    )


def _keeping(sandbox: Sandbox, emulated: EmulatedPod, folder: Path) -> Keeping:
    containers = []
    for container in emulated.containers:
        container.folder.mkdir(parents=True, exist_ok=True)
        log = _log_of(sandbox, container.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")
        program = shutil.which(container.command[0], path=container.environment["PATH"])
        if program is None:
            raise NotEmulatedError(
                f"container {container.name}: {container.command[0]} is not on this machine, and no image is run"
            )
        containers.append(
            {
                "name": container.name,
                "command": [program, *container.command[1:]],
                "environment": {**container.environment, **processes.marks(sandbox.paths, ROLE)},
                "folder": str(container.folder),
                "log": str(log),
                "sidecar": container.sidecar,
            }
        )
    return Keeping(folder=folder, link=sandbox.paths.pods / folder.name, containers=containers)


@dataclass(frozen=True)
class _Keeper:
    process: subprocess.Popen[bytes]
    input: IO[bytes]
    """It begins with the first byte, and ends with the input."""

    @classmethod
    def start(cls, sandbox: Sandbox, keeping: Keeping, folder: Path) -> _Keeper:
        """Start a keeper that waits: so it is there to clean up before anything of the pod is."""
        keeping.link.parent.mkdir(parents=True, exist_ok=True)
        keeping.link.symlink_to(folder)
        file = folder / "keeping.json"
        keeping.write(file)
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as end, _log_of(sandbox, "keeper").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "sandbox.serving.keeper", str(file)],
                stdin=end,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=sandbox.clone,
                env={**os.environ, **processes.marks(sandbox.paths, ROLE)},
                start_new_session=True,
            )
        return cls(process, os.fdopen(writing, "wb", buffering=0))

    def begin(self) -> None:
        self.input.write(b"begin\n")

    def end(self) -> None:
        self.input.close()
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _log_of(sandbox: Sandbox, container: str) -> Path:
    return processes.log_of(sandbox.paths, f"{ROLE}-{container}")


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # proxies of the environment are not for loopback
    return session


def _is_rolled_out(deployment: Json) -> bool:
    """True if every pod is of the present template."""
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return bool(seen and status.get("updatedReplicas", 0) == status.get("replicas", 0) == wanted)


def _items(inspection: Inspection, path: str) -> list[Any]:
    items: list[Any] = inspection.request("GET", path)["items"]
    return items


def _config_maps(inspection: Inspection, namespace: str, names: list[str]) -> dict[str, dict[str, str]]:
    """Return the ConfigMaps that exist, of these names."""
    held = {
        config_map["metadata"]["name"]: config_map.get("data", {})
        for config_map in _items(inspection, f"/api/v1/namespaces/{namespace}/configmaps")
    }
    return {name: held[name] for name in names if name in held}
