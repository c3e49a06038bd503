"""Thirty models from a seed, of all engines and several owners: what the placement is tried with on a real scheduler.

The kinds are fixed, so that every constraint occurs; the seed draws owners and sizes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from model_catalog.entry import snake_case
from tests.engine import research

CATALOG: Final = "model_catalog"
RELEASE: Final = f"{CATALOG}/releases/sandbox.yaml"
LOCK: Final = f"{CATALOG}/placement/sandbox.lock"
NODES: Final = {
    "slipway:gpuNodes": {"g4dn.xlarge": 12, "g5.xlarge": 4, "g5.12xlarge": 3, "g4dn.12xlarge": 2},
    "slipway:cpuNodes": {"m6i.2xlarge": 6},
}
"""Settings of the stack."""

_OWNERS: Final = ("ads", "nlp-platform", "search")
_SCRIPTS: Final = {"de": "Latn", "el": "Grek", "fr": "Latn"}
_SEVEN_BILLION: Final = {
    "parameters": 7241732096,
    "layers": 32,
    "attention_heads": 32,
    "kv_heads": 8,
    "head_size": 128,
    "hidden_size": 4096,
    "source": "generated",
}
_TWO_BILLION: Final = {
    "parameters": 1543714304,
    "layers": 28,
    "attention_heads": 12,
    "kv_heads": 2,
    "head_size": 128,
    "hidden_size": 1536,
    "source": "generated",
}


@dataclass(frozen=True, kw_only=True)
class Model:
    """An entry in one language, and its line of the release file."""

    entry: dict[str, Any]
    release: dict[str, Any] = field(default_factory=lambda: {"default": "1"})

    @property
    def variant(self) -> str:
        (language,) = self.entry["languages"]
        return f"{self.entry['task']}/{self.entry['model']}/{language}"

    @property
    def is_language_model(self) -> bool:
        return bool(self.entry["engine"] != "torchserve")

    @property
    def file(self) -> str:
        """Below the clone's root."""
        task, model = (snake_case(self.entry[key]) for key in ("task", "model"))
        return f"{CATALOG}/entries/{task}/{model}.yaml"


def torchserve(
    name: str,
    *,
    owner: str,
    weights: int,
    versions: tuple[str, ...] = ("1",),
    task: str = "Classification",
    language: str = "fr",
    **more: Any,
) -> Model:
    """`weights` are in MiB; `more` are keys of the entry."""
    made = {
        version: {
            "artifact": {
                "bucket": "research-models",
                "path": f"{task}/{name}/{version}",
                "digest": "unresolved",
            }
        }
        for version in versions
    }
    entry = {
        **_head(task, name, owner, "torchserve"),
        "memory": {"weights": f"{weights}MiB", "per_request": "12MiB"},
        **more,
        "languages": {language: {"scripts": [_SCRIPTS[language]], "versions": made}},
    }
    release = {"default": versions[-1], "versions": list(versions)}
    return Model(entry=entry, release=release)


def many_models(seed: int) -> tuple[Model, ...]:
    """Thirty models, sorted by variant."""
    chance = random.Random(seed)  # noqa: S311 (reproducible, not secret)
    return tuple(sorted((*_shared(chance), *_whole(chance)), key=lambda model: model.variant))


def write(root: Path, models: tuple[Model, ...]) -> None:
    """Entries beside those of the clone; the sandbox's release, and its stack file, are of these models alone."""
    for model in models:
        write_entry(root, model)
    lines = {model.variant: model.release for model in models}
    (root / RELEASE).write_text(release_text(lines))
    (root / LOCK).unlink()
    stack = root / "Pulumi.sandbox.yaml"
    settings = yaml.safe_load(stack.read_text())
    stack.write_text(yaml.safe_dump({**settings, "config": {**settings["config"], **NODES}}))


def write_entry(root: Path, model: Model) -> None:
    """Its file."""
    path = root / model.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(model.entry, sort_keys=False))


def add(root: Path, model: Model) -> None:
    """What a pull request does that adds the model: an entry, and a line in its place of the release file."""
    write_entry(root, model)
    release = yaml.safe_load((root / RELEASE).read_text())
    (root / RELEASE).write_text(release_text({**release, model.variant: model.release}))


def release_text(lines: Mapping[str, Any]) -> str:
    """One line a variant, sorted, so that two changes merge."""
    return "".join(
        f"{variant}: {yaml.safe_dump(line, default_flow_style=True, width=1000)}"
        for variant, line in sorted(lines.items())
    )


def _shared(chance: random.Random) -> Iterator[Model]:
    def owner() -> str:
        return chance.choice(_OWNERS)

    for number in range(13):
        versions = ("1", "2") if number % 4 == 0 else ("1",)
        size = chance.randint(200, 1500)
        language = chance.choice(sorted(_SCRIPTS))
        yield torchserve(
            f"Gpu{number:02d}", owner=owner(), weights=size, versions=versions, language=language
        )
    for number in range(3):
        yield torchserve(f"Pair{number}", owner=owner(), weights=chance.randint(200, 1500), replicas=2)
    for number in range(2):
        yield torchserve(
            f"Secret{number}",
            owner="payments",
            weights=chance.randint(200, 1500),
            sharing={"keep_apart_from": ["ads", "search"]},
        )
    yield torchserve("Alone", owner=owner(), weights=900, sharing={"max_models": 1})
    pin = {"reason": "measured there", "by": "search", "until": "2099-12-31", "instance_type": "g5.xlarge"}
    pinned = torchserve("Pinned", owner="search", weights=900)
    yield Model(entry=pinned.entry, release={**pinned.release, "pin": pin})
    for number in range(4):
        yield torchserve(f"Cpu{number}", owner=owner(), weights=chance.randint(50, 400), device="cpu")
    for number in range(2):
        yield torchserve(
            f"CpuPair{number}", owner=owner(), weights=chance.randint(50, 400), device="cpu", replicas=2
        )


def _whole(chance: random.Random) -> Iterator[Model]:
    one = {"max_input_tokens": 3072, "max_total_tokens": 4096}
    yield _language_model("Small", chance, "tgi", "float16", _TWO_BILLION, one)
    brief = {"max_model_len": 4096, "max_num_seqs": 16}
    yield _language_model("Newer", chance, "vllm", "bfloat16", _TWO_BILLION, brief)
    yield _language_model("Sharded", chance, "tgi", "float16", _SEVEN_BILLION, {**one, "num_shard": 2})
    yield _language_model(
        "Parallel",
        chance,
        "vllm",
        "bfloat16",
        _SEVEN_BILLION,
        {**brief, "tensor_parallel_size": 2},
        replicas=2,
    )


def _language_model(
    name: str,
    chance: random.Random,
    engine: str,
    precision: str,
    architecture: dict[str, Any],
    serving: dict[str, Any],
    replicas: int = 1,
) -> Model:
    version = {"artifact": research.artifact(name), "serving": serving}
    return Model(
        entry={
            **_head("TextGeneration", name, chance.choice(_OWNERS), engine),
            "replicas": replicas,
            "precision": precision,
            "architecture": architecture,
            "languages": {"en": {"scripts": ["Latn"], "versions": {"1": version}}},
        }
    )


def _head(task: str, model: str, owner: str, engine: str) -> dict[str, Any]:
    return {
        "task": task,
        "model": model,
        "description": "Generated; it serves nobody.",
        "owner": owner,
        "engine": engine,
        "language_from": "caller",
        "license": "apache-2.0",
        "accepts": [{"rule": "engine-supported", "reason": "generated", "by": "sre", "until": "2099-12-31"}],
    }
