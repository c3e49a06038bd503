"""What a running TorchServe server takes over without a restart, and what waits for its next start."""

from typing import Any

import pytest

from planning import Plan
from planning.changes import LiveChanges
from tests.unit.planning.changes.cases import CHAT, SHARED, changes, entry, overriding, plan, written

FR = "QuestionAnswering/Reader/fr"
BOTH = {"default": "1", "versions": ["1", "2"]}


def release(**said: Any) -> dict[str, Any]:
    return {FR: {"default": "1", **said}}


def only(before: Plan, after: Plan) -> LiveChanges:
    found = changes(before, after)
    assert found.restarts == ()
    (one,) = found.live
    assert one.server == SHARED
    return one


def told(found: LiveChanges) -> list[str]:
    return [
        f"{one.selector.language}@{one.selector.version} {one.kind}"
        + (f" {one.setting.old}→{one.setting.new}" if one.setting else "")
        for one in found.changes
    ]


def waiting(found: LiveChanges) -> list[str]:
    return [
        f"{one.selector.version} {one.setting.name} {one.setting.old}→{one.setting.new}"
        for one in found.waiting
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param(release(), release(versions=["1", "2"]), ["fr@2 added"], id="a version starts"),
        pytest.param(release(versions=["1", "2"]), release(), ["fr@2 removed"], id="a version stops"),
        pytest.param(
            release(versions=["1", "2"]),
            release(versions=["1", "2"], default="2"),
            ["fr@2 default 1→2"],
            id="another default",
        ),
        pytest.param(
            release(versions=["1", "2"], default="2"), {FR: BOTH}, ["fr@1 default 2→1"], id="a rollback"
        ),
        pytest.param(
            release(), release(default="2"), ["fr@1 removed", "fr@2 added", "fr@2 default 1→2"], id="a patch"
        ),
        pytest.param(
            release(), overriding("Reader/fr", min_workers=2), ["fr@1 workers 1→2"], id="more workers"
        ),
    ],
)
def test_versions_defaults_and_workers_change_as_the_server_runs(
    before: dict[str, Any], after: dict[str, Any], said: list[str]
) -> None:
    old = plan(entry("Reader", "fr"), releases=before)
    assert told(only(old, written(old, entry("Reader", "fr"), releases=after))) == said


def test_a_model_that_joins_or_leaves_takes_nothing_from_its_neighbours() -> None:
    alone = plan(entry("Reader", "fr"))
    joined = written(alone, entry("Reader", "fr"), entry("Finder", "es", owner="other"))
    found = only(alone, joined)
    assert told(found) == ["es@1 added", "es@1 default None→1"]
    assert found.owners == ("other",)
    assert told(only(joined, written(joined, entry("Reader", "fr")))) == ["es@1 removed"]


def test_another_smoke_input_is_asked_from_now_on() -> None:
    before = plan(entry("Reader", "fr", smoke={"body": '"a"'}))
    found = only(before, written(before, entry("Reader", "fr", smoke={"body": '"b"'})))
    assert [one.kind for one in found.changes] == ["smoke"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({}, {"batch_size": 4}, ["1 serving.batch_size 1→4"]),
        ({}, {"max_batch_delay": "50ms"}, ["1 serving.max_batch_delay 100ms→50ms"]),
        ({}, {"response_timeout": "30s"}, ["1 serving.response_timeout 2m→30s"]),
        ({}, {"startup_timeout": "30s"}, ["1 serving.startup_timeout 2m→30s"]),
        ({"min_workers": 2}, {}, ["1 serving.min_workers 2→1"]),
    ],
)
def test_what_torchserve_takes_at_registration_alone_waits_for_the_next_start(
    old: dict[str, Any], new: dict[str, Any], said: list[str]
) -> None:
    before = plan(entry("Reader", "fr", serving=old))
    found = only(before, written(before, entry("Reader", "fr", serving=new)))
    assert (told(found), waiting(found)) == ([], said)


def test_an_override_of_what_cannot_change_restarts_and_then_nothing_is_live() -> None:
    before = plan(entry("Reader", "fr"))
    found = changes(
        before, written(before, entry("Reader", "fr"), releases=overriding("Reader/fr", batch_size=2))
    )
    assert ([one.server for one in found.restarts], found.live) == ([SHARED], ())


def unresolved(model: str, *languages: str) -> dict[str, Any]:
    said = entry(model, *languages)
    for language in said["languages"].values():
        version = language["versions"]["2"]
        language["versions"]["2"] = {**version, "artifact": {**version["artifact"], "digest": "unresolved"}}
    return said


def test_a_version_that_is_left_out_begins_to_be_served_once_its_digest_is_known() -> None:
    running = release(versions=["1", "2"])
    before = plan(unresolved("Reader", "fr"), releases=running)
    assert told(only(before, written(before, entry("Reader", "fr"), releases=running))) == ["fr@2 added"]
    alone = plan(entry("Reader", "fr"))
    assert changes(alone, written(alone, unresolved("Reader", "fr"), releases=running)).live == ()


def test_a_default_that_is_left_out_takes_its_variant_with_it() -> None:
    before = plan(unresolved("Reader", "fr"), releases=release(versions=["1", "2"]))
    after = written(before, unresolved("Reader", "fr"), releases=release(versions=["1", "2"], default="2"))
    assert told(only(before, after)) == ["fr@1 removed"]


def test_another_owner_and_a_language_model_are_nothing_that_an_agent_is_told() -> None:
    before = plan(entry("Reader", "fr"), llm=CHAT)
    after = written(before, entry("Reader", "fr", owner="b"), llm=CHAT.model_copy(update={"owner": "b"}))
    assert changes(before, after).live == ()
