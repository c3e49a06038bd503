"""Which servers restart, what capacity is left meanwhile, for how long at most, and who loses it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engines import FETCH_IMAGE
from planning import Plan, TextGenerationPlan
from planning.changes import PodPart, Restart
from tests.unit.planning.changes.cases import (
    CHAT,
    LLM,
    SETTINGS,
    SHARED,
    changes,
    entry,
    overriding,
    plan,
    written,
)

BUDGET = timedelta(minutes=1)
"""Of a TorchServe server before its models; each version of a variant adds startup_timeout, two minutes."""
PER_VERSION = timedelta(minutes=2)


def restarts(before: Plan, after: Plan) -> tuple[Restart, ...]:
    return changes(before, after).restarts


def only(before: Plan, after: Plan) -> Restart:
    (found,) = restarts(before, after)
    return found


def test_nothing_restarts_where_nothing_changes() -> None:
    before = plan(entry("Reader", "fr"), llm=CHAT)
    found = changes(before, written(before, entry("Reader", "fr"), llm=CHAT))
    assert found.empty
    assert (found.servers, found.alerts, found.pools, found.risks) == ((), (), (), ())


def test_a_model_that_joins_or_leaves_restarts_nobody_while_it_fits_the_even_part_of_its_node() -> None:
    before = plan(entry("Reader", "fr"))
    joined = written(before, entry("Reader", "fr"), entry("Finder", "es", owner="other"))
    assert restarts(before, joined) == ()
    assert restarts(joined, written(joined, entry("Reader", "fr"))) == ()


def test_models_that_outgrow_the_even_part_take_their_neighbours_away_for_a_while() -> None:
    # A quarter of its CPU for each of four GPUs is less than this many workers ask for.
    settings = replace(SETTINGS, gpu_nodes={"g5.12xlarge": 4})
    before = plan(entry("Reader", "fr"), settings=settings)
    crowd = entry("Finder", "es", weights="10MiB", serving={"min_workers": 24}, owner="other")
    found = only(before, written(before, entry("Reader", "fr"), crowd, settings=settings))
    assert (found.before, found.after, found.ready, found.away) == (1, 1, 0, True)
    assert [(str(one.variant), one.owner, one.untouched) for one in found.affected] == [
        ("QuestionAnswering/Reader/fr", "search", True)
    ]
    assert [str(variant) for variant in found.gained] == ["QuestionAnswering/Finder/es"]
    assert found.lost == ()
    assert (found.for_neighbours, found.owners) == (True, ("search",))
    assert found.parts == (PodPart.RESOURCES,)


def test_a_start_is_as_long_as_the_variant_with_the_most_versions() -> None:
    running = {"QuestionAnswering/Reader/fr": {"default": "1", "versions": ["1", "2"]}}
    crowd = (entry("Finder", "es", "it"), entry("Reader", "fr"))
    before = plan(*crowd, releases=running)
    tuned = overriding("Finder/es", batch_size=4)
    assert only(before, written(before, *crowd, releases=running | tuned)).longest == BUDGET + 2 * PER_VERSION


def test_a_changed_model_is_told_from_the_neighbours_that_pay_for_it() -> None:
    before = plan(entry("Finder", "es"), entry("Reader", "en", "fr"))
    tuned = overriding("Finder/es", batch_size=4)
    found = only(before, written(before, entry("Finder", "es"), entry("Reader", "en", "fr"), releases=tuned))
    assert found.parts == (PodPart.SETTINGS,)
    assert [(str(one.variant), one.untouched) for one in found.affected] == [
        ("QuestionAnswering/Finder/es", False),
        ("QuestionAnswering/Reader/en", True),
        ("QuestionAnswering/Reader/fr", True),
    ]
    assert not found.for_neighbours


@pytest.mark.parametrize(
    ("replicas", "ready", "away", "budgets"),
    [
        ((1, 1), 0, True, 1),
        ((2, 2), 1, False, 2),
        ((3, 3), 2, False, 3),
        # More replicas: the old ones answer until a new one does.
        ((1, 2), 1, False, 2),
        ((2, 3), 2, False, 3),
        # Fewer: Kubernetes may stop all but the new number less one at once.
        ((2, 1), 0, True, 1),
        ((3, 2), 1, False, 2),
    ],
)
def test_a_rollout_leaves_the_replicas_less_one_and_takes_each_ones_budget(
    replicas: tuple[int, int], ready: int, away: bool, budgets: int
) -> None:
    before = plan(entry("Reader", "fr", replicas=replicas[0]))
    tuned = overriding("Reader/fr", batch_size=2)
    found = only(before, written(before, entry("Reader", "fr", replicas=replicas[1]), releases=tuned))
    assert (found.before, found.after) == replicas
    assert (found.ready, found.away) == (ready, away)
    assert found.longest == budgets * (BUDGET + PER_VERSION)


def test_more_replicas_alone_restart_nothing() -> None:
    before = plan(entry("Reader", "fr"))
    found = changes(before, written(before, entry("Reader", "fr", replicas=3)))
    assert [(one.name, one.before.replicas, one.after.replicas) for one in found.servers] == [(SHARED, 1, 3)]
    assert found.restarts == ()


def test_another_default_among_running_versions_restarts_nothing() -> None:
    running = {"default": "1", "versions": ["1", "2"]}
    before = plan(entry("Reader", "fr"), releases={"QuestionAnswering/Reader/fr": running})
    after = written(
        before, entry("Reader", "fr"), releases={"QuestionAnswering/Reader/fr": {**running, "default": "2"}}
    )
    assert restarts(before, after) == ()


def test_another_default_among_running_language_models_restarts_nothing() -> None:
    running = {"default": "1", "versions": ["1", "2"]}
    before = plan(releases={"TextGeneration/Chat/mul": running}, llm=CHAT)
    after = written(before, releases={"TextGeneration/Chat/mul": {**running, "default": "2"}}, llm=CHAT)
    found = changes(before, after)
    assert [(one.name, one.restart) for one in found.servers] == [(LLM, None), (f"{LLM[:-1]}2", None)]


def test_another_owner_restarts_a_language_model_whose_pods_carry_its_name_and_no_shared_server() -> None:
    before = plan(entry("Reader", "fr"), llm=CHAT)
    after = written(before, entry("Reader", "fr", owner="b"), llm=CHAT.model_copy(update={"owner": "b"}))
    assert [(one.server, one.parts) for one in restarts(before, after)] == [(LLM, (PodPart.IDENTITY,))]


def test_a_language_model_s_own_options_are_its_own_change_and_another_image_is_its_server_s() -> None:
    before = plan(llm=CHAT)
    (server,) = before.servers
    assert isinstance(server, TextGenerationPlan)
    serving = server.version.serving.model_copy(update={"max_num_seqs": 7})
    tuned = replace(server, version=server.version.model_copy(update={"serving": serving}))
    for after, untouched in ((tuned, False), (replace(server, image=FETCH_IMAGE), True)):
        found = only(before, replace(before, servers=(after,)))
        assert [one.untouched for one in found.affected] == [untouched]


def test_a_server_that_only_requests_by_version_reach_says_so() -> None:
    running = {"TextGeneration/Chat/mul": {"default": "1", "versions": ["1", "2"]}}
    before = plan(releases=running, llm=CHAT)
    after = written(before, releases=running, llm=CHAT.model_copy(update={"owner": "b"}))
    said = [(found.server, [one.default for one in found.affected]) for found in restarts(before, after)]
    assert said == [(LLM, [True]), (f"{LLM[:-1]}2", [False])]


def test_servers_that_come_or_go_do_not_restart() -> None:
    before = plan(entry("Reader", "fr"))
    found = changes(before, written(before, entry("Reader", "fr"), llm=CHAT))
    assert [(one.name, one.change.value, one.restart) for one in found.servers] == [(LLM, "added", None)]
    back = changes(written(before, entry("Reader", "fr"), llm=CHAT), before)
    assert [(one.name, one.change.value, one.restart) for one in back.servers] == [(LLM, "removed", None)]
