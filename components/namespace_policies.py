"""NetworkPolicies of a whole namespace, among them the one under which nothing passes that no other policy allows."""

from typing import Any

import pulumi

from components.kubernetes_objects import declare
from planning.workload import Manifest, policy_spec


def network_policy(
    resource_name: str, namespace: pulumi.Input[str], spec: Manifest, opts: pulumi.ResourceOptions
) -> Any:
    """Declare a policy."""
    labels = {"app.kubernetes.io/managed-by": "pulumi", "app.kubernetes.io/part-of": "slipway"}
    manifest = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": namespace, "labels": labels},
        "spec": spec,
    }
    return declare(resource_name, manifest, {}, opts)


def deny_all(resource_name: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> Any:
    """Declare that nothing passes, in or out, which no other policy of the namespace allows."""
    return network_policy(resource_name, namespace, policy_spec({}), opts)
