"""GPU and instance types. A leaf: it knows no other room but quantities. No prices yet: none is sourced."""

from hardware.instance_types import INSTANCE_TYPES, Gpu, InstanceType, UnknownInstanceTypeError, instance_type

__all__ = ["Gpu", "INSTANCE_TYPES", "InstanceType", "UnknownInstanceTypeError", "instance_type"]
