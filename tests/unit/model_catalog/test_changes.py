"""What differs between two states of a catalog, and what a change may not do to what is released."""

import textwrap
from datetime import date
from typing import Any

import pytest

from model_catalog import Checked, Environment, Problem, Selector, Severity
from model_catalog.changes import (
    CHANGE_RULES,
    FACTS,
    CatalogChanges,
    Change,
    EnvironmentChanges,
    answer_changes,
    broken_rules,
    compare,
)
from model_catalog.loader import check_texts
from model_catalog.version import TgiVersion, TorchServeVersion, VllmVersion

TODAY = date(2026, 11, 22)
DIGEST = f"sha256:{'a' * 64}"
OTHER_DIGEST = f"sha256:{'b' * 64}"

READER = f"""
task: QuestionAnswering
model: Reader
description: Finds the answer to a question in a passage.
owner: nlp-platform
engine: torchserve
device: gpu
language_from: caller
license: LicenseRef-internal
memory: {{weights: 440MiB, per_request: 12MiB}}
serving: {{response_timeout: 120s}}
handler: {{name: reader, version: 1.4.0}}
quality: {{metric: f1, tolerance: 0.5}}
languages:
  en:
    scripts: [Latn]
    versions:
      "1":
        artifact: {{bucket: research, path: models/en/1, digest: "{DIGEST}"}}
  fr:
    scripts: [Latn]
    versions:
      "1":
        artifact: {{bucket: research, path: models/fr/1, digest: unresolved}}
        evaluations: [{{dataset: {{name: fquad, digest: "{DIGEST}"}}, metrics: {{f1: 80}}}}]
      "2":
        artifact: {{bucket: research, path: models/fr/2, digest: "{DIGEST}"}}
        precision: float16
        evaluations: [{{dataset: {{name: fquad, digest: "{DIGEST}"}}, metrics: {{f1: 79}}}}]
"""

WRITER = f"""
task: TextGeneration
model: Writer
description: Continues a text.
owner: nlp-platform
engine: tgi
license: apache-2.0
languages:
  mul:
    scripts: [Latn]
    versions:
      "1":
        artifact: {{repository: a/b, revision: unresolved, digest: unresolved}}
        precision: float16
        memory: {{weights: 3GiB, per_request: 100MiB}}
        prompt_template: "Continue: {{prompt}}"
        sampling: {{temperature: 0.7}}
        adapters: {{legal: {{bucket: research, path: a/legal, digest: "{DIGEST}"}}}}
        serving: {{max_input_tokens: 3072, max_total_tokens: 4096, startup_timeout: 10m}}
"""

DEV = """
QuestionAnswering/Reader/en: {default: "1"}
QuestionAnswering/Reader/fr: {default: "1"}
TextGeneration/Writer/mul: {default: "1"}
"""

READER_FILE = "entries/question_answering/reader.yaml"
WRITER_FILE = "entries/text_generation/writer.yaml"
DEV_FILE = "releases/dev.yaml"

BASE = {READER_FILE: READER, WRITER_FILE: WRITER, DEV_FILE: DEV}


def checked(texts: dict[str, str]) -> Checked:
    return check_texts({path: textwrap.dedent(text).encode() for path, text in texts.items()})


def edited(*edits: tuple[str, str, str], base: dict[str, str] = BASE) -> dict[str, str]:
    texts = dict(base)
    for file, old, new in edits:
        assert texts[file].count(old) >= 1, f"{old!r} is not in {file}"
        texts[file] = texts[file].replace(old, new, 1)
    return texts


def released(text: str, base: dict[str, str] = BASE) -> dict[str, str]:
    return {**base, DEV_FILE: text}


def changes(head: dict[str, str], base: dict[str, str] = BASE) -> CatalogChanges:
    return compare(checked(base), checked(head))


def in_dev(head: dict[str, str], base: dict[str, str] = BASE) -> EnvironmentChanges:
    return next(one for one in changes(head, base).environments if one.environment is Environment.DEV)


def broken(
    head: dict[str, str], base: dict[str, str] = BASE, today: date | None = TODAY
) -> tuple[Problem, ...]:
    return broken_rules(checked(base), checked(head), today)


def rules(head: dict[str, str], base: dict[str, str] = BASE, today: date | None = TODAY) -> list[str]:
    return [problem.rule for problem in broken(head, base, today)]


