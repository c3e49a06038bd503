"""The workload of a TorchServe server: TorchServe, which starts empty, and the agent beside it (docs/agent.md).

The agent is a native sidecar: it starts before TorchServe and ends after it. Nothing of the pod depends on which models
the server has. The trap: the `torchserve` wrapper is process 1 and ignores SIGTERM, and Java, once it stops, cuts
requests in flight (docs/facts/torchserve.md §3). So the pod first waits until no new request comes, then stops Java
itself; the agent only sees TorchServe go, and unregisters nothing.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from engines.torchserve import MANAGEMENT_PORT, render_empty_config
from planning.capacity.resources import AGENT_RESOURCES
from planning.observability import monitors
from planning.server import DRAIN
from planning.torchserve_servers import FRONTEND_STARTUP, TorchServePlan
from planning.workload.labels import server_labels
from planning.workload.manifest import Manifest, Reference
from planning.workload.pod import (
    KEEP_FREE,
    MODEL_STORE,
    PROGRAMS,
    TEMPORARY,
    Container,
    Pod,
    Probe,
    attempts,
    empty_volumes,
    seconds,
)
from planning.workload.spec import Caller, Ingress, WorkloadSpec

LOADING: Final = timedelta(minutes=45)
"""The time until a rollout counts as failed, beyond the pull of an image. Chosen. A constant, as a bound made of its
models would change the Deployment with each of them; a version that does not load holds up no pod anyway."""
STOP: Final = timedelta(seconds=35)
"""30 s for Java to stop its workers (2.7 s measured on CPU; a request that outlasts DRAIN is cut), and what the agent
then takes to end."""
PROBE_PERIOD: Final = timedelta(seconds=5)
OVERRIDES_ANNOTATION: Final = "slipway.dev/overrides"
"""An annotation of the pods: a hash of what a running TorchServe cannot take, so that it takes effect by a rollout."""
VERSIONS: Final = f"{MODEL_STORE}/versions"
"""The folder in which the agent writes which weights are a worker's own (workloads/handlers reads it)."""
CONFIG_DIRECTORY, CONFIG_FILE = "/etc/torchserve", "config.properties"
MODELS_DIRECTORY, MODELS_FILE = "/etc/slipway", "models.json"

_MODELS: Final = "models"

_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOKEN_SECONDS: Final = 3600
"""The kubelet replaces the token before it ends, and the agent reads it for each request."""
_LOGS, _WORK = "/var/log/torchserve", "/var/lib/torchserve"
_WRITABLE: Final = {"logs": _LOGS, "models": MODEL_STORE, "tmp": TEMPORARY, "work": _WORK}


