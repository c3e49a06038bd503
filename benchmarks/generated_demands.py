"""Demands of any number from a seed: what the benchmark and tests of placement place.

Sizes follow what the planner counts for real entries: a TorchServe worker asks for 500m of CPU, and on the host and on
the GPU for its own copy of the weights (planning/capacity/resources.py, docs/memory-model.md). Which model is in how
many languages, with how many workers and replicas, is drawn.
"""

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from engines.torchserve import WORKER_MEMORY
from hardware import price
from model_catalog import Device
from planning.capacity.placement import Demand, Offer, SharedDemand, WholeDemand, offer
from planning.capacity.resources import MEMORY_HEADROOM_PERCENT, WORKER_MILLICORES
from quantities import Bytes

REGION: Final = "us-east-1"
"""A region whose prices hardware/prices.csv has."""

_CPU_TYPES: Final = ("m6i.large", "m6i.xlarge", "m6i.2xlarge", "m6i.4xlarge", "r7i.large", "r7i.xlarge")
_GPU_TYPES: Final = (
    *("g4dn.xlarge", "g4dn.2xlarge", "g4dn.4xlarge", "g5.xlarge", "g5.2xlarge", "g5.12xlarge", "g5.48xlarge"),
    *("g6.xlarge", "g6.2xlarge", "g6.4xlarge", "g6.12xlarge", "g6e.xlarge", "g6e.2xlarge", "g6e.12xlarge"),
    *("p4d.24xlarge", "p4de.24xlarge", "p5.48xlarge"),
)
_LANGUAGES: Final = (
    "ar",
    "de",
    "el",
    "en",
    "es",
    "fr",
    "he",
    "hi",
    "it",
    "ja",
    "ko",
    "nl",
    "pl",
    "ru",
    "th",
    "zh",
)
_CONTEXT: Final = 450
"""MiB of GPU memory that a worker's CUDA context takes; about what PyTorch 2 shows on a T4."""
_SMALL: Final = (130, 250, 260, 420, 440, 680, 1110, 1360)
"""MiB of weights: encoders from a distilled one in 16 bits to a large one in 32."""
_MEDIUM: Final = (2100, 2950, 3400, 5200, 7300)
_BILLIONS: Final = (3, 7, 8, 13, 14, 24, 32, 70, 72, 123)
"""Parameters of language models, at two bytes each, or one where the draw says so."""


def all_offers(max_nodes: int = 1000) -> tuple[Offer, ...]:
    """Twenty-three instance types at their prices."""
    return tuple(_offer(name, max_nodes) for name in (*_CPU_TYPES, *_GPU_TYPES))


def _offer(name: str, max_nodes: int) -> Offer:
    found = price(name, REGION)
    return offer(name, price=found.usd_per_hour if found else None, max_nodes=max_nodes)