def place_of(text: str, part: str) -> tuple[int, int]:
    before = text[: text.index(part)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def test_the_two_fixtures_are_free_of_errors() -> None:
    assert checked(BASE).errors == ()


def test_a_catalog_compared_with_itself_differs_in_nothing() -> None:
    found = changes(BASE)
    assert (found.entries, found.variants, found.versions, found.unread) == ((), (), (), ())
    assert all(one.empty for one in found.environments)
    assert broken(BASE) == ()


def test_where_something_is_written_does_not_matter_but_what_each_version_effectively_says() -> None:
    moved_down = edited(
        (READER_FILE, "handler: {name: reader, version: 1.4.0}\n", ""),
        (
            READER_FILE,
            "  en:\n    scripts: [Latn]\n",
            "  en:\n    scripts: [Latn]\n    handler: {name: reader, version: 1.4.0}\n",
        ),
        (
            READER_FILE,
            "  fr:\n    scripts: [Latn]\n",
            "  fr:\n    scripts: [Latn]\n    handler: {name: reader, version: 1.4.0}\n",
        ),
        (READER_FILE, "serving: {response_timeout: 120s}", "serving: {response_timeout: 2m}"),
    )
    assert changes(moved_down).versions == ()
    assert broken(moved_down) == ()


def test_an_inherited_setting_is_a_change_of_every_version_that_inherits_it() -> None:
    found = changes(edited((READER_FILE, "version: 1.4.0", "version: 1.4.1")))
    assert [
        (str(one.selector), one.change, [(s.name, s.old, s.new) for s in one.settings])
        for one in found.versions
    ] == [
        (f"QuestionAnswering/Reader/{version}", Change.CHANGED, [("handler.version", "1.4.0", "1.4.1")])
        for version in ("en@1", "fr@1", "fr@2")
    ]
    assert found.entries == ()


def test_settings_are_named_with_their_units() -> None:
    found = changes(edited((READER_FILE, "440MiB", "1GiB"), (READER_FILE, "120s", "1m")))
    assert [(s.name, s.old, s.new) for s in found.versions[0].settings] == [
        ("memory.weights", "440MiB", "1GiB"),
        ("serving.response_timeout", "2m", "1m"),
    ]


def test_entries_variants_and_versions_come_and_go() -> None:
    german = f"""  de:
    scripts: [Latn]
    versions:
      "1":
        artifact: {{bucket: research, path: models/de/1, digest: "{DIGEST}"}}
"""
    grown = edited((READER_FILE, "  fr:\n", f"{german}  fr:\n"))
    del grown[WRITER_FILE]
    grown[DEV_FILE] = DEV.replace("TextGeneration", "# TextGeneration")
    found = changes(grown)
    assert [(str(one.selector), one.change.value) for one in found.entries] == [
        ("TextGeneration/Writer", "removed")
    ]
    assert [(str(one.selector), one.change.value) for one in found.variants] == [
        ("QuestionAnswering/Reader/de", "added"),
        ("TextGeneration/Writer/mul", "removed"),
    ]
    assert [(str(one.selector), one.change.value) for one in found.versions] == [
        ("QuestionAnswering/Reader/de@1", "added"),
        ("TextGeneration/Writer/mul@1", "removed"),
    ]


def test_an_entry_that_moved_to_another_file_has_not_changed() -> None:
    moved = {("entries/qa/reader.yaml" if path == READER_FILE else path): text for path, text in BASE.items()}
    found = changes(moved)
    assert (found.entries, found.versions, found.unread) == ((), (), ())
    assert broken(moved) == ()


def test_a_release_says_what_users_get() -> None:
    head = released(
        """
        QuestionAnswering/Reader/fr:
          default: "2"
          versions: ["1", "2"]
          rollback: "1"
        TextGeneration/Writer/mul: {default: "1"}
        """
    )
    found = in_dev(head)
    by_variant = {str(one.variant): one for one in found.releases}
    french = by_variant["QuestionAnswering/Reader/fr"]
    assert french.default is not None
    assert (french.default.old, french.default.new) == ("1", "2")
    assert (french.starts, french.stops) == (("2",), ())
    assert [(s.name, s.new) for s in french.settings] == [("rollback", "1")]
    english = by_variant["QuestionAnswering/Reader/en"]
    assert (english.change, english.stops) == (Change.REMOVED, ("1",))
    assert found.languages == ("en", "fr")


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ('{default: "1", canary: {"2": 10%}}', ["canary 2 None 10%"]),
        (
            '{default: "1", pin: {instance_type: g5.xlarge, reason: r, by: sre, until: 2027-01-01}}',
            ["pin None"],
        ),
        ('{default: "1", hold: {reason: r, by: sre, until: 2027-01-01}}', ["hold None"]),
        ('{default: "1", retire: {reason: r, by: sre, after: 2027-01-01}}', ["retire None"]),
        (
            '{default: "1", overrides: [{serving: {max_workers: 3}, reason: r, by: sre, until: 2027-01-01}]}',
            ["overrides None", "1 serving.max_workers"],
        ),
    ],
)
def test_what_is_decided_in_a_release_is_a_change_of_that_environment(
    release: str, expected: list[str]
) -> None:
    found = in_dev(edited((DEV_FILE, 'fr: {default: "1"}', f"fr: {release}")))
    said = [f"canary {s.name} {s.old} {s.new}" for one in found.releases for s in one.canary]
    said += [f"{s.name} {s.old}" for one in found.releases for s in one.settings]
    said += [f"{one.selector.version} {s.name}" for one in found.versions for s in one.settings]
    assert said == expected


