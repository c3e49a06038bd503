import pytest

from hardware import GPUS, INSTANCE_TYPES, BitRate, TableError, UnknownInstanceTypeError, instance_type
from hardware.instance_types import TABLE, _parse
from hardware.tables import read_table
from quantities import Bytes
from tests.unit.hardware import described

HEADER = (
    "name,vcpus,memory_mib,gpu,gpu_count,local_storage_gb,network_baseline_mbps,network_peak_mbps,max_pods\n"
)
ROW = "g5.xlarge,4,16384,A10G,1,250,2500,10000,58\n"


def test_the_table_is_what_ec2_describes_sorted_by_name() -> None:
    assert read_table(TABLE) == described.table(described.recorded()), (
        "run `python -m tests.unit.hardware.described` and read the difference"
    )


def test_every_row_says_where_and_when_it_was_read() -> None:
    for kind in INSTANCE_TYPES.values():
        assert kind.source.startswith("https://"), kind.name
        assert kind.source_date.year >= 2026, kind.name


def test_a_type_has_gpus_exactly_where_it_names_one() -> None:
    for kind in INSTANCE_TYPES.values():
        assert (kind.gpu is None) == (kind.gpu_count == 0), kind.name


def test_every_gpu_is_carried_by_some_type() -> None:
    assert {kind.gpu.model for kind in INSTANCE_TYPES.values() if kind.gpu} == set(GPUS)


def test_a_network_is_never_slower_at_its_peak() -> None:
    for kind in INSTANCE_TYPES.values():
        assert 0 < kind.network_baseline <= kind.network_peak, kind.name


@pytest.mark.parametrize(
    ("name", "model", "count", "capability"),
    [
        ("g4dn.xlarge", "T4", 1, (7, 5)),
        ("g5.12xlarge", "A10G", 4, (8, 6)),
        ("g6.xlarge", "L4", 1, (8, 9)),
        ("g6e.48xlarge", "L40S", 8, (8, 9)),
        ("g7e.12xlarge", "RTX PRO 6000", 2, (12, 0)),
        ("p4d.24xlarge", "A100-40GB", 8, (8, 0)),
        ("p4de.24xlarge", "A100-80GB", 8, (8, 0)),
        ("p5.4xlarge", "H100", 1, (9, 0)),
        ("p5en.48xlarge", "H200", 8, (9, 0)),
        ("p6-b200.48xlarge", "B200", 8, (10, 0)),
        ("p6-b300.48xlarge", "B300", 8, (10, 3)),
    ],
)
def test_a_gpu_type_says_what_it_carries(
    name: str, model: str, count: int, capability: tuple[int, int]
) -> None:
    kind = instance_type(name)
    assert kind.gpu is not None
    assert (kind.gpu.model, kind.gpu_count, kind.gpu.compute_capability) == (model, count, capability)


@pytest.mark.parametrize(
    ("name", "storage", "baseline", "peak"),
    [
        ("g5.xlarge", 250 * 10**9, 2_500, 10_000),
        ("g6e.48xlarge", 7600 * 10**9, 400_000, 400_000),
        ("m6i.large", 0, 781, 12_500),
        ("p4d.24xlarge", 8000 * 10**9, 400_000, 400_000),
        ("p5.48xlarge", 30400 * 10**9, 3_200_000, 3_200_000),
    ],
)
def test_a_type_says_what_disks_and_network_it_has(name: str, storage: int, baseline: int, peak: int) -> None:
    kind = instance_type(name)
    assert kind.local_storage == Bytes(storage)
    assert (kind.network_baseline, kind.network_peak) == (BitRate.megabits(baseline), BitRate.megabits(peak))


@pytest.mark.parametrize(
    ("name", "pods"),
    [
        ("g4dn.xlarge", 29),
        ("g7.2xlarge", 110),
        ("p5.48xlarge", 100),
        ("p5en.48xlarge", 198),
        ("p4d.24xlarge", 250),
    ],
)
def test_pods_are_those_that_the_default_network_card_has_addresses_for(name: str, pods: int) -> None:
    assert instance_type(name).max_pods == pods


@pytest.mark.parametrize(
    ("megabits", "text"), [(2_500, "2.5 Gigabit"), (100_000, "100 Gigabit"), (781, "0.781 Gigabit")]
)
def test_a_bit_rate_reads_as_ec2_writes_it(megabits: int, text: str) -> None:
    assert str(BitRate.megabits(megabits)) == text


def test_an_unknown_type_is_answered_with_the_nearest_known_ones() -> None:
    with pytest.raises(UnknownInstanceTypeError, match=r"g4dn\.xlarge"):
        instance_type("g4dn.xlargee")


def test_an_unknown_type_unlike_all_others_is_not_answered_with_the_whole_table() -> None:
    with pytest.raises(UnknownInstanceTypeError) as raised:
        instance_type("zebra")
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ROW, r"instance_types.csv:1: the columns are"),
        (HEADER + ROW + ROW, r"instance_types.csv:3: g5.xlarge is there twice"),
        (HEADER + ROW.replace("A10G", "A10"), r"instance_types.csv:2: no GPU is called 'A10'"),
        (HEADER + ROW.replace("16384", "16GiB"), r"instance_types.csv:2: .*'16GiB'"),
        (HEADER + ROW.replace("g5", "x5"), r"instance_types.csv:2: no page of AWS"),
        (HEADER + "g5.xlarge,4\n", r"instance_types.csv:2: 2 fields"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        _parse(text)
