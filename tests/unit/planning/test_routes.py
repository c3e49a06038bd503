"""Who answers a request for a variant, and what the plan holds of each version."""

from typing import Any

import pytest

from planning.routes import Route
from tests.unit.planning.changes.cases import CHAT, DIGEST, entry, plan

FR = "QuestionAnswering/Reader/fr"
UNRESOLVED = {"bucket": "research", "path": "a/b.mar", "digest": "unresolved"}


def reader(*unserved: str, **keys: Any) -> dict[str, Any]:
    """The case's Reader in French with three versions, of which `unserved` have no digest."""
    found = entry("Reader", "fr") | keys
    versions = found["languages"]["fr"]["versions"]
    versions["3"] = dict(versions["2"])
    for version in unserved:
        versions[version] = versions[version] | {"artifact": UNRESOLVED}
    return found


def route(release: dict[str, Any], *unserved: str) -> Route:
    (found,) = plan(reader(*unserved), releases={FR: release}).routes
    assert str(found.variant) == FR
    return found


def answers(found: Route) -> list[tuple[str | None, str, str]]:
    return [(one.version.version, str(one.share), one.path) for one in found.destinations]


ALL = {"default": "1", "versions": ["1", "2"], "canary": {"3": "10%"}}
DEFAULT, THIRD = "/predictions/fr_reader", "/predictions/fr_reader/3"


@pytest.mark.parametrize(
    ("release", "unserved", "expected"),
    [
        ({"default": "1"}, (), [("1", "100%", DEFAULT)]),
        ({"default": "1", "versions": ["1", "2"]}, (), [("1", "100%", DEFAULT)]),
        (ALL, (), [("1", "90%", DEFAULT), ("3", "10%", THIRD)]),
        (ALL, ("2",), [("1", "90%", DEFAULT), ("3", "10%", THIRD)]),
        (ALL, ("3",), [("1", "100%", DEFAULT)]),
        (ALL, ("1",), []),
        ({"default": "1", "canary": {"3": "100%"}}, (), [("3", "100%", THIRD)]),
    ],
    ids=[
        "a lone default",
        "a version beside it has no share",
        "a canary has its share, the default the rest",
        "an unserved neighbour changes nothing",
        "the share of a canary that is not served is the default's",
        "without its default a variant is refused",
        "a canary may have all",
    ],
)
def test_requests_that_name_no_version_go_to(
    release: dict[str, Any], unserved: tuple[str, ...], expected: list[tuple[str, str, str]]
) -> None:
    assert answers(route(release, *unserved)) == expected


def test_each_served_version_is_reached_by_its_name() -> None:
    found = route(ALL, "2")
    assert [(one.version.version, one.path, str(one.share)) for one in found.versions] == [
        ("1", "/predictions/fr_reader/1", "100%"),
        ("3", THIRD, "100%"),
    ]
    assert found.refusal == ""


def test_a_variant_without_its_default_says_why_it_is_refused() -> None:
    found = route(ALL, "1")
    assert found.refusal.startswith("not served: its artifact's digest is unresolved")
    assert found.versions == ()


def test_the_plan_holds_of_each_version_what_its_entry_says_of_it() -> None:
    keys = {
        "preprocessing": ["normalize_unicode", "detect_script"],
        "language_from": "caller",
        "slo": {"availability": "99.5%", "latency_p95": "300ms"},
        "drift": {"features": ["input_length"]},
        "quality": {"metric": "f1", "tolerance": 1},
        "autoscaling": {"min_replicas": 1, "max_replicas": 3, "target_queue_time": "50ms"},
    }
    made = plan(reader("2", **keys), releases={FR: ALL})
    one, two, three = made.versions
    assert [version.selector.version for version in made.versions] == ["1", "2", "3"]
    assert [str(version.share) for version in made.versions] == ["90%", "0%", "10%"]
    assert [bool(version.not_served) for version in made.versions] == [False, True, False]
    assert {version.server for version in made.versions} == {server.name for server in made.servers}
    assert [step.step for step in one.steps] == ["normalize_unicode", "detect_script"]
    assert (one.slo and str(one.slo.availability), one.drift and one.drift.minimum_requests) == ("99.5%", 500)
    assert (one.autoscaling and one.autoscaling.max_replicas, one.quality and one.quality.metric) == (3, "f1")
    assert one.steps == two.steps == three.steps
    assert ([copied.digest for copied in one.copies], two.copies) == ([DIGEST], ())


@pytest.mark.parametrize(
    ("serving", "requests"),
    [({}, 1), ({"batch_size": 4}, 4), ({"min_workers": 2, "max_workers": 3, "batch_size": 4}, 12)],
)
def test_a_replica_of_torchserve_works_on_as_many_requests_as_its_workers_batches_hold(
    serving: dict[str, Any], requests: int
) -> None:
    found = entry("Reader", "fr")
    versions = found["languages"]["fr"]["versions"]
    versions["1"] = versions["1"] | {"serving": serving}
    (version,) = plan(found, releases={FR: {"default": "1"}}).versions
    assert version.limits.requests == requests
    assert version.limits.total_tokens is None


def test_a_language_model_s_limits_are_its_engine_s() -> None:
    (version,) = plan(llm=CHAT).versions
    assert version.limits.response_timeout is None
    assert (version.limits.requests, version.limits.total_tokens) == (64, 4096)
