"""The provider under the real Pulumi engine: what a user sees over a stack's life."""

import base64
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi import automation

from sandbox.kubernetes.client import ApiClient
from sandbox.toolchain.build import ensure_programs

pytestmark = pytest.mark.engine

NAMESPACE = "engine-test"


@dataclass
class Program:
    """A stack's program, whose data a test changes."""

    kubeconfig: str
    data: str = "1"
    late: bool = False
    """Whether the kubeconfig is known only once another resource exists, as with a new cluster."""
    extra: list[Callable[[pulumi.ResourceOptions, pulumi.Output[str]], None]] = field(default_factory=list)

    def __call__(self) -> None:
        first = pulumi.ResourceOptions(provider=k8s.Provider("first", kubeconfig=self.kubeconfig))
        namespace = k8s.core.v1.Namespace("ns", metadata={"name": NAMESPACE}, opts=first)
        kubeconfig: Any = self.kubeconfig
        if self.late:
            kubeconfig = namespace.metadata.uid.apply(lambda _: self.kubeconfig)
        opts = pulumi.ResourceOptions(provider=k8s.Provider("k8s", kubeconfig=kubeconfig))
        config = k8s.core.v1.ConfigMap(
            "config",
            metadata={"namespace": namespace.metadata.name},
            data={"config.properties": self.data, "empty": ""},
            opts=opts,
        )
        for add in self.extra:
            add(opts, config.metadata.name)
        pulumi.export("config", config.metadata.name)


def _workload(opts: pulumi.ResourceOptions, config: pulumi.Output[str]) -> None:
    """What a served model consists of, but for the nodes."""
    metadata = {"namespace": NAMESPACE}
    labels = {"app": "server"}
    spec = {
        "serviceAccountName": "server",
        "hostNetwork": False,
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "containers": [
            {
                "name": "c",
                "image": "server:1",
                "env": [{"name": "KEY", "value": pulumi.Output.secret("ENVIRONMENT-SECRET")}],
                "ports": [{"containerPort": 8080, "name": "http"}],
                "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"cpu": "1"}},
                "readinessProbe": {"httpGet": {"path": "/ping", "port": "http"}},
                "volumeMounts": [{"name": "config", "mountPath": "/config"}],
            }
        ],
        "volumes": [{"name": "config", "configMap": {"name": config}}],
    }
    k8s.core.v1.ServiceAccount("server", metadata={**metadata, "name": "server"}, opts=opts)
    k8s.core.v1.Secret("strings", metadata=metadata, string_data={"a": "STRING-SECRET"}, opts=opts)
    encoded = base64.b64encode(b"DATA-SECRET").decode()
    k8s.core.v1.Secret("data", metadata=metadata, data={"a": encoded}, opts=opts)
    k8s.apps.v1.Deployment(
        "server",
        metadata={**metadata, "name": "server"},
        spec={
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
        opts=opts,
    )
    ports = [{"port": 80, "targetPort": "http"}]
    k8s.core.v1.Service(
        "server",
        metadata={**metadata, "name": "server"},
        spec={"selector": labels, "ports": ports},
        opts=opts,
    )
    rules = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []}
    k8s.networking.v1.NetworkPolicy("deny", metadata=metadata, spec=rules, opts=opts)
    budget = {"minAvailable": "50%", "selector": {"matchLabels": labels}}
    k8s.policy.v1.PodDisruptionBudget("budget", metadata=metadata, spec=budget, opts=opts)
    k8s.scheduling.v1.PriorityClass("urgent", value=1000, global_default=False, opts=opts)


@dataclass
class Stack:
    """A stack named ``sandbox`` in a backend of its own."""

    stack: automation.Stack
    backend: Path

    def preview(self) -> dict[str, int]:
        summary = self.stack.preview(color="never").change_summary
        return {str(operation.value): count for operation, count in summary.items()}

    def up(self) -> dict[str, int]:
        return dict(self.stack.up(color="never").summary.resource_changes or {})

    def refresh(self) -> dict[str, int]:
        return dict(self.stack.refresh(color="never").summary.resource_changes or {})

    def output(self, name: str) -> Any:
        return self.stack.outputs()[name].value


@pytest.fixture
def program(control_plane: Any) -> Program:
    return Program(kubeconfig=control_plane.admin_kubeconfig.read_text())


