"""The shape of a workload, made of a server's plan and rendered as Kubernetes objects (docs/workloads.md)."""

from planning.workload.manifest import Manifest, Reference
from planning.workload.manifests import manifests
from planning.workload.network_rules import policy_spec
from planning.workload.pod import Container, Pod, Probe
from planning.workload.spec import MAX_UNAVAILABLE, Caller, Destination, Ingress, WorkloadSpec
from planning.workload.text_generation import text_generation_pod, text_generation_workload
from planning.workload.torchserve import OVERRIDES_ANNOTATION, torchserve_pod, torchserve_workload

__all__ = [
    "Caller",
    "Container",
    "Destination",
    "Ingress",
    "MAX_UNAVAILABLE",
    "Manifest",
    "OVERRIDES_ANNOTATION",
    "Pod",
    "Probe",
    "Reference",
    "WorkloadSpec",
    "manifests",
    "policy_spec",
    "text_generation_pod",
    "text_generation_workload",
    "torchserve_pod",
    "torchserve_workload",
]
