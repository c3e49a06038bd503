import re

import pytest

from hardware import GPUS, Gpu
from hardware.gpu import DRIVER_RESERVE
from quantities import Bytes

ALL = pytest.mark.parametrize("gpu", GPUS.values(), ids=lambda gpu: gpu.model)


def test_what_a_plan_may_use_is_never_more_than_a_process_was_seen_to_have() -> None:
    seen = {
        gpu.model: (gpu.usable, gpu.seen_by_process.memory)
        for gpu in GPUS.values()
        if gpu.usable and gpu.seen_by_process
    }
    assert {model for model, (usable, process) in seen.items() if usable > process} == set()
    assert len(seen) >= 9


@ALL
def test_what_a_plan_may_use_is_unknown_exactly_where_the_driver_s_total_is(gpu: Gpu) -> None:
    assert (gpu.usable is None) == (gpu.driver_total is None)
    if gpu.usable is not None and gpu.driver_total is not None:
        assert gpu.usable + DRIVER_RESERVE == gpu.driver_total.memory


@ALL
def test_every_figure_says_where_it_was_read(gpu: Gpu) -> None:
    assert gpu.mig_source
    for reading in (gpu.driver_total, gpu.seen_by_process):
        assert reading is None or reading.source


@pytest.mark.parametrize(
    ("model", "usable"),
    [
        ("T4", "14336MiB"),
        ("A10G", "22004MiB"),
        ("L4", "22010MiB"),
        ("L40S", "45044MiB"),
        ("A100-40GB", "39GiB"),
        ("A100-80GB", "79GiB"),
        ("H100", "80535MiB"),
        ("H200", "142747MiB"),
        ("RTX PRO 4500", None),
    ],
)
def test_a_card_offers_less_than_its_name_promises(model: str, usable: str | None) -> None:
    assert GPUS[model].usable == (None if usable is None else Bytes.parse(usable))


@pytest.mark.parametrize("model", ["T4", "A10G", "L4", "L40S"])
def test_cards_that_nvidia_does_not_list_have_no_mig(model: str) -> None:
    assert GPUS[model].mig_profiles == ()


def test_a_card_whose_mig_profiles_nobody_read_says_so_instead_of_having_none() -> None:
    assert GPUS["RTX PRO 4500"].mig_profiles is None
    assert GPUS["RTX PRO 4500"].mig_profile("1g.16gb") is None


@ALL
def test_a_mig_profile_s_name_and_figures_agree(gpu: Gpu) -> None:
    """1g.5gb: one slice, and not more than 5 GB, for NVIDIA rounds up; never more than the card has."""
    for profile in gpu.mig_profiles or ():
        name = re.fullmatch(r"(\d)g\.(\d+)gb", profile.name)
        assert name is not None, profile.name
        assert profile.compute_slices == int(name[1])
        assert profile.max_instances * profile.compute_slices <= 7
        if profile.memory is not None:
            assert profile.memory <= Bytes.parse(f"{name[2]}GiB")
            assert gpu.driver_total is not None
            assert profile.memory * profile.max_instances <= gpu.driver_total.memory


@ALL
def test_mig_profiles_go_from_small_to_large_and_the_last_takes_the_whole_card(gpu: Gpu) -> None:
    if not gpu.mig_profiles:
        return
    sizes = [profile.compute_slices for profile in gpu.mig_profiles]
    assert sizes == sorted(sizes)
    assert gpu.mig_profiles[-1].max_instances == 1
    assert len({profile.name for profile in gpu.mig_profiles}) == len(gpu.mig_profiles)


@pytest.mark.parametrize(
    ("model", "name", "instances", "memory"),
    [
        ("A100-40GB", "1g.5gb", 7, Bytes.mebibytes(4864)),
        ("A100-80GB", "2g.20gb", 3, Bytes.mebibytes(19968)),
        ("H100", "3g.40gb", 2, Bytes.mebibytes(40448)),
        ("H200", "1g.18gb", 7, Bytes.mebibytes(16384)),
        ("A100-80GB", "7g.80gb", 1, None),
        ("B300", "1g.34gb", 7, None),
    ],
)
def test_a_profile_is_found_by_its_name(model: str, name: str, instances: int, memory: Bytes | None) -> None:
    profile = GPUS[model].mig_profile(name)
    assert profile is not None
    assert (profile.max_instances, profile.memory) == (instances, memory)
