import pytest

from hardware import INSTANCE_TYPES, UnknownInstanceTypeError, instance_type


def test_every_row_says_where_and_when_it_was_read() -> None:
    for kind in INSTANCE_TYPES.values():
        assert kind.source.startswith("https://"), kind.name
        assert kind.source_date.year >= 2026, kind.name


def test_a_type_has_gpus_exactly_where_it_names_one() -> None:
    for kind in INSTANCE_TYPES.values():
        assert (kind.gpu is None) == (kind.gpu_count == 0), kind.name


@pytest.mark.parametrize(
    ("name", "model", "count", "capability"),
    [("g4dn.xlarge", "T4", 1, (7, 5)), ("g5.12xlarge", "A10G", 4, (8, 6)), ("g6.xlarge", "L4", 1, (8, 9))],
)
def test_a_gpu_type_says_what_it_carries(
    name: str, model: str, count: int, capability: tuple[int, int]
) -> None:
    kind = instance_type(name)
    assert kind.gpu is not None
    assert (kind.gpu.model, kind.gpu_count, kind.gpu.compute_capability) == (model, count, capability)


def test_an_unknown_type_is_answered_with_the_nearest_known_ones() -> None:
    with pytest.raises(UnknownInstanceTypeError, match=r"g4dn\.xlarge"):
        instance_type("g4dn.xlargee")