def small_models(count: int, seed: int) -> list[Demand]:
    """Encoders, each in several languages, one or two workers, up to three replicas."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret is drawn
    return [_shared(chance, number, _SMALL) for number in range(count)]


def mixed_models(count: int, seed: int) -> list[Demand]:
    """Sixteen of every twenty demands are small, three are medium, and one is a language model."""
    chance = random.Random(seed)  # noqa: S311 - likewise
    demands: list[Demand] = []
    for number in range(count):
        kind = number % 20
        if kind == 19:
            demands.append(_whole(chance, number))
        else:
            demands.append(_shared(chance, number, _MEDIUM if kind > 15 else _SMALL))
    return demands


def language_models(count: int, seed: int) -> list[Demand]:
    """Half of the demands are language models, half are small."""
    chance = random.Random(seed)  # noqa: S311 - likewise
    return [
        _whole(chance, number) if number % 2 else _shared(chance, number, _SMALL) for number in range(count)
    ]


def many_owners(count: int, seed: int) -> list[Demand]:
    """Demands are small and medium; some keep owners apart, are pinned, or need newer GPUs or few neighbours."""
    chance = random.Random(seed)  # noqa: S311 - likewise
    demands: list[Demand] = []
    for number in range(count):
        owner = chance.randrange(12)
        demands.append(
            _shared(
                chance,
                number,
                _MEDIUM if chance.random() < 0.1 else _SMALL,
                owner=f"team-{owner}",
                keep_apart_from=frozenset({f"team-{owner ^ 1}"} if owner < 4 else set()),
                instance_type="g5.2xlarge" if chance.random() < 0.04 else None,
                compute_capability=(8, 0) if chance.random() < 0.15 else (7, 0),
                max_models=8 if chance.random() < 0.02 else None,
            )
        )
    return demands


def processors(count: int, seed: int) -> list[Demand]:
    """Two thirds of the demands run on CPUs, a third on GPUs."""
    chance = random.Random(seed)  # noqa: S311 - likewise
    return [
        _shared(chance, number, _SMALL, device=Device.CPU if number % 3 else Device.GPU)
        for number in range(count)
    ]


def _shared(
    chance: random.Random,
    number: int,
    weights_mib: tuple[int, ...],
    *,
    device: Device = Device.GPU,
    owner: str | None = None,
    keep_apart_from: frozenset[str] = frozenset(),
    instance_type: str | None = None,
    compute_capability: tuple[int, int] = (7, 0),
    max_models: int | None = None,
) -> SharedDemand:
    weights = chance.choice(weights_mib) * chance.randint(95, 105) // 100
    requests = chance.choice((12, 25, 40)) * chance.choice((1, 4, 8))
    workers = chance.choice((1, 1, 1, 2))
    host = (int(WORKER_MEMORY) + int(Bytes.mebibytes(weights + requests))) * workers
    language = _LANGUAGES[number % len(_LANGUAGES)]
    return SharedDemand(
        selector=f"Task{number % 7}/Model{number:04d}/{language}",
        owner=owner or f"team-{number % 9}",
        device=device,
        gpu_memory=Bytes.mebibytes((_CONTEXT + weights + requests) * workers if device is Device.GPU else 0),
        millicores=WORKER_MILLICORES * workers,
        memory=Bytes(host * (100 + MEMORY_HEADROOM_PERCENT) // 100),
        replicas=chance.choice((1, 1, 2, 2, 2, 3)),
        compute_capability=compute_capability if device is Device.GPU else (0, 0),
        keep_apart_from=keep_apart_from,
        instance_type=instance_type,
        max_models=max_models,
    )


def _whole(chance: random.Random, number: int) -> WholeDemand:
    """A language model in the fewest GPUs of a size that it was drawn for, with room for its cache."""
    weights = chance.choice(_BILLIONS) * chance.choice((1024, 2048, 2048))
    card = chance.choice((20_000, 20_000, 44_000, 78_000))
    gpus = next(g for g in (1, 2, 4, 8) if weights * 5 // 4 // g <= card or g == 8)
    each = max(weights * 9 // 8 // gpus, min(card, weights * 3 // 2 // gpus))
    return WholeDemand(
        selector=f"TextGeneration/Model{number:04d}/mul@1",
        owner=f"team-{number % 9}",
        gpus=gpus,
        gpu_memory=Bytes.mebibytes(min(each, 78_000)),
        millicores=1000 + 1000 * gpus,
        memory=Bytes.mebibytes((4096 * (1 + gpus) + weights // 8) * 5 // 4),
        replicas=chance.choice((1, 1, 2, 2, 3)),
        compute_capability=chance.choice(((7, 5), (8, 0), (8, 0))),
    )


CATALOGS: Final[Mapping[str, tuple[Callable[[int, int], list[Demand]], int]]] = MappingProxyType(
    {
        "small models": (small_models, 1000),
        "mixed": (mixed_models, 1000),
        "language models": (language_models, 400),
        "many owners": (many_owners, 1000),
        "CPUs and GPUs": (processors, 1000),
    }
)
"""Name → what makes it, and how many demands the benchmark asks of it."""