def test_what_holds_for_an_entry_is_a_change_where_it_runs_and_nowhere_else() -> None:
    head = edited(
        (READER_FILE, "owner: nlp-platform", "owner: search\nreplicas: 3\nslo: {availability: 99.5%}"),
        (READER_FILE, "language_from: caller", "language_from: caller\npreprocessing: [normalize_unicode]"),
    )
    found = {one.environment: one for one in changes(head).environments}
    assert [s.name for one in found[Environment.DEV].entries for s in one.settings] == [
        "owner",
        "preprocessing",
        "replicas",
        "slo",
    ]
    assert found[Environment.PROD].empty


def test_a_file_that_cannot_be_read_is_neither_gone_nor_judged() -> None:
    for file in (READER_FILE, DEV_FILE):
        wrong = {**BASE, file: "task: [\n"}
        for base, head in ((BASE, wrong), (wrong, BASE)):
            found = changes(head, base)
            assert found.unread == (f"model_catalog/{file}",)
            assert (found.entries, found.versions) == ((), ())
            assert all(one.empty for one in found.environments)
            assert broken(head, base) == ()


HUB = "{repository: a/b, revision: unresolved, digest: unresolved}"


def mirror_of(repository: str, revision: str) -> str:
    source = f"{{repository: {repository}, revision: {revision}}}"
    return f'{{bucket: research, path: hub/a/b, digest: "{DIGEST}", mirrored_from: {source}}}'


ANSWERS = [
    ("another artifact", (READER_FILE, "models/fr/1", "models/fr/3"), "artifact.path"),
    ("another handler", (READER_FILE, "1.4.0", "1.4.1"), "handler.version"),
    (
        "another archive",
        (
            READER_FILE,
            "models/fr/1, digest: unresolved}",
            "models/fr/1, digest: unresolved}\n        archive: a.mar",
        ),
        "archive",
    ),
    ("another precision", (WRITER_FILE, "precision: float16", "precision: float32"), "precision"),
    ("no precision", (WRITER_FILE, "        precision: float16\n", ""), "precision"),
    (
        "a quantization",
        (WRITER_FILE, "precision: float16", "precision: float16\n        quantization: eetq"),
        "quantization",
    ),
    ("another prompt", (WRITER_FILE, "Continue: ", "Go on: "), "prompt_template"),
    ("other sampling", (WRITER_FILE, "temperature: 0.7", "temperature: 0.8"), "sampling.temperature"),
    ("another adapter", (WRITER_FILE, DIGEST, OTHER_DIGEST), "adapters.legal.digest"),
    (
        "a mirror of another repository",
        (WRITER_FILE, HUB, mirror_of("a/c", "c" * 40)),
        "artifact.repository",
    ),
    ("an adapter's name", (WRITER_FILE, "legal:", "law:"), "adapters.legal"),
    (
        "other options",
        (WRITER_FILE, "max_total_tokens: 4096", "max_total_tokens: 5000"),
        "serving.max_total_tokens",
    ),
]


@pytest.mark.parametrize(
    ("edit", "setting"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS]
)
def test_a_released_version_may_not_answer_otherwise(edit: tuple[str, str, str], setting: str) -> None:
    found = broken(edited(edit))
    assert {problem.rule for problem in found} == {"version-immutable"}
    assert all(problem.severity is Severity.ERROR for problem in found)
    assert f"{setting} of " in found[0].message
    assert found[0].fix == "Write it as a new version"


