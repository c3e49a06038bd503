"""Versions and GPUs for tests of memory."""

from typing import Any, Final

from model_catalog import TgiVersion, TorchServeVersion, VllmVersion
from planning.capacity import GpuMemory
from quantities import Bytes

MISTRAL: Final[dict[str, Any]] = {
    "parameters": 7241732096,
    "layers": 32,
    "attention_heads": 32,
    "kv_heads": 8,
    "head_size": 128,
    "hidden_size": 4096,
    "max_positions": 32768,
    "source": "tests",
}
MIXTRAL: Final[dict[str, Any]] = {**MISTRAL, "parameters": 46702792704, "experts": 8, "active_experts": 2}
_LLM: Final = {
    "artifact": {"repository": "a/b", "revision": "unresolved", "digest": "unresolved"},
    "license": "apache-2.0",
    "precision": "float16",
    "architecture": MISTRAL,
}

T4: Final = GpuMemory(name="T4", usable=Bytes.mebibytes(14909), compute_capability=(7, 5))
A10G: Final = GpuMemory(name="A10G", usable=Bytes.mebibytes(22004), compute_capability=(8, 6))
H100: Final = GpuMemory(name="H100", usable=Bytes.mebibytes(80535), compute_capability=(9, 0))


def vllm_version(serving: dict[str, Any] | None = None, **keys: Any) -> VllmVersion:
    return VllmVersion.model_validate({**_LLM, "serving": serving or {}, **keys})


def tgi_version(serving: dict[str, Any] | None = None, **keys: Any) -> TgiVersion:
    return TgiVersion.model_validate({**_LLM, "serving": serving or {}, **keys})


def torchserve_version(
    serving: dict[str, Any] | None = None, *, measured: bool = False, **memory: str
) -> TorchServeVersion:
    said: dict[str, Any] = {"weights": "400MiB", "per_request": "10MiB", **memory}
    if measured:
        said["measured"] = {"machine": "g5.xlarge", "date": "2026-11-01"}
    return TorchServeVersion.model_validate(
        {
            "artifact": _LLM["artifact"],
            "license": "apache-2.0",
            "handler": {"name": "reader", "version": "1"},
            "memory": said,
            "serving": serving or {},
        }
    )
