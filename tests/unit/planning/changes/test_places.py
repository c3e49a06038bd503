"""Which models are elsewhere than before, and why."""

from dataclasses import replace

from planning.capacity.placement import Lock, Place
from planning.changes.places import BY_LOCK
from tests.unit.planning.changes.cases import SETTINGS, changes, entry, plan, written

PLACE = Place(pool="gpu-g4dn-xlarge", server=1)
OTHER = Place(pool="gpu-g4dn-xlarge", server=2)
READER = "QuestionAnswering/Reader/fr"


def test_what_comes_and_goes_is_no_move() -> None:
    before = plan(entry("Reader", "fr"))
    found = changes(before, written(before, entry("Finder", "es"))).places
    assert found.moved == ()
    assert [(one.selector, one.place) for one in found.added] == [("QuestionAnswering/Finder/es", PLACE)]
    assert [(one.selector, one.place) for one in found.removed] == [(READER, PLACE)]


def test_a_written_lock_does_not_hide_why_something_had_to_move() -> None:
    before = plan(entry("Finder", "es"), entry("Reader", "fr"))
    apart = entry("Reader", "fr", owner="b", sharing={"keep_apart_from": ["search"]})
    after = written(before, entry("Finder", "es"), apart)
    assert not after.stale
    assert after.placement.moves == ()
    (move,) = changes(before, after).places.moved
    assert (move.before, move.after) == (PLACE, OTHER)
    assert "keep apart" in move.reason


def test_a_move_that_only_the_lock_asks_for_says_so() -> None:
    before = plan(entry("Finder", "es"), entry("Reader", "fr"))
    places = {"QuestionAnswering/Finder/es": PLACE, READER: OTHER}
    after = plan(entry("Finder", "es"), entry("Reader", "fr"), lock=Lock(places=places))
    (move,) = changes(before, after).places.moved
    assert (move.selector, move.after, move.reason) == (READER, OTHER, BY_LOCK)


def test_another_instance_type_moves_everything() -> None:
    before = plan(entry("Reader", "en", "fr"))
    settings = replace(SETTINGS, gpu_nodes={"g5.xlarge": 4})
    found = changes(before, written(before, entry("Reader", "en", "fr"), settings=settings)).places
    assert [str(move.after) for move in found.moved] == ["gpu-g5-xlarge/torchserve-1"] * 2
    assert BY_LOCK not in {move.reason for move in found.moved}


def test_a_lock_that_falls_behind_is_news_and_one_that_was_behind_is_not() -> None:
    first = plan(entry("Reader", "fr"))
    kept = plan(entry("Reader", "fr"), lock=first.placement.lock)
    grown = plan(entry("Finder", "es"), entry("Reader", "fr"), lock=first.placement.lock)
    assert first.stale
    assert not kept.stale
    found = changes(kept, grown)
    assert (found.stale, found.newly_stale) == (True, True)
    again = changes(first, first)
    assert (again.stale, again.newly_stale, again.empty) == (True, False, True)
