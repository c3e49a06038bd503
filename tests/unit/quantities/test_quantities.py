from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from quantities import (
    Bytes,
    Count,
    Duration,
    Flag,
    Number,
    ParameterCount,
    Percent,
    format_duration,
    parse_duration,
)


@pytest.mark.parametrize(
    ("text", "count"),
    [("0B", 0), ("440MiB", 440 * 2**20), ("1.5 GiB", 1536 * 2**20), ("16GB", 16_000_000_000)],
)
def test_a_size_is_read_with_its_unit(text: str, count: int) -> None:
    assert Bytes.parse(text) == count


@pytest.mark.parametrize(
    "text", ["440", "MiB", "440 MIB", "-1MiB", "0.3B", "1_000MiB", "", "٤MiB", "9" * 400 + "B"]
)
def test_a_size_without_a_clear_meaning_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        Bytes.parse(text)


def test_a_size_prints_in_the_largest_exact_unit_and_rounds_up_for_kubernetes() -> None:
    assert [str(Bytes.parse(text)) for text in ("1024MiB", "1MB", "0B")] == ["1GiB", "1000000B", "0B"]
    assert Bytes.parse("1MB").kubernetes == "1Mi"
    assert Bytes.parse("2GiB").kubernetes == "2048Mi"


@pytest.mark.parametrize(
    ("text", "span"),
    [("100ms", timedelta(milliseconds=100)), ("120s", timedelta(minutes=2)), ("1.5m", timedelta(seconds=90))],
)
def test_a_duration_is_read_with_its_unit(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span
    assert parse_duration(format_duration(span)) == span


@pytest.mark.parametrize("text", ["100", "1 day", "-1s", "1e3s", "٤s", "9" * 12 + "h", "9" * 400 + "s"])
def test_a_duration_without_a_known_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def test_a_bare_number_is_neither_a_size_nor_a_duration() -> None:
    for kind in (Bytes, Duration):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(5)


@pytest.mark.parametrize("text", ["100.1%", "101%", "-1%", "50", "٤%", "9" * 400 + "%"])
def test_what_is_no_share_of_a_hundred_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a percentage"):
        Percent.parse(text)


def test_a_switch_is_true_or_false_and_nothing_else() -> None:
    kind = TypeAdapter(Flag)
    assert [kind.validate_python(value) for value in ("true", "false", True)] == [True, False, True]
    wrong: tuple[Any, ...] = ("yes", "True", 1, {}, [], None)
    for value in wrong:
        with pytest.raises(ValidationError):
            kind.validate_python(value)


@pytest.mark.parametrize(
    ("text", "fraction"), [("99.5%", "0.995"), ("0%", "0"), ("100%", "1"), ("10%", "0.1")]
)
def test_a_percentage_is_exact_and_prints_as_it_was_written(text: str, fraction: str) -> None:
    percent = TypeAdapter(Percent).validate_python(text)
    assert (str(percent), f"{percent}", str(percent.fraction.normalize())) == (text, text, fraction)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (Percent, "99.5"), (Percent, "101%"), (Percent, "-1%"), (Percent, "1e2%"),
        (Count, "0"), (Count, "1_000"), (Count, "0x10"), (Count, " 8"), (Count, "1.0"), (Count, True),
        (Count, "9" * 40),
        (Number, "nan"), (Number, "inf"), (Number, "1e999"), (Number, "1_0"), (Number, False),
        (Flag, "yes"), (Flag, "on"), (Flag, "1"), (Flag, "True"),
        (ParameterCount, "7b"), (ParameterCount, "0"), (ParameterCount, "1.5"), (ParameterCount, "-7B"),
    ],
)  # fmt: skip
def test_what_could_be_read_two_ways_is_refused_with_words(kind: Any, wrong: Any) -> None:
    with pytest.raises(ValidationError, match=r"is (not|neither) .*; write"):
        TypeAdapter(kind).validate_python(wrong)


@pytest.mark.parametrize(
    ("text", "count"),
    [("110M", 110_000_000), ("7.24B", 7_240_000_000), ("1T", 10**12), ("22713216", 22_713_216)],
)
def test_parameters_are_counted_as_people_say_them(text: str, count: int) -> None:
    assert TypeAdapter(ParameterCount).validate_python(text) == count
