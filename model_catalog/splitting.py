"""Whether the engine of a version can divide its model among some number of GPUs."""

from engines import tgi, vllm
from model_catalog.version import TgiVersion, VllmVersion


def split_problem(version: TgiVersion | VllmVersion, gpus: int) -> str | None:
    """Return what of the model cannot be divided; None where everything can, and where the catalog has no figures."""
    shape = version.architecture
    if shape is None:
        return None
    match version:
        case TgiVersion():
            return tgi.split_problem(gpus, attention_heads=shape.attention_heads, kv_heads=shape.kv_heads)
        case VllmVersion():
            return vllm.split_problem(
                gpus,
                attention_heads=shape.attention_heads,
                kv_heads=shape.kv_heads,
                vocabulary=shape.vocabulary,
            )
