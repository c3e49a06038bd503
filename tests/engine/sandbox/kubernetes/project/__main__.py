"""What a served model consists of, but for the nodes: the program of test_with_the_engine.py."""

import base64
import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

SETTINGS: dict[str, Any] = json.loads(Path("settings.json").read_text())
KUBECONFIG: str = SETTINGS["kubeconfig"]
LABELS = {"app": "server"}
RULES: Any = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "watch"]}]

first = pulumi.ResourceOptions(provider=k8s.Provider("first", kubeconfig=KUBECONFIG))
namespace = k8s.core.v1.Namespace("ns", metadata={"name": SETTINGS["namespace"]}, opts=first)

kubeconfig: pulumi.Input[str] = KUBECONFIG
if SETTINGS["late"]:  # known only once another resource exists, as with a new cluster
    kubeconfig = namespace.metadata.uid.apply(lambda _: KUBECONFIG)
opts = pulumi.ResourceOptions(provider=k8s.Provider("k8s", kubeconfig=kubeconfig), depends_on=[namespace])


def metadata(name: str | None = None) -> Any:
    inside: dict[str, Any] = {"namespace": namespace.metadata.name}
    return {**inside, "name": name} if name else inside


config = k8s.core.v1.ConfigMap(
    "config", metadata=metadata(), data={"config.properties": SETTINGS["data"], "empty": ""}, opts=opts
)
container: Any = {
    "name": "c",
    "image": "server:1",
    "env": [{"name": "KEY", "value": pulumi.Output.secret("ENVIRONMENT-SECRET")}],
    "ports": [{"containerPort": 8080, "name": "http"}],
    "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"cpu": "1"}},
    "readinessProbe": {"httpGet": {"path": "/ping", "port": "http"}},
    "volumeMounts": [{"name": "config", "mountPath": "/config"}],
}
pod: Any = {
    "serviceAccountName": "server",
    "hostNetwork": False,
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    "containers": [container],
    "volumes": [{"name": "config", "configMap": {"name": config.metadata.name}}],
}
deployment: Any = {
    "replicas": 0,
    "selector": {"matchLabels": LABELS},
    "template": {"metadata": {"labels": LABELS}, "spec": pod},
}
service: Any = {"selector": LABELS, "ports": [{"port": SETTINGS["port"], "targetPort": "http"}]}
deny_all: Any = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []}
budget: Any = {"minAvailable": "50%", "selector": {"matchLabels": LABELS}}
data = {"a": base64.b64encode(b"DATA-SECRET").decode()}

k8s.core.v1.ServiceAccount("server", metadata=metadata("server"), opts=opts)
k8s.core.v1.Secret("strings", metadata=metadata(), string_data={"a": "STRING-SECRET"}, opts=opts)
k8s.core.v1.Secret("data", metadata=metadata(), data=data, opts=opts)
k8s.apps.v1.Deployment("server", metadata=metadata("server"), spec=deployment, opts=opts)
k8s.core.v1.Service("server", metadata=metadata("server"), spec=service, opts=opts)
k8s.networking.v1.NetworkPolicy("deny", metadata=metadata(), spec=deny_all, opts=opts)
k8s.policy.v1.PodDisruptionBudget("budget", metadata=metadata(), spec=budget, opts=opts)
k8s.rbac.v1.Role("role", metadata=metadata(), rules=RULES, opts=opts)
pulumi.export("config", config.metadata.name)
