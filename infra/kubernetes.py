"""The one provider through which a stack speaks to its cluster."""

import pulumi_kubernetes as k8s

from infra.platform import Platform


def kubernetes_provider(platform: Platform) -> k8s.Provider:
    """A provider for the platform's cluster, whichever stack holds it."""
    return k8s.Provider(
        "kubernetes",
        kubeconfig=platform.kubeconfig,
        # The identifier, not the kubeconfig, says whether it is another cluster: a changed certificate or endpoint
        # must not replace everything in it (pulumi-kubernetes#2745, #4019).
        cluster_identifier=platform.cluster_name,
        # What git says wins over what somebody edited by hand; else `up` stops at the field's other manager.
        enable_patch_force=True,
        # An agent's configuration changes in place, and its pods stay
        # (docs/decisions/0020-one-configmap-changes-in-place.md).
        enable_config_map_mutable=True,
    )
