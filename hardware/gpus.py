"""The models of GPU that the instance types have, each figure with its source; None where nobody has read it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hardware.gpu import Gpu, MigProfile, Reading
from quantities import Bytes

_MIG_SUPPORT: Final = "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-gpus.html"


def _gibibytes(hundredths: int) -> Bytes:
    """1456 → 14.56 GiB, cut to whole MiB."""
    return Bytes.mebibytes(hundredths * 1024 // 100)


def _profiles(*rows: tuple[str, int, int, int | None]) -> tuple[MigProfile, ...]:
    """Rows of name, compute slices, instances, hundredths of a GiB."""
    return tuple(
        MigProfile(
            name=name,
            compute_slices=slices,
            max_instances=instances,
            memory=None if memory is None else _gibibytes(memory),
        )
        for name, slices, instances, memory in rows
    )


_MODAL: Final = "https://github.com/modal-labs/modal-client/pull/2797"
"""nvidia-smi's totals of each kind of GPU at Modal, 2025-01-23."""
_MIG_PARTED: Final = (
    "https://github.com/NVIDIA/mig-parted/blob/bd7160f43f16462eeb21e1eda5e67b5b6b03fd7d"
    "/deployments/systemd/config-default.yaml"
)
"""NVIDIA's own configuration: names and numbers of instances. Memory comes from listings of `nvidia-smi mig -lgip`."""
_HYPERPOD: Final = (
    "https://github.com/aws/sagemaker-hyperpod-cli/blob/011ca927123e02b35a399935bbb3ab1905fe33c7"
    "/src/sagemaker/hyperpod/training/constants.py"
)
"""AWS's own list of the profiles that each instance type takes; p5.4xlarge is not in it."""

_UNADDRESSED: Final = "in public repositories without a lasting address"

