"""Small demands and offers, and a way to draw them."""

from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

from model_catalog import Device
from planning.capacity.placement import Demand, Offer, PlacementRules, SharedDemand, WholeDemand
from quantities import Bytes

RULES: Final = PlacementRules()


def gib(count: float) -> Bytes:
    return Bytes(int(count * 2**30))


def offered(
    name: str,
    gpus: int,
    gpu_gib: float,
    *,
    price: str | None,
    cpus: int = 8,
    gib_memory: int = 32,
    newest: int = 8,
    max_nodes: int = 100,
) -> Offer:
    return Offer(
        instance_type=name,
        gpus=gpus,
        gpu_memory=gib(gpu_gib),
        compute_capability=(newest, 0) if gpus else (0, 0),
        millicores=cpus * 1000,
        memory=gib(gib_memory),
        price=None if price is None else Decimal(price),
        max_nodes=max_nodes,
    )


SMALL: Final = offered("s.small", 1, 14, price="0.5", cpus=4, gib_memory=14, newest=7)
LARGE: Final = offered("l.large", 1, 22, price="0.8")
FOUR: Final = offered("f.four", 4, 22, price="4.5", cpus=48, gib_memory=180)
EIGHT: Final = offered("e.eight", 8, 39, price="21.9", cpus=96, gib_memory=1000)
CPU: Final = offered("c.cpu", 0, 0, price="0.1", cpus=2, gib_memory=7)
CPU_LARGE: Final = offered("c.cpu-large", 0, 0, price="0.38", cpus=8, gib_memory=30)
OFFERS: Final = (SMALL, LARGE, FOUR, EIGHT, CPU, CPU_LARGE)


def shared(
    name: str,
    gpu_gib: float = 2,
    *,
    owner: str = "team",
    replicas: int = 1,
    device: Device = Device.GPU,
    millicores: int = 500,
    gib_memory: float = 1,
    apart: tuple[str, ...] = (),
    pin: str | None = None,
    max_models: int | None = None,
    newest: int = 0,
) -> SharedDemand:
    return SharedDemand(
        selector=f"Task/{name}/fr",
        owner=owner,
        device=device,
        gpu_memory=gib(gpu_gib) if device is Device.GPU else Bytes(0),
        millicores=millicores,
        memory=gib(gib_memory),
        replicas=replicas,
        keep_apart_from=frozenset(apart),
        instance_type=pin,
        max_models=max_models,
        compute_capability=(newest, 0),
    )


def whole(
    name: str,
    gpus: int = 1,
    gpu_gib: float = 20,
    *,
    replicas: int = 1,
    pin: str | None = None,
    newest: int = 0,
) -> WholeDemand:
    return WholeDemand(
        selector=f"TextGeneration/{name}/mul@1",
        owner="team",
        gpus=gpus,
        gpu_memory=gib(gpu_gib),
        millicores=1000 * (1 + gpus),
        memory=gib(6 + 2 * gpus),
        replicas=replicas,
        instance_type=pin,
        compute_capability=(newest, 0),
    )


_OWNERS: Final = ("a", "b", "c", "d")

_SHARED = st.builds(
    lambda number, size, owner, replicas, cpu, memory, apart, pin, few, newest, device: shared(
        f"M{number:03d}",
        size,
        owner=owner,
        replicas=replicas,
        device=device,
        millicores=cpu,
        gib_memory=memory,
        apart=apart,
        pin=pin if device is Device.GPU else None,
        max_models=few,
        newest=newest if device is Device.GPU and pin is None else 0,
    ),
    number=st.integers(0, 999),
    size=st.sampled_from((0.6, 0.9, 1.3, 2.0, 3.7, 7.5, 13.0)),
    owner=st.sampled_from(_OWNERS),
    replicas=st.sampled_from((1, 1, 2, 3)),
    cpu=st.sampled_from((250, 500, 1000)),
    memory=st.sampled_from((0.7, 1.5, 3.0)),
    apart=st.sampled_from(((), (), (), ("a",), ("b", "c"))),
    pin=st.sampled_from((None, None, None, None, "s.small", "f.four")),
    few=st.sampled_from((None, None, None, 1, 3)),
    newest=st.sampled_from((0, 0, 8)),
    device=st.sampled_from((Device.GPU, Device.GPU, Device.GPU, Device.CPU)),
)
_WHOLE = st.builds(
    lambda number, gpus, size, replicas: whole(f"L{number:03d}", gpus, size, replicas=replicas),
    number=st.integers(0, 999),
    gpus=st.sampled_from((1, 1, 2, 4, 8)),
    size=st.sampled_from((10.0, 20.0, 30.0)),
    replicas=st.sampled_from((1, 2)),
)


def demand_lists(most: int = 20) -> st.SearchStrategy[list[Demand]]:
    """Demands of which each has a place on OFFERS, with selectors of their own."""
    fits = (_SHARED | _WHOLE).filter(
        lambda demand: demand.memory + RULES.server_memory < gib(6) or demand.instance_type is None
    )
    return st.lists(fits, min_size=1, max_size=most, unique_by=lambda demand: demand.selector)
