"""What holds of all rules alike, and what their catalogs on disk cannot show."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from model_catalog import (
    RULES,
    Catalog,
    CatalogError,
    Environment,
    Problem,
    Release,
    Rule,
    Severity,
    check_catalog,
    load_catalog,
)
from model_catalog.rules import Context, judge, names
from planning.server import NAME_LIMIT, server_name
from tests.unit.model_catalog.overlay import BASE, CATALOGS, TODAY, overlaid

REPORTS = [line for file in sorted(CATALOGS.glob("*/expected.txt")) for line in file.read_text().splitlines()]


def context(root: Path) -> Context:
    checked = check_catalog(root, today=TODAY)
    return Context(
        catalog=checked.catalog,
        entries=checked.entries,
        releases=checked.releases,
        unread=frozenset(),
        today=TODAY,
    )


def test_ids_are_words_with_dashes_sorted_and_each_there_once() -> None:
    ids = [rule.id for rule in RULES]
    assert ids == sorted(set(ids))
    assert [name for name in ids if not re.fullmatch(r"[a-z]+(-[a-z]+)+", name)] == []


def test_demands_are_sentences() -> None:
    assert [rule.id for rule in RULES if not re.fullmatch(r"[A-Z].*\.", rule.demand)] == []


def test_what_may_be_accepted_is_a_warning_and_every_warning_may_be() -> None:
    assert [rule.id for rule in RULES if rule.acceptable is not (rule.severity is Severity.WARNING)] == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.acceptable], ids=lambda rule: rule.id)
def test_what_may_be_accepted_is_reported_in_the_file_that_can_accept_it(rule: Rule) -> None:
    lines = [line for line in REPORTS if f" {rule.id} warning: " in line]
    assert lines
    assert [line for line in lines if not line.startswith("catalog/entries/")] == []


def test_every_report_ends_with_a_fix_and_repeats_no_full_stop() -> None:
    rules = {rule.id for rule in RULES}
    judged = [line for line in REPORTS if line.split(" ")[1] in rules]
    assert [line for line in judged if ".. " in line or not re.search(r"[^.]\. [A-Z]", line)] == []


def test_an_acceptance_silences_one_rule_of_one_entry(tmp_path: Path) -> None:
    root = overlaid(CATALOGS / "warning.a_lone_request_waits", tmp_path)
    reader = root / "entries" / "question_answering" / "reader.yaml"
    line = "{rule: batching-waits, reason: Requests come in hundreds., by: nlp-platform, until: 2027-06-30}"
    reader.write_text(reader.read_text().replace("accepts: [", f"accepts: [{line}, "))
    checked = check_catalog(root, today=TODAY)
    waiting = {problem.file for problem in checked.problems if problem.rule == "batching-waits"}
    assert waiting == {"catalog/entries/language_identification/fast_text.yaml"}
    assert {problem.file for problem in checked.accepted if problem.rule == "batching-waits"} == {
        "catalog/entries/question_answering/reader.yaml"
    }


def test_a_problem_has_its_rule_s_severity() -> None:
    def check(given: Context) -> Iterator[Problem]:
        for entry in given.catalog.entries:
            yield given.in_entry(entry, ("task",), rule="some-rule", message="m", fix="f")

    rule = Rule(id="some-rule", demand="d", check=check, severity=Severity.WARNING)
    assert {problem.severity for problem in judge([rule], context(BASE)).problems} == {Severity.WARNING}


def test_without_a_day_no_date_is_judged(tmp_path: Path) -> None:
    root = overlaid(CATALOGS / "error.decisions_outlived_their_day", tmp_path)
    assert check_catalog(root).problems == ()


def test_nothing_is_said_of_what_an_unreadable_entry_may_hold(tmp_path: Path) -> None:
    root = overlaid(CATALOGS / "error.detectors_that_do_not_run", tmp_path)
    (root / "entries" / "language_identification" / "fast_text.yaml").write_text("task: [\n")
    reported = {problem.rule for problem in check_catalog(root, today=TODAY).problems}
    assert reported == {"detector-released", "yaml-syntax"}
    of_detector = [
        problem.message
        for problem in check_catalog(root, today=TODAY).problems
        if "LanguageIdentification/FastText/mul" in problem.message
    ]
    assert of_detector == []


@pytest.mark.parametrize("environment", [Environment.SANDBOX, Environment.DEV])
def test_servers_are_compared_by_the_names_that_planning_gives_them(environment: Environment) -> None:
    for running in load_catalog(BASE).running(environment):
        parts = (running.language, running.version_id)
        label = names.server_label(running.entry, *parts)
        assert len(label) <= NAME_LIMIT
        assert server_name(running.entry, *parts) == label


def test_a_server_may_be_named_as_another_environment_s(tmp_path: Path) -> None:
    root = overlaid(CATALOGS / "error.two_servers_under_one_name", tmp_path)
    with pytest.raises(CatalogError, match="unique-server"):
        load_catalog(root)
    (root / "releases" / "dev.yaml").write_text('TextGeneration/Writer/mul: {default: "1.0"}\n')
    (root / "releases" / "sandbox.yaml").write_text('TextGeneration/Writer/mul: {default: "1-0"}\n')
    assert isinstance(load_catalog(root), Catalog)


def test_entries_that_share_servers_may_have_names_that_differ_in_punctuation_alone(tmp_path: Path) -> None:
    root = overlaid(CATALOGS / "error.two_servers_under_one_name", tmp_path)
    (root / "releases" / "sandbox.yaml").write_text("{}\n")
    both = {str(running.entry.selector) for running in load_catalog(root).running(Environment.DEV)}
    assert both == {"Question/AnsweringReader", "QuestionAnswering/Reader"}


def test_variants_of_one_entry_may_be_pinned_to_different_types(tmp_path: Path) -> None:
    root = overlaid(CATALOGS / "error.pins_that_cannot_be", tmp_path)
    pins = {problem.message for problem in check_catalog(root, today=TODAY).problems}
    assert not [message for message in pins if "g6.xlarge" in message]


def test_an_empty_catalog_breaks_no_rule() -> None:
    empty = replace(
        context(BASE),
        catalog=Catalog(entries=(), releases={Environment.DEV: Release({})}),
        entries={},
    )
    assert judge(RULES, empty).problems == ()
