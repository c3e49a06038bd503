"""Amounts and shortages as people say them, in whole-number arithmetic."""

from collections.abc import Sequence
from typing import Final

from quantities import Bytes, counted

_MEBIBYTE: Final = int(Bytes.mebibytes(1))
_GIBIBYTE: Final = 1024 * _MEBIBYTE


def size(amount: int, *, up: bool = True) -> str:
    """1288490189 → "1.3GiB" (rounded up) or "1.2GiB"; below 1 GiB in MiB."""
    unit, name, tenths = (_GIBIBYTE, "GiB", 10) if amount >= _GIBIBYTE else (_MEBIBYTE, "MiB", 1)
    scaled = -(-amount * tenths // unit) if up else amount * tenths // unit
    return f"{scaled // 10}.{scaled % 10}{name}" if tenths == 10 else f"{scaled}{name}"


def lack(what: str, amount: int) -> str:
    """One thing that is missing, from the names that `missing` and `Node.shortage` give."""
    match what:
        case "gpu_memory":
            return f"{size(amount)} of GPU memory short"
        case "memory":
            return f"{size(amount)} of host memory short"
        case "millicores":
            return f"{amount}m of CPU short"
        case "gpus":
            return f"{counted(amount, 'GPU')} short"
        case "nodes":
            return f"{counted(amount, 'more node')} than allowed"
        case "limit":
            return "as many models as one server may have"
        case "apart":
            return "owners that keep apart"
        case "capability":
            return "its GPU's compute capability is too low"
        case "device":
            return "another kind of machine"
        case "parts":
            return "in parts of GPUs, over which no server spreads"
        case "unlimited":
            return "time-sliced, where nothing limits what TorchServe takes of the GPU"
        case "start_order":
            return "time-sliced, where what TGI gets depends on who starts first"
        case _:
            return "it is pinned elsewhere"


def lacks(missing: Sequence[tuple[str, int]]) -> str:
    """All that is missing, in one phrase."""
    return " and ".join(lack(what, amount) for what, amount in missing)
