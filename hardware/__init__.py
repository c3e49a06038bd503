"""GPUs, instance types and prices, each figure with its source. A leaf: it imports no package but quantities."""

from hardware.bit_rate import BitRate
from hardware.gpu import Gpu, MigProfile, Reading
from hardware.gpus import GPUS
from hardware.instance_types import INSTANCE_TYPES, InstanceType, UnknownInstanceTypeError, instance_type
from hardware.mig import MIG_INSTANCE_TYPES
from hardware.prices import PRICES, Price, PurchaseOption, price
from hardware.tables import TableError

__all__ = [
    "BitRate",
    "GPUS",
    "Gpu",
    "INSTANCE_TYPES",
    "InstanceType",
    "MIG_INSTANCE_TYPES",
    "MigProfile",
    "PRICES",
    "Price",
    "PurchaseOption",
    "Reading",
    "TableError",
    "UnknownInstanceTypeError",
    "instance_type",
    "price",
]
