from dataclasses import replace

import pytest

from hardware import UnknownInstanceTypeError
from model_catalog import Device
from planning import PlanningError
from planning.capacity.placement import Demand, Offer, offer, plan_placement, repack
from tests.unit.planning.capacity.placement.cases import CPU, EIGHT, FOUR, LARGE, OFFERS, SMALL, shared, whole

CASES: list[tuple[str, list[Demand], list[Offer], str]] = [
    (
        "GPU memory: by how much on the nearest, and what would hold it",
        [shared("A", 30)],
        [SMALL, LARGE],
        (
            "Task/A/fr fits no offered node: the nearest, l.large, is 8.0GiB of GPU memory short; offer g6e.xlarge or "
            "g6e.2xlarge or g6e.4xlarge, which would hold it, or lower its max_workers or batch_size"
        ),
    ),
    (
        "tensor parallel group",
        [whole("Chat", 8, 30)],
        [FOUR],
        (
            "TextGeneration/Chat/mul@1 fits no offered node: the nearest, f.four, is 4 GPUs short and 8.0GiB of "
            "GPU memory short; offer"
        ),
    ),
    (
        "compute capability",
        [shared("A", newest=8)],
        [SMALL],
        "Task/A/fr fits no offered node: the nearest, s.small, is of compute capability 7.0, too low; offer",
    ),
    (
        "no GPU machine",
        [shared("A")],
        [CPU],
        "Task/A/fr runs on a GPU and no GPU machine is offered; offer g4dn.xlarge or",
    ),
    (
        "no CPU machine",
        [shared("A", device=Device.CPU)],
        [SMALL],
        "Task/A/fr runs on a CPU and no CPU machine is offered; offer m6i.large or",
    ),
    (
        "a pin that does not hold it",
        [shared("A", 20, pin="s.small")],
        [SMALL, LARGE],
        (
            "Task/A/fr fits no offered node (it is pinned to s.small): the nearest, s.small, is 6.0GiB of GPU memory "
            "short; drop the pin, and l.large holds it"
        ),
    ),
    (
        "a pin that is not offered",
        [shared("A", pin="x.other")],
        [SMALL],
        "Task/A/fr is pinned to x.other, which is not offered or does not hold it; drop the pin, and s.small holds it",
    ),
    (
        "more replicas than nodes",
        [shared("A", replicas=3)],
        [replace(SMALL, max_nodes=2)],
        (
            "Task/A/fr fits no offered node: the nearest, s.small, is allowed 2 nodes, 1 too few; allow 3 nodes of it, "
            "one for each replica"
        ),
    ),
    (
        "too few nodes for all",
        [shared(name, 13) for name in "ABC"],
        [replace(SMALL, max_nodes=2)],
        (
            "Task/C/fr needs room on 1 node and no plan was found within the nodes that may be had (s.small 2): it "
            "is 1 node short with all others placed; allow more nodes of s.small"
        ),
    ),
    (
        "nothing offered",
        [shared("A")],
        [],
        "Task/A/fr has no place, since no instance type is offered; offer one",
    ),
    (
        "no neighbours, not even itself",
        [shared("A", max_models=0)],
        [SMALL],
        "Task/A/fr allows 0 models in its server",
    ),
    (
        "nothing known is as large",
        [whole("Chat", 8, 500)],
        [EIGHT],
        (
            "TextGeneration/Chat/mul@1 fits no offered node: the nearest, e.eight, is 461.0GiB of GPU memory short; no "
            "known instance type holds it"
        ),
    ),
    ("twice", [shared("A"), shared("A")], [SMALL], "Task/A/fr asks for a place twice"),
    ("no replicas", [shared("A", replicas=0)], [SMALL], "Task/A/fr asks for 0 replicas; the least is 1"),
    ("no GPUs", [whole("Chat", 0)], [LARGE], "TextGeneration/Chat/mul@1 asks for 0 GPUs; the least is 1"),
    ("an offer twice", [shared("A")], [SMALL, SMALL], "s.small is offered twice; keep one of them"),
]


@pytest.mark.parametrize(
    ("demands", "offers", "says"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_cannot_be_placed_is_named_with_what_is_missing_and_what_would_do(
    demands: list[Demand], offers: list[Offer], says: str
) -> None:
    for plan in (plan_placement, repack):
        with pytest.raises(PlanningError) as raised:
            plan(demands, offers)
        assert str(raised.value).startswith(says)


def test_every_demand_that_fits_nowhere_is_named_at_once() -> None:
    with pytest.raises(PlanningError) as raised:
        plan_placement([shared("A", 90), shared("B"), shared("C", 90)], OFFERS)
    assert [line.split()[0] for line in str(raised.value).splitlines()] == ["Task/A/fr", "Task/C/fr"]


def test_an_offer_reads_the_hardware_tables() -> None:
    found = offer("g5.12xlarge", price=None, max_nodes=3)
    assert (found.gpus, found.compute_capability, found.pool) == (4, (8, 6), "gpu-g5-12xlarge")
    assert offer("m6i.large", price=None, max_nodes=3).pool == "cpu-m6i-large"


def test_an_offer_whose_gpu_nobody_has_read_is_refused() -> None:
    with pytest.raises(
        PlanningError, match=r"nobody has read how much memory of g7\.2xlarge's GPU can be used"
    ):
        offer("g7.2xlarge", price=None, max_nodes=3)
    with pytest.raises(UnknownInstanceTypeError):
        offer("g5.tiny", price=None, max_nodes=3)
