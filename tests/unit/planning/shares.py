"""Plans of environments whose GPUs are divided."""

from typing import Any

from model_catalog import Catalog, EntryFile, Environment, Release
from planning import Plan, PoolSettings, make_plan
from tests.unit.planning.capacity.memory.versions import MISTRAL

SMALL: dict[str, Any] = {**MISTRAL, "parameters": 1_500_000_000, "layers": 16, "hidden_size": 2048}


def settings(**gpu_nodes: int) -> PoolSettings:
    return PoolSettings(
        region="us-east-1",
        gpu_nodes=gpu_nodes,
        cpu_nodes={"m6i.2xlarge": 4},
        system_instance_type="m6i.large",
        system_nodes=2,
    )


def chat(
    model: str, engine: str = "vllm", *, architecture: dict[str, Any] = SMALL, **serving: Any
) -> dict[str, Any]:
    """A language model of 1.5 billion parameters."""
    lengths = {"max_model_len": 4096} if engine == "vllm" else {"max_total_tokens": 4096}
    version = {
        "artifact": {"bucket": "research-models", "path": f"chat/{model}", "digest": f"sha256:{'c' * 64}"},
        "license": "apache-2.0",
        "precision": "float16",
        "architecture": architecture,
        "serving": {**lengths, **serving},
    }
    return {
        "task": "TextGeneration",
        "model": model,
        "description": "As in tests.",
        "owner": "team",
        "engine": engine,
        "languages": {"mul": {"scripts": ["Latn"], "versions": {"1": version}}},
    }


def reader(*languages: str) -> dict[str, Any]:
    """A TorchServe model on a GPU."""
    version = {
        "artifact": {"bucket": "research-models", "path": "a/b", "digest": "unresolved"},
        "license": "LicenseRef-internal",
        "memory": {"weights": "400MiB", "per_request": "12MiB"},
    }
    return {
        "task": "QuestionAnswering",
        "model": "Reader",
        "description": "As in tests.",
        "owner": "search",
        "engine": "torchserve",
        "languages": {
            language: {"scripts": ["Latn"], "versions": {"1": version}} for language in languages or ("fr",)
        },
    }


def plan(*entries: dict[str, Any], gpu_nodes: dict[str, int]) -> Plan:
    read = tuple(EntryFile.model_validate(entry).root for entry in entries)
    release = {
        f"{entry.task}/{entry.model}/{language}": {"default": "1"}
        for entry in read
        for language in entry.languages
    }
    catalog = Catalog(entries=read, releases={Environment.DEV: Release.model_validate(release)})
    return make_plan(catalog, Environment.DEV, settings(**gpu_nodes))
