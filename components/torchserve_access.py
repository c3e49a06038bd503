"""What a server's agent may do in the cluster: follow its own configuration, and say in events what it sees.

The trap: `create` cannot be limited by name, so the agent could write events about other objects of its namespace.
"""

import pulumi
import pulumi_kubernetes as k8s

from components.server_identity import ServerSite, server_labels
from planning import TorchServePlan

rbac = k8s.rbac.v1


def grant_access(
    parent: pulumi.Resource,
    name: str,
    server: TorchServePlan,
    site: ServerSite,
    *,
    account: pulumi.Input[str],
    config_map: str,
) -> pulumi.Resource:
    """A Role and its binding, as children of `parent`; the binding, without which no watch begins."""
    metadata = k8s.meta.v1.ObjectMetaArgs(namespace=site.namespace, labels=server_labels(server))
    child = pulumi.ResourceOptions(parent=parent)
    role = rbac.Role(
        f"{name}-agent-role",
        metadata=metadata,
        rules=[
            # list and watch with a name are allowed where the request has that name as its field selector.
            rbac.PolicyRuleArgs(
                api_groups=[""],
                resources=["configmaps"],
                resource_names=[config_map],
                verbs=["get", "list", "watch"],
            ),
            rbac.PolicyRuleArgs(api_groups=[""], resources=["events"], verbs=["create"]),
        ],
        opts=child,
    )
    return rbac.RoleBinding(
        f"{name}-agent-binding",
        metadata=metadata,
        role_ref=rbac.RoleRefArgs(
            api_group="rbac.authorization.k8s.io", kind="Role", name=role.metadata.name
        ),
        subjects=[rbac.SubjectArgs(kind="ServiceAccount", name=account, namespace=site.namespace)],
        opts=child,
    )