_ROWS: Final = (
    Gpu(
        model="T4",
        ec2_name="T4",
        memory=Bytes.mebibytes(16384),
        compute_capability=(7, 5),
        driver_total=Reading(memory=Bytes.mebibytes(15360), source=_MODAL),
        seen_by_process=Reading(
            memory=_gibibytes(1456),
            source=f"vLLM 0.7.2's logs on a Tesla T4 {_UNADDRESSED}; 14.75 in "
            "https://github.com/hpcaitech/Open-Sora/issues/697",
        ),
        mig_profiles=(),
        mig_source=_MIG_SUPPORT,
    ),
    Gpu(
        model="A10G",
        ec2_name="A10G",
        memory=Bytes.mebibytes(22888),
        compute_capability=(8, 6),
        driver_total=Reading(memory=Bytes.mebibytes(23028), source=f"{_MODAL} (there: A10)"),
        seen_by_process=Reading(
            memory=_gibibytes(2199),
            source="https://github.com/zai-org/CogVLM/issues/236 (an A10); 22.20 on an A10G in "
            "https://github.com/huggingface/text-generation-inference/issues/653",
        ),
        mig_profiles=(),
        mig_source=_MIG_SUPPORT,
    ),
    Gpu(
        model="L4",
        ec2_name="L4",
        memory=Bytes.mebibytes(22888),
        compute_capability=(8, 9),
        driver_total=Reading(memory=Bytes.mebibytes(23034), source=_MODAL),
        seen_by_process=None,
        mig_profiles=(),
        mig_source=_MIG_SUPPORT,
    ),
    Gpu(
        model="L40S",
        ec2_name="L40S",
        memory=Bytes.mebibytes(45776),
        compute_capability=(8, 9),
        driver_total=Reading(memory=Bytes.mebibytes(46068), source=_MODAL),
        seen_by_process=Reading(
            memory=_gibibytes(4442), source="https://github.com/vllm-project/vllm/issues/15815"
        ),
        mig_profiles=(),
        mig_source=_MIG_SUPPORT,
    ),
    Gpu(
        model="A100-40GB",
        ec2_name="A100",
        memory=Bytes.mebibytes(40960),
        compute_capability=(8, 0),
        driver_total=Reading(memory=Bytes.mebibytes(40960), source=_MODAL),
        seen_by_process=Reading(
            memory=_gibibytes(3938), source="https://github.com/vllm-project/vllm/issues/16570"
        ),
        mig_profiles=_profiles(
            ("1g.5gb", 1, 7, 475),
            ("1g.10gb", 1, 4, 962),
            ("2g.10gb", 2, 3, 962),
            ("3g.20gb", 3, 2, 1950),
            ("4g.20gb", 4, 1, 1950),
            ("7g.40gb", 7, 1, 3925),
        ),
        mig_source=f"{_MIG_PARTED}; memory from listings {_UNADDRESSED} (an older driver prints 9.75, 19.62, 39.50: "
        "https://forums.developer.nvidia.com/t/why-mig-instances-can-only-sum-up-to-98-sms-instead-of-the-108-sms-available/170488)",
    ),
    Gpu(
        model="A100-80GB",
        ec2_name="A100",
        memory=Bytes.mebibytes(81920),
        compute_capability=(8, 0),
        driver_total=Reading(memory=Bytes.mebibytes(81920), source=_MODAL),
        seen_by_process=Reading(
            memory=_gibibytes(7914),
            source="https://github.com/huggingface/text-generation-inference/issues/1831",
        ),
        mig_profiles=_profiles(
            ("1g.10gb", 1, 7, 950),
            ("1g.20gb", 1, 4, 1950),
            ("2g.20gb", 2, 3, 1950),
            ("3g.40gb", 3, 2, 3925),
            ("4g.40gb", 4, 1, 3925),
            ("7g.80gb", 7, 1, None),
        ),
        mig_source=f"{_MIG_PARTED}; memory from listings {_UNADDRESSED}; 2g.20gb also in "
        "https://github.com/XuehaiPan/nvitop/pull/8 (19968MiB)",
    ),
    Gpu(
        model="H100",
        ec2_name="H100",
        memory=Bytes.mebibytes(81920),
        compute_capability=(9, 0),
        driver_total=Reading(memory=Bytes.mebibytes(81559), source=_MODAL),
        seen_by_process=Reading(
            memory=_gibibytes(7911), source="https://github.com/vllm-project/vllm/issues/27508"
        ),
        mig_profiles=_profiles(
            ("1g.10gb", 1, 7, 975),
            ("1g.20gb", 1, 4, 1962),
            ("2g.20gb", 2, 3, 1962),
            ("3g.40gb", 3, 2, 3950),
            ("4g.40gb", 4, 1, 3950),
            ("7g.80gb", 7, 1, 7925),
        ),
        mig_source=f"{_MIG_PARTED}; memory from https://jbarrow.ai/field_notes/nvidia-mig/",
    ),
    Gpu(
        model="H200",
        ec2_name="H200",
        memory=Bytes.mebibytes(144384),
        compute_capability=(9, 0),
        driver_total=Reading(
            memory=Bytes.mebibytes(143771),
            source=f"ten listings of nvidia-smi {_UNADDRESSED}, all alike",
        ),
        seen_by_process=Reading(
            memory=_gibibytes(13972),
            source=f"PyTorch's out-of-memory messages {_UNADDRESSED}; 139.80 and 139.81 are more common",
        ),
        mig_profiles=_profiles(
            ("1g.18gb", 1, 7, 1600),
            ("1g.35gb", 1, 4, 3225),
            ("2g.35gb", 2, 3, 3225),
            ("3g.71gb", 3, 2, 6950),
            ("4g.71gb", 4, 1, 6950),
            ("7g.141gb", 7, 1, 13975),
        ),
        mig_source=f"{_MIG_PARTED}; memory from https://github.com/NVIDIA/mig-parted/issues/120",
    ),
    Gpu(
        model="B200",
        ec2_name="B200",
        memory=Bytes.mebibytes(183359),
        compute_capability=(10, 0),
        driver_total=Reading(
            memory=Bytes.mebibytes(183359),
            source=f"listings of nvidia-smi {_UNADDRESSED}; EC2 reports the same",
        ),
        seen_by_process=Reading(
            memory=_gibibytes(17835), source="https://github.com/pytorch/ao/pull/4002 (written there as GB)"
        ),
        mig_profiles=_profiles(
            ("1g.23gb", 1, 7, 2050),
            ("1g.45gb", 1, 4, 4425),
            ("2g.45gb", 2, 3, 4425),
            ("3g.90gb", 3, 2, None),
            ("4g.90gb", 4, 1, None),
            ("7g.180gb", 7, 1, None),
        ),
        mig_source=f"{_MIG_PARTED}; memory from https://github.com/NVIDIA/mig-parted/pull/187 (22.00 for 1g.23gb in "
        "https://github.com/NVIDIA/mig-parted/pull/166)",
    ),
    Gpu(
        model="B300",
        ec2_name="B300",
        memory=Bytes.mebibytes(275040),
        compute_capability=(10, 3),
        driver_total=Reading(
            memory=Bytes.mebibytes(275040),
            source=f"listings of nvidia-smi {_UNADDRESSED}; EC2 reports the same",
        ),
        seen_by_process=None,
        mig_profiles=_profiles(
            ("1g.34gb", 1, 7, None),
            ("1g.67gb", 1, 4, None),
            ("2g.67gb", 2, 3, None),
            ("3g.135gb", 3, 2, None),
            ("4g.135gb", 4, 1, None),
            ("7g.269gb", 7, 1, None),
        ),
        mig_source=f"{_MIG_PARTED}; {_HYPERPOD}",
    ),
    Gpu(
        model="RTX PRO 4500",
        ec2_name="RTX PRO 4500",
        memory=Bytes.mebibytes(32768),
        compute_capability=(12, 0),
        driver_total=None,
        seen_by_process=None,
        mig_profiles=None,
        mig_source="https://docs.nvidia.com/datacenter/tesla/mig-user-guide/610/supported-gpus.html "
        "(at most 2 instances)",
    ),
    Gpu(
        model="RTX PRO 6000",
        ec2_name="RTX PRO Server 6000",
        memory=Bytes.mebibytes(98304),
        compute_capability=(12, 0),
        driver_total=Reading(
            memory=Bytes.mebibytes(97887),
            source="https://github.com/antirez/ds4/issues/431 (edition not named; a process sees 94.97 GiB, as on a "
            "Server Edition)",
        ),
        seen_by_process=Reading(
            memory=_gibibytes(9497), source="https://github.com/antirez/ds4/issues/563 (Server Edition)"
        ),
        mig_profiles=_profiles(("1g.24gb", 1, 4, 2312), ("2g.48gb", 2, 2, 4650), ("4g.96gb", 4, 1, None)),
        mig_source=f"{_MIG_PARTED}; memory from https://github.com/bigstack-oss/cubecos/issues/312",
    ),
)

GPUS: Final[Mapping[str, Gpu]] = MappingProxyType({gpu.model: gpu for gpu in _ROWS})
"""The GPU models by `Gpu.model`."""
