"""How a node is told to divide its GPUs: settings of Bottlerocket, as its NVIDIA variants read them from user data.

Time slicing came with Bottlerocket 1.25.0 of 2024-10-15, MIG with 1.34.0
(https://github.com/bottlerocket-os/bottlerocket/issues/4252 and /4483; settings:
https://bottlerocket.dev/en/os/1.54.x/api/settings/kubelet-device-plugins; all read 2026-11-22). MIG is set at boot, and
a node with A100s starts twice. Its device plugin runs MIG's single strategy: an instance is an nvidia.com/gpu.
"""

from typing import Final

from hardware import Gpu
from planning.capacity.gpu_shares import BOTTLEROCKET_MODELS, GpuShare, MigInstances, TimeSlices

_MIG: Final = """\
[settings.kubelet-device-plugins.nvidia]
device-partitioning-strategy = "mig"

[settings.kubelet-device-plugins.nvidia.mig.profile]
"{model}" = "{profile}"
"""

_TIME_SLICES: Final = """\
[settings.kubelet-device-plugins.nvidia]
device-sharing-strategy = "time-slicing"

[settings.kubelet-device-plugins.nvidia.time-slicing]
replicas = {devices}
rename-by-default = false
fail-requests-greater-than-one = true
"""
"""Renamed, as Bottlerocket does where nobody says otherwise, slices would be nvidia.com/gpu.shared and pods would wait
for ever (packages/nvidia-k8s-device-plugin/nvidia-k8s-device-plugin-conf of bottlerocket-core-kit, read 2026-11-22)."""


def node_settings(gpu: Gpu, share: GpuShare) -> str:
    """TOML; equal for equal input."""
    match share:
        case MigInstances(profile=profile):
            return _MIG.format(model=BOTTLEROCKET_MODELS[gpu.model], profile=profile.name)
        case TimeSlices(devices=devices):
            return _TIME_SLICES.format(devices=devices)
