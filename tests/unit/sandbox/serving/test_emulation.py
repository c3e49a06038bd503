"""A pod becomes processes with their own paths and ports, or is refused by name."""

# ruff: noqa: S108 - paths in a pod, where /tmp is a volume

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.serving.emulation import (
    ACCOUNT_PATH,
    ACCOUNT_VARIABLE,
    EmulatedPod,
    Machine,
    NotEmulatedError,
    PodObject,
    config_maps_of,
    emulate,
)

ROOT, CODE = Path("/tmp/slipway-x"), Path("/clone")
POD = PodObject(namespace="serving", name="one-1", uid="1-2-3", labels={"app": "x"}, node="ip-1")
PROPERTIES = (
    "allowed_urls=file:///mnt/models/.*\n"
    "inference_address=http://0.0.0.0:8080\n"
    "management_address=http://127.0.0.1:8081\n"
    "model_store=/mnt/models\n"
)
MODELS = json.dumps({"models": {"m": {"1": {"smoke": {"body": "see /mnt/models and 127.0.0.1:8080"}}}}})
CONFIG_MAPS = {
    "config-1": {"config.properties": PROPERTIES},
    "one-models": {"models.json": MODELS},
    "kube-root-ca.crt": {"ca.crt": "PEM"},
}


def template() -> dict[str, Any]:
    """A TorchServe with its agent, as the API server gives it back."""
    return {
        "spec": {
            "initContainers": [
                {
                    "name": "agent",
                    "image": "ts",
                    "restartPolicy": "Always",
                    "command": ["python3", "-m", "workloads.agent"],
                    "args": [
                        "--config-map", "$(POD_NAMESPACE)/one-models", "--model-store", "/mnt/models",
                        "--listen", "0.0.0.0:8090", "--management", "127.0.0.1:8081",
                    ],
                    "env": [
                        {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                        {"name": "PYTHONPATH", "value": "/opt/slipway"},
                        {"name": "AWS_REGION", "value": "eu-west-3"},
                    ],
                    "ports": [{"name": "agent", "containerPort": 8090, "protocol": "TCP"}],
                    "resources": {"limits": {"memory": "1Gi"}},
                    "volumeMounts": [
                        {"name": "models", "mountPath": "/mnt/models"},
                        {"name": "models-config", "mountPath": "/etc/slipway", "readOnly": True},
                        {"name": "api-token", "mountPath": ACCOUNT_PATH, "readOnly": True},
                    ],
                }
            ],
            "containers": [
                {
                    "name": "torchserve",
                    "image": "ts",
                    "command": ["torchserve"],
                    "args": ["--ts-config", "/etc/torchserve/config.properties"],
                    "env": [
                        {"name": "TEMP", "value": "/tmp"},
                        {"name": "SOCKETS", "value": "$(TEMP)/s:$$(TEMP):$(NOBODY)"},
                    ],
                    "ports": [{"name": "inference", "containerPort": 8080}],
                    "workingDir": "/var/lib/torchserve",
                    "volumeMounts": [
                        {"name": "config", "mountPath": "/etc/torchserve", "readOnly": True},
                        {"name": "models", "mountPath": "/mnt/models"},
                        {"name": "tmp", "mountPath": "/tmp"},
                        {"name": "work", "mountPath": "/var/lib/torchserve"},
                    ],
                }
            ],
            "dnsPolicy": "ClusterFirst",
            "hostNetwork": False,
            "nodeSelector": {"pool": "cpu"},
            "securityContext": {"runAsUser": 1000},
            "serviceAccountName": "one",
            "volumes": [
                {
                    "name": "api-token",
                    "projected": {
                        "defaultMode": 420,
                        "sources": [
                            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
                            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                        ],
                    },
                },
                {"name": "config", "configMap": {"name": "config-1", "defaultMode": 420}},
                {"name": "models", "emptyDir": {}},
                {"name": "models-config", "configMap": {"name": "one-models"}},
                {"name": "tmp", "emptyDir": {}},
                {"name": "work", "emptyDir": {}},
            ],
        }
    }  # fmt: skip


def emulated(pod: dict[str, Any]) -> EmulatedPod:
    ports = itertools.count(20001)
    machine = Machine(
        root=ROOT,
        path="/venv/bin:/bin",
        image_folders={"/opt/slipway": CODE},
        environment={"AWS_REGION": "eu-west-1", "LANG": "C.UTF-8"},
        free_port=lambda: next(ports),
    )
    return emulate(pod, POD, CONFIG_MAPS, machine)


def test_sidecars_start_first_and_every_path_and_port_is_this_machine_s() -> None:
    pod = emulated(template())
    agent, torchserve = pod.containers
    assert (agent.name, agent.sidecar, torchserve.name, torchserve.sidecar) == (
        "agent", True, "torchserve", False,
    )  # fmt: skip
    assert agent.command == (
        "python3", "-m", "workloads.agent", "--config-map", "serving/one-models", "--model-store",
        f"{ROOT}/v3", "--listen", "127.0.0.1:20001", "--management", "127.0.0.1:20002",
    )  # fmt: skip
    assert torchserve.command == ("torchserve", "--ts-config", f"{ROOT}/v2/config.properties")
    assert torchserve.folder == ROOT / "v6"
    assert pod.ports == {"agent": 20001, "inference": 20003}


def test_the_containers_of_a_pod_meet_at_the_same_ports_and_folders() -> None:
    pod = emulated(template())
    text = pod.files[ROOT / "v2/config.properties"]
    assert "management_address=http://127.0.0.1:20002\n" in text
    assert "inference_address=http://127.0.0.1:20003\n" in text
    assert f"model_store={ROOT}/v3\n" in text
    assert f"allowed_urls=file://{ROOT}/v3/.*\n" in text


def test_torchserve_s_grpc_ports_are_its_own_although_the_pod_leaves_them_at_their_defaults() -> None:
    text = emulated(template()).files[ROOT / "v2/config.properties"]
    assert "grpc_inference_port=20004\ngrpc_management_port=20005\n" in text


def test_what_the_agent_reads_is_as_the_api_server_has_it() -> None:
    assert emulated(template()).files[ROOT / "v4/models.json"] == MODELS


def test_variables_come_in_order_from_the_pod_the_downward_api_and_the_machine() -> None:
    agent, torchserve = emulated(template()).containers
    assert agent.environment == {
        "AWS_REGION": "eu-west-3", "LANG": "C.UTF-8", "PATH": "/venv/bin:/bin", "POD_NAMESPACE": "serving",
        "PYTHONPATH": str(CODE), ACCOUNT_VARIABLE: f"{ROOT}/v1",
    }  # fmt: skip
    assert torchserve.environment["TEMP"] == f"{ROOT}/v5"
    assert torchserve.environment["SOCKETS"] == f"{ROOT}/v5/s:$(TEMP):$(NOBODY)"
    assert ACCOUNT_VARIABLE not in torchserve.environment


def test_the_token_is_asked_for_as_the_volume_says_and_the_authority_lies_beside_it() -> None:
    pod = emulated(template())
    (token,) = pod.tokens
    assert (token.path, token.audiences, token.seconds) == (ROOT / "v1/token", (), 3600)
    assert pod.files[ROOT / "v1/ca.crt"] == "PEM"


def test_every_volume_is_a_fresh_folder_whose_path_is_short() -> None:
    pod = emulated(template())
    assert set(pod.folders) == {ROOT / f"v{number}" for number in range(1, 7)}


@pytest.mark.parametrize(
    ("text", "mapped"),
    [
        ("/tmp", f"{ROOT}/v5"),
        ("/tmp/a", f"{ROOT}/v5/a"),
        ("-Djava.io.tmpdir=/tmp -x", f"-Djava.io.tmpdir={ROOT}/v5 -x"),
        ("/tmpfs", "/tmpfs"),
        ("/srv/tmp", "/srv/tmp"),
        ("/tmp.d", "/tmp.d"),
        ("a,/tmp,/mnt/models", f"a,{ROOT}/v5,{ROOT}/v3"),
        ("10.0.0.0:8080", "10.0.0.0:8080"),
        ("port 8080", "port 8080"),
        ("localhost:8080", "127.0.0.1:20003"),
    ],
)
def test_a_path_is_mapped_where_it_is_a_whole_one_and_a_port_where_something_listens(
    text: str, mapped: str
) -> None:
    pod = template()
    pod["spec"]["containers"][0]["args"] = [text]
    pod["spec"]["containers"][0]["ports"] = []
    # The agent's two ports come first; a third is the next.
    assert emulated(pod).containers[1].command[1] == mapped


def test_the_config_maps_of_a_pod_are_those_of_its_volumes_and_projections() -> None:
    assert config_maps_of(template()) == sorted(CONFIG_MAPS)


def _volume(kind: str) -> Any:
    return lambda spec: spec["volumes"].append({"name": "v", kind: {}})


def _container(key: str, value: Any) -> Any:
    return lambda spec: spec["containers"][0].update({key: value})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_volume("hostPath"), "volume v: hostPath is not emulated"),
        (_volume("secret"), "volume v: secret is not emulated"),
        (_volume("persistentVolumeClaim"), "volume v: persistentVolumeClaim is not emulated"),
        (lambda spec: spec.update(hostNetwork=True), "the pod: hostNetwork is not emulated"),
        (lambda spec: spec.update(hostAliases=[{"ip": "1.1.1.1"}]), "the pod: hostAliases is not emulated"),
        (_container("envFrom", [{"secretRef": {"name": "s"}}]), "container torchserve: envFrom is not emulated"),
        (_container("tty", True), "container torchserve: tty is not emulated"),
        (_container("command", []), "container torchserve: it has no command"),
        (
            _container("resources", {"limits": {"memory": "1Gi", "nvidia.com/gpu": "1"}}),
            "container torchserve: it asks for nvidia.com/gpu, and this machine has none",
        ),
        (
            _container("env", [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}]),
            "container torchserve: variable A: secretKeyRef is not emulated",
        ),
        (
            _container("env", [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}}]),
            "container torchserve: variable A: the field status.phase is not emulated",
        ),
        (
            _container("volumeMounts", [{"name": "tmp", "mountPath": "/tmp", "subPath": "a"}]),
            "container torchserve: mount tmp: subPath is not emulated",
        ),
        (
            lambda spec: spec["initContainers"].append({"name": "fetch", "command": ["sh"]}),
            "init container fetch: it runs to its end",
        ),
        (
            lambda spec: spec["volumes"][1]["configMap"].update(name="gone"),
            "volume config: there is no ConfigMap gone",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_done_without_a_container_is_refused_by_name(change: Any, said: str) -> None:
    pod = template()
    change(pod["spec"])
    with pytest.raises(NotEmulatedError) as refused:
        emulated(pod)
    assert said in str(refused.value)
