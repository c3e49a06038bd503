"""The instance types known to take MIG, NVIDIA's way to cut one card into instances that the hardware keeps apart."""

from typing import Final

MIG_INSTANCE_TYPES: Final = frozenset(
    {
        "p4d.24xlarge",
        "p4de.24xlarge",
        "p5.48xlarge",
        "p5e.48xlarge",
        "p5en.48xlarge",
        "p6-b200.48xlarge",
        "p6-b300.48xlarge",
    }
)
"""AWS's own list, that of SageMaker HyperPod
(https://github.com/aws/sagemaker-hyperpod-cli/blob/011ca927123e02b35a399935bbb3ab1905fe33c7/src/sagemaker/hyperpod/training/constants.py,
read 2026-11-22). p5.4xlarge and the g7 types have cards with MIG and are not in it."""
