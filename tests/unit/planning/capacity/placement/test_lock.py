from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_catalog import CatalogError
from planning.capacity.placement import Lock, Place, format_lock, parse_lock
from planning.capacity.placement.lock import HEADER

TEXT = f"""{HEADER}QuestionAnswering/Reader/fr  gpu-g4dn-xlarge/torchserve-1
TextGeneration/Chat/en@2  gpu-g5-12xlarge
"""

PLACES = {
    "QuestionAnswering/Reader/fr": Place(pool="gpu-g4dn-xlarge", server=1),
    "TextGeneration/Chat/en@2": Place(pool="gpu-g5-12xlarge"),
}


def test_a_lock_is_one_sorted_line_for_each_variant_or_language_model() -> None:
    assert format_lock(Lock(places=dict(reversed(PLACES.items())))) == TEXT


def test_reading_is_the_inverse_of_writing() -> None:
    assert dict(parse_lock(TEXT, "prod.lock").places) == PLACES


def test_a_merge_may_have_left_the_lines_in_any_order_and_one_of_them_twice() -> None:
    lines = TEXT.splitlines()
    mixed = "\n".join([lines[-1], "", *lines[:-1], lines[-1]])
    assert dict(parse_lock(mixed, "prod.lock").places) == PLACES


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("<<<<<<< ours", "a merge conflict is not resolved"),
        ("A/B/fr", "'A/B/fr' is not a selector and a place"),
        ("a/b/fr  gpu-x/torchserve-1", "'a/b/fr' is not a selector"),
        ("A/B  gpu-x/torchserve-1", "A/B names no language"),
        ("A/B/fr  gpu-x/server-1", "'gpu-x/server-1' is not a place"),
        ("A/B/fr  gpu-x/torchserve-0", "'gpu-x/torchserve-0' is not a place"),
        ("A/B/fr  gpu-x", "A/B/fr cannot be at gpu-x"),
        ("A/B/fr@1  gpu-x/torchserve-1", "A/B/fr@1 cannot be at gpu-x/torchserve-1"),
        (
            "QuestionAnswering/Reader/fr  gpu-x/torchserve-1",
            "QuestionAnswering/Reader/fr is at gpu-x/torchserve-1 here and at gpu-g4dn-xlarge/torchserve-1 in line 3",
        ),
    ],
)
def test_a_wrong_line_is_named_by_file_and_line_and_rule(line: str, says: str) -> None:
    with pytest.raises(CatalogError) as raised:
        parse_lock(f"{TEXT}{line}\n", "placements/prod.lock")
    (problem,) = raised.value.problems
    assert str(problem).startswith("placements/prod.lock:5:1 placement-lock ")
    assert problem.message.startswith(says)
    assert problem.fix


def test_every_wrong_line_is_reported_at_once() -> None:
    with pytest.raises(CatalogError) as raised:
        parse_lock("x\ny z\n", "prod.lock")
    assert [problem.line for problem in raised.value.problems] == [1, 2]


@given(text=st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with suppress(CatalogError):
        lock = parse_lock(text, "prod.lock")
        assert dict(parse_lock(format_lock(lock), "prod.lock").places) == dict(lock.places)


def test_the_fix_of_a_wrong_line_writes_that_environment_s_lock_and_not_the_sandbox_s() -> None:
    with pytest.raises(CatalogError, match="slipway plan --env prod --write"):
        parse_lock("nonsense\n", "model_catalog/placement/prod.lock")