FREE = [
    (
        "how an unresolved artifact's bucket is reached",
        (
            READER_FILE,
            "models/fr/1, digest: unresolved",
            'models/fr/1, digest: unresolved, region: us-east-1, account: "210987654321"',
        ),
    ),
    (
        "a resolved digest",
        (READER_FILE, "models/fr/1, digest: unresolved", f'models/fr/1, digest: "{DIGEST}"'),
    ),
    ("a mirror of the same repository", (WRITER_FILE, HUB, mirror_of("a/b", "c" * 40))),
    (
        "what a copy is of",
        (
            READER_FILE,
            "models/fr/1, digest: unresolved",
            f"models/fr/1, digest: unresolved, mirrored_from: {{repository: a/b, revision: {'c' * 40}}}",
        ),
    ),
    ("a resolved revision", (WRITER_FILE, "revision: unresolved", f"revision: {'c' * 40}")),
    (
        "the same files elsewhere",
        (READER_FILE, "bucket: research, path: models/en/1", "bucket: archive, path: en"),
    ),
    ("notes", (READER_FILE, "precision: float16", "notes: tried\n        precision: float16")),
    ("an evaluation", (READER_FILE, "f1: 80", "f1: 79.5")),
    ("what it is tried with", (READER_FILE, "languages:", "smoke: {body: '{}'}\nlanguages:")),
    ("measured memory", (READER_FILE, "440MiB", "480MiB")),
    ("a corrected license", (WRITER_FILE, "apache-2.0", "mit")),
    ("a tunable option", (WRITER_FILE, "startup_timeout: 10m", "startup_timeout: 20m")),
    ("TorchServe's options", (READER_FILE, "120s", "60s")),
    ("a version that nothing runs", (READER_FILE, "models/fr/2", "models/fr/3")),
    (
        "its archive's own name",
        (
            READER_FILE,
            "models/fr/1, digest: unresolved}",
            "models/fr/1, digest: unresolved}\n        archive: fr_reader_1.mar",
        ),
    ),
]


@pytest.mark.parametrize("edit", [case[1] for case in FREE], ids=[case[0] for case in FREE])
def test_what_changes_no_answer_of_a_released_version_is_free(edit: tuple[str, str, str]) -> None:
    assert broken(edited(edit)) == ()


@pytest.mark.parametrize(("commit", "found"), [("c" * 40, []), ("d" * 40, ["version-immutable"])])
def test_a_mirror_is_of_the_commit_that_was_pinned(commit: str, found: list[str]) -> None:
    pinned = HUB.replace("revision: unresolved", f"revision: {'c' * 40}")
    base = edited((WRITER_FILE, HUB, pinned))
    assert rules(edited((WRITER_FILE, pinned, mirror_of("a/b", commit)), base=base), base) == found


def test_a_known_digest_does_not_become_unresolved_again() -> None:
    assert rules(
        edited((READER_FILE, f'models/en/1, digest: "{DIGEST}"', "models/en/1, digest: unresolved"))
    ) == ["version-immutable"]


def test_the_version_to_go_back_to_may_not_change_either() -> None:
    base = released(DEV.replace('fr: {default: "1"}', 'fr: {default: "1", rollback: "2"}'))
    assert rules(edited((READER_FILE, "precision: float16", "precision: float32"), base=base), base) == [
        "version-immutable"
    ]


def test_a_change_for_all_versions_is_reported_once_and_where_it_was_written() -> None:
    (found,) = broken(edited((READER_FILE, "version: 1.4.0", "version: 1.4.1")))
    assert (found.line, found.column) == place_of(READER, "1.4.0")
    assert found.message == (
        "handler.version of QuestionAnswering/Reader/en@1 and of 1 more version, released in dev, changed from 1.4.0 "
        "to 1.4.1"
    )


def test_a_change_of_one_version_is_reported_at_that_version() -> None:
    base = released(DEV.replace('fr: {default: "1"}', 'fr: {default: "2"}'))
    (found,) = broken(edited((READER_FILE, "precision: float16", "precision: float32"), base=base), base)
    assert found.file == f"model_catalog/{READER_FILE}"
    assert (found.line, found.column) == place_of(READER, "float16")


def test_only_facts_are_no_part_of_a_version() -> None:
    keys = {key for kind in (TgiVersion, TorchServeVersion, VllmVersion) for key in kind.model_fields}
    assert keys - FACTS == {
        "adapters",
        "archive",
        "artifact",
        "handler",
        "precision",
        "prompt_template",
        "quantization",
        "sampling",
        "serving",
    }, "a new key of a version: does it make answers? If not, it belongs to FACTS"