def torchserve_workload(server: TorchServePlan, namespace: str, models: str) -> WorkloadSpec:
    """Make the workload of one server, in `namespace`. `models` is the configuration of its agent, as text."""
    return WorkloadSpec(
        name=server.name,
        engine=server.engine,
        pod=torchserve_pod(server),
        replicas=server.running_replicas,
        loading=LOADING,
        ports=server.ports,
        ingress=(
            Ingress(server.inference_port, (Caller.GATEWAY, Caller.NEIGHBOURS)),
            Ingress(server.metrics_port, (Caller.MONITORING,)),
            Ingress(server.agent_port, (Caller.GATEWAY, Caller.MONITORING)),
        ),
        artifact_prefixes=server.artifact_prefixes,
        rules=(
            # list and watch with a name are allowed where the request has that name as its field selector.
            {
                "apiGroups": [""],
                "resources": ["configmaps"],
                "resourceNames": [_models_name(server)],
                "verbs": ["get", "list", "watch"],
            },
            # Creation cannot be limited by name: the agent could write events about others of its namespace.
            {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
        ),
        live_files={_MODELS: {MODELS_FILE: models}},
        monitors=monitors(server, namespace),
    )


def torchserve_pod(server: TorchServePlan) -> Pod:
    """Make the pod of one replica."""
    return Pod(
        server=server.name,
        labels=server_labels(server),
        annotations=_annotations(server),
        pool=server.pool,
        init_container=_agent(server),
        container=_torchserve(server),
        volumes={
            "api-token": _api_token(),
            "config": {"configMap": {"name": Reference.CONFIG_MAP}},
            "models-config": {"configMap": {"name": _models_name(server)}},
            **empty_volumes(_WRITABLE),
        },
        files={CONFIG_FILE: render_empty_config(model_store=MODEL_STORE, gpus=server.resources.gpus)},
        stop=STOP,
    )


def _models_name(server: TorchServePlan) -> str:
    """The ConfigMap with the agent's configuration. A role can name an object only by a name that stays."""
    return f"{server.name}-{_MODELS}"


def _annotations(server: TorchServePlan) -> Mapping[str, str]:
    if not server.fixed_overrides:
        return {}
    text = "\n".join(server.fixed_overrides)
    return {OVERRIDES_ANNOTATION: hashlib.sha256(text.encode()).hexdigest()[:12]}


def _torchserve(server: TorchServePlan) -> Container:
    drain = f"sleep {seconds(DRAIN)}; torchserve --stop"
    return Container(
        name="torchserve",
        image=server.image,
        # Not the image's entrypoint, which would keep the container up after Java has died. A TorchServe that was
        # killed leaves what it unpacked, and the volume outlives the container.
        command=("/bin/sh", "-c", 'rm -rf "$TEMP/models"; exec torchserve "$@"', "torchserve"),
        arguments=("--start", "--foreground", "--ncs", "--ts-config", f"{CONFIG_DIRECTORY}/{CONFIG_FILE}"),
        working_directory=_WORK,
        environment={
            "HOME": _WORK,
            "LOG_LOCATION": _LOGS,
            "METRICS_LOCATION": _LOGS,
            "SLIPWAY_VERSIONS": VERSIONS,
            "TEMP": TEMPORARY,
            "TMPDIR": TEMPORARY,
        },
        ports=server.ports,
        resources=server.resources - AGENT_RESOURCES,
        reads={"config": CONFIG_DIRECTORY},
        writes=_WRITABLE,
        startup=_answers(failures=attempts(FRONTEND_STARTUP, PROBE_PERIOD)),
        liveness=_answers(failures=12),
        # The agent's answer, asked in this container's name: a TorchServe that was killed comes back empty, and its
        # container counts as not ready until the first yes; on the agent's own container the yes from before would hold
        # for three periods. And an agent that restarts takes no pod out of the Service for longer than its restart.
        readiness=Probe(path="/ready", port=server.agent_port, period=PROBE_PERIOD, failures=3),
        before_stop={"exec": {"command": ["/bin/sh", "-c", drain]}},
    )


def _answers(*, failures: int) -> Probe:
    """Ask whether TorchServe answers at all: /ping would ask for workers, which the agent starts."""
    return Probe(path="/api-description", port="inference", period=PROBE_PERIOD, failures=failures)


def _agent(server: TorchServePlan) -> Container:
    """Make the sidecar, without a startup probe: TorchServe would wait for it, and it for TorchServe. Its answer about
    readiness is asked for in :func:`_torchserve`."""
    options = {
        "--configuration": f"{MODELS_DIRECTORY}/{MODELS_FILE}",
        "--config-map": f"$(POD_NAMESPACE)/{_models_name(server)}",
        "--source": Reference.BUCKET_URL,
        "--model-store": MODEL_STORE,
        "--state": f"{MODEL_STORE}/agent.json",
        "--listen": f"0.0.0.0:{server.agent_port}",
        "--management": f"127.0.0.1:{MANAGEMENT_PORT}",
        "--inference": f"127.0.0.1:{server.inference_port}",
        "--worker-log": f"{_LOGS}/model_log.log",
        "--keep-free": str(int(KEEP_FREE)),
    }
    return Container(
        name="agent",
        image=server.image,
        sidecar=True,
        command=("python3", "-m", "workloads.agent"),
        arguments=tuple(word for option in options.items() for word in option),
        pod_fields={
            "POD_NAME": "metadata.name",
            "POD_NAMESPACE": "metadata.namespace",
            "POD_UID": "metadata.uid",
        },
        environment={
            "AWS_REGION": Reference.REGION,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": PROGRAMS,
        },
        ports={"agent": server.agent_port},
        resources=AGENT_RESOURCES,
        reads={"api-token": _ACCOUNT, "logs": _LOGS, "models-config": MODELS_DIRECTORY},
        writes={"models": MODEL_STORE},
        liveness=Probe(path="/live", port="agent", period=PROBE_PERIOD, failures=6),
    )


def _api_token() -> Manifest:
    """Project what a pod gets that mounts its account's token: here the agent alone mounts it."""
    token = {"path": "token", "expirationSeconds": _TOKEN_SECONDS}
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    return {"projected": {"sources": [{"serviceAccountToken": token}, {"configMap": authority}]}}
