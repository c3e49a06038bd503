"""The number formats that models compute in: one vocabulary for every engine and every entry."""

from enum import StrEnum


class Precision(StrEnum):
    """The type of weights and activations, where no quantization says otherwise."""

    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    FLOAT32 = "float32"