def test_a_released_version_leaves_its_entry_after_it_has_left_every_release() -> None:
    without = edited(
        (
            READER_FILE,
            READER[
                READER.index(
                    '      "1":\n        artifact: {bucket: research, path: models/fr/1'
                ) : READER.index('      "2":')
            ],
            "",
        )
    )
    (found,) = broken(without)
    assert (found.rule, found.severity) == ("version-removed", Severity.ERROR)
    assert found.message == "QuestionAnswering/Reader/fr@1 is gone, and is released in dev"
    assert found.file == f"model_catalog/{READER_FILE}"
    assert found.line == place_of(without[READER_FILE], '"2":')[0]
    assert rules({**without, DEV_FILE: DEV.replace('fr: {default: "1"}', 'fr: {default: "2"}')}) == []


def test_an_entry_that_is_gone_while_released_is_reported_by_its_old_file() -> None:
    without = {path: text for path, text in BASE.items() if path != WRITER_FILE}
    (found,) = broken(without)
    assert (found.rule, found.file, found.line) == ("version-removed", f"model_catalog/{WRITER_FILE}", 1)


HOLD = "hold: {reason: an incident, by: sre, until: 2026-12-01}"
TOLERANT = edited((READER_FILE, "tolerance: 0.5", "tolerance: 1"))
HELD = edited((DEV_FILE, 'fr: {default: "1"}', f'fr: {{default: "1", {HOLD}}}'), base=TOLERANT)


@pytest.mark.parametrize(
    ("release", "held"),
    [
        (f'{{default: "2", {HOLD}}}', ["default"]),
        (f'{{default: "1", canary: {{"2": 5%}}, {HOLD}}}', ["canary"]),
        (f'{{default: "1", versions: ["1", "2"], {HOLD}}}', ["versions"]),
        ('{default: "2"}', ["default"]),
        ('{default: "1"}', []),
        ('{default: "1", versions: ["1"]}', []),
        ('{default: "1", hold: {reason: an incident, by: sre, until: 2027-01-01}}', []),
        (
            f'{{default: "1", pin: {{instance_type: g5.xlarge, reason: r, by: sre, until: 2027-01-01}}, {HOLD}}}',
            [],
        ),
    ],
)
def test_what_is_held_keeps_its_default_canaries_and_versions(release: str, held: list[str]) -> None:
    found = broken(edited((DEV_FILE, 'fr: {default: "1"}', f"fr: {release}"), base=TOLERANT), HELD)
    assert [(one.rule, one.message.split(" of ")[0]) for one in found] == [
        ("hold-kept", what) for what in held
    ]


def test_a_hold_ends_after_its_day() -> None:
    head = edited((DEV_FILE, 'fr: {default: "1"', 'fr: {default: "2"'), base=HELD)
    assert rules(head, HELD, date(2026, 12, 1)) == ["hold-kept"]
    assert rules(head, HELD, date(2026, 12, 2)) == []
    assert rules(head, HELD, None) == ["hold-kept"]


def test_a_hold_says_who_holds_why_and_until_when() -> None:
    base = released(DEV.replace('en: {default: "1"}', f'en: {{default: "1", {HOLD}}}'))
    head = released(DEV.replace('QuestionAnswering/Reader/en: {default: "1"}\n', ""))
    found = {one.rule: one for one in broken(head, base)}
    assert "sre holds it until 2026-12-01: an incident" in found["hold-kept"].message


def test_a_variant_leaves_a_release_after_its_callers_were_told_a_day() -> None:
    gone = released(DEV.replace('QuestionAnswering/Reader/en: {default: "1"}\n', ""))
    (found,) = broken(gone)
    assert (found.rule, found.severity) == ("retire-first", Severity.WARNING)
    retired = released(
        DEV.replace(
            'en: {default: "1"}', 'en: {default: "1", retire: {after: 2026-12-01, reason: r, by: sre}}'
        )
    )
    assert rules(gone, retired, date(2026, 12, 1)) == ["retire-first"]
    assert rules(gone, retired, date(2026, 12, 2)) == []