@pytest.fixture
def stack(tmp_path: Path, control_plane: Any, program: Program) -> Iterator[Stack]:
    programs = tmp_path / "bin"
    backend = tmp_path / "state"
    for folder in (programs, backend):
        folder.mkdir()
    plugin = programs / "pulumi-resource-kubernetes"
    root = Path(__file__).parents[4]
    plugin.write_text(f'#!/bin/sh\ncd {root} && exec {sys.executable} -m sandbox.kubernetes "$@"\n')
    plugin.chmod(0o755)
    engine = ensure_programs(print)["pulumi"].path
    environment = {
        "AWS_ENDPOINT_URL": control_plane.aws_url,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "SLIPWAY_SANDBOX": str(tmp_path),
    }
    (tmp_path / "root" / "bin").mkdir(parents=True)
    (tmp_path / "root" / "bin" / "pulumi").symlink_to(engine)
    made = automation.create_or_select_stack(
        "sandbox",
        "slipway",
        program,
        opts=automation.LocalWorkspaceOptions(
            work_dir=str(tmp_path),
            env_vars=environment,
            pulumi_command=automation.PulumiCommand(root=str(tmp_path / "root")),
            project_settings=automation.ProjectSettings(name="slipway", runtime="python"),
        ),
    )
    yield Stack(made, backend)
    made.destroy(color="never")


def test_up_again_and_refresh_change_nothing_and_secrets_are_secret_in_the_state(
    stack: Stack, program: Program
) -> None:
    program.extra.append(_workload)
    made = stack.up()["create"]
    assert stack.up() == {"same": made}
    assert stack.refresh() == {"same": made}
    assert stack.preview() == {"same": made}
    state = "".join(path.read_text() for path in stack.backend.rglob("*.json*"))
    encoded = [
        base64.b64encode(word).decode() for word in (b"STRING-SECRET", b"DATA-SECRET", b"ENVIRONMENT-SECRET")
    ]
    assert "config.properties" in state
    assert [word for word in ("STRING-SECRET", "ENVIRONMENT-SECRET", *encoded) if word in state] == []


def test_a_changed_config_map_is_replaced_and_what_refers_to_it_rolls(
    stack: Stack, program: Program, api: ApiClient
) -> None:
    program.extra.append(_workload)
    stack.up()
    before = stack.output("config")
    program.data = "2"
    previewed = stack.preview()
    assert (previewed["replace"], previewed["update"]) == (1, 1)
    stack.up()
    after = stack.output("config")
    listing = api.get(f"/api/v1/namespaces/{NAMESPACE}/configmaps")["items"]
    names = {item["metadata"]["name"] for item in listing} - {"kube-root-ca.crt"}
    assert before != after
    assert names == {after}
    deployment = api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/server")
    assert deployment["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"] == after


def test_drift_is_found_by_a_refresh_and_put_right_by_an_update(
    stack: Stack, program: Program, edit: Callable[..., Any], api: ApiClient
) -> None:
    program.extra.append(_workload)
    made = stack.up()["create"]
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/server"
    edit(path, {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "theirs"}]}}}})
    refreshed = stack.refresh()
    assert refreshed == {"same": made - 1, "update": 1}
    assert stack.up()["update"] == 1
    assert api.get(path)["spec"]["template"]["spec"]["containers"][0]["image"] == "server:1"


def test_a_cluster_that_is_made_in_the_same_update_is_previewed_unseen_and_then_used(
    stack: Stack, program: Program
) -> None:
    program.late = True
    assert stack.preview()["create"] == stack.up()["create"]
    assert set(stack.up()) == {"same"}


def test_a_wrong_value_fails_the_preview_once_the_cluster_is_known(stack: Stack, program: Program) -> None:
    stack.up()

    def wrong(opts: pulumi.ResourceOptions, _: pulumi.Output[str]) -> None:
        spec = {"ports": [{"port": 99999}]}
        k8s.core.v1.Service("wrong", metadata={"namespace": NAMESPACE}, spec=spec, opts=opts)

    program.extra.append(wrong)
    with pytest.raises(automation.CommandError, match=r"spec\.ports\[0\]\.port: Invalid value: 99999"):
        stack.preview()


def test_the_kubeconfig_of_a_real_cluster_is_refused(stack: Stack, program: Program) -> None:
    config = json.loads(program.kubeconfig)
    good = program.kubeconfig
    config["clusters"][0]["cluster"]["server"] = "https://cluster.eu-west-1.eks.amazonaws.com"
    program.kubeconfig = json.dumps(config)
    with pytest.raises(automation.CommandError, match="not on this machine"):
        stack.preview()
    program.kubeconfig = good