def test_a_release_file_that_is_gone_is_reported_by_its_name() -> None:
    without = {path: text for path, text in BASE.items() if path != DEV_FILE}
    found = broken(without)
    assert {(one.rule, one.file) for one in found} == {("retire-first", f"model_catalog/{DEV_FILE}")}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        (
            (READER_FILE, "language_from: caller", "language_from: caller\npreprocessing: [strip_markup]"),
            "preprocessing",
        ),
        (
            (
                WRITER_FILE,
                WRITER[WRITER.index("        serving:") :],
                "        serving: {max_model_len: 4096}\n",
            ),
            None,
        ),
    ],
)
def test_steps_before_inference_change_all_versions_at_once_which_is_worth_a_warning(
    edit: tuple[str, str, str], key: str | None
) -> None:
    edits = [edit] if key else [edit, (WRITER_FILE, "engine: tgi", "engine: vllm")]
    (found,) = broken(edited(*edits))
    assert (found.rule, found.severity) == ("entry-wide-change", Severity.WARNING)
    assert found.message.startswith(f"{key or 'engine'} of ")


def test_a_new_default_is_no_worse_than_the_one_it_replaces() -> None:
    head = released(DEV.replace('fr: {default: "1"}', 'fr: {default: "2"}'))
    (found,) = broken(head)
    assert (found.rule, found.severity) == ("default-quality", Severity.ERROR)
    assert (found.line, found.column) == place_of(head[DEV_FILE], '"2"')
    tolerant = edited((READER_FILE, "tolerance: 0.5", "tolerance: 1"), base=head)
    assert broken(tolerant) == ()


def test_a_default_that_the_catalog_s_own_rule_judges_is_not_judged_twice() -> None:
    head = released(DEV.replace('fr: {default: "1"}', 'fr: {default: "2", rollback: "1"}'))
    assert "evaluation-kept" in {problem.rule for problem in checked(head).problems}
    assert broken(head) == ()


def test_a_worse_default_is_not_let_through_by_restating_the_old_one() -> None:
    for release in ('{default: "2"}', '{default: "2", rollback: "1"}'):
        head = released(DEV.replace('fr: {default: "1"}', f"fr: {release}"))
        restated = edited((READER_FILE, "{f1: 80}", "{f1: 60}"), base=head)
        assert "evaluation-kept" not in {problem.rule for problem in checked(restated).problems}
        assert [problem.rule for problem in broken(restated)] == ["default-quality"]


def test_a_version_that_was_promised_by_name_leaves_after_its_day() -> None:
    both = 'fr: {default: "2", versions: ["1", "2"]}'
    alone = released(DEV.replace('fr: {default: "1"}', 'fr: {default: "2"}'))
    promised = released(DEV.replace('fr: {default: "1"}', both))
    assert [problem.rule for problem in broken(alone, base=promised)] == ["retire-first"]
    marked = both.replace("]}", '], retire_versions: {"1": {after: 2026-12-01, reason: r, by: sre}}}')
    retired = released(DEV.replace('fr: {default: "1"}', marked))
    assert rules(alone, retired, date(2026, 12, 1)) == ["retire-first"]
    assert rules(alone, retired, date(2026, 12, 2)) == []
    canary = released(DEV.replace('fr: {default: "1"}', 'fr: {default: "2", canary: {"1": 5%}}'))
    assert broken(alone, base=canary) == ()


def test_answers_of_a_version_that_one_side_lacks_cannot_be_compared() -> None:
    base = checked(BASE).catalog
    entry = base.entry(Selector.parse("TextGeneration/Writer"))
    assert entry is not None
    with pytest.raises(KeyError):
        answer_changes(entry, entry, "mul", "9")


def test_rules_are_sorted_by_id_and_say_what_they_demand() -> None:
    ids = [rule.id for rule in CHANGE_RULES]
    assert ids == sorted(ids)
    assert all(rule.demand.endswith(".") for rule in CHANGE_RULES)


def _many(count: int, version: str) -> dict[str, str]:
    texts: dict[str, Any] = {
        f"entries/question_answering/reader{index}.yaml": READER.replace(
            "model: Reader", f"model: Reader{index}"
        ).replace("1.4.0", version)
        for index in range(count)
    }
    texts[DEV_FILE] = "".join(
        f'QuestionAnswering/Reader{index}/fr: {{default: "1"}}\n' for index in range(count)
    )
    return texts


def test_every_entry_that_changed_is_compared_and_judged_once() -> None:
    base, head = checked(_many(20, "1.4.0")), checked(_many(20, "1.4.1"))
    assert len(compare(base, head).versions) == 60
    assert len(broken_rules(base, head)) == 20
