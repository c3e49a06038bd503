"""What promote, rollback and retire do to a release, and to the text of its file."""

import re
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from model_catalog import Release, Retirement, Selector, VariantRelease
from model_catalog.editing import (
    ChangeError,
    as_canary,
    as_default,
    refuse_held,
    retiring,
    rolled_back,
    running_too,
    with_release,
    without_version,
)
from quantities import Percent

RETIREMENT = Retirement(after=date(2027, 1, 31), reason="its data was withdrawn", by="nlp-platform")


def release(**fields: Any) -> VariantRelease:
    return VariantRelease.model_validate(fields)


def test_a_new_default_keeps_the_old_one_running_and_goes_back_to_it() -> None:
    assert as_default(release(default="1"), "2") == release(default="2", versions=("1", "2"), rollback="1")
    assert as_default(None, "2") == release(default="2")


def test_a_canary_that_becomes_the_default_is_a_canary_no_more_and_others_stay() -> None:
    before = release(default="1", canary={"2": "10%", "3": "5%"}, rollback="0", versions=("0", "1"))
    after = as_default(before, "2")
    assert after == release(default="2", versions=("0", "1", "2"), canary={"3": "5%"}, rollback="1")


def test_promoting_twice_is_promoting_once() -> None:
    once = as_default(release(default="1"), "2")
    assert as_default(once, "2") == once
    canary = as_canary(release(default="1"), "2", Percent("10"))
    assert canary == release(default="1", canary={"2": "10%"})
    assert as_canary(canary, "2", Percent("10")) == canary


def test_a_canary_needs_a_default_beside_it() -> None:
    with pytest.raises(ChangeError, match="no default"):
        as_canary(None, "2", Percent("10"))
    with pytest.raises(ChangeError, match="the default already"):
        as_canary(release(default="2"), "2", Percent("10"))


def test_what_is_to_be_retired_is_not_promoted() -> None:
    before = retiring(release(default="1", versions=("1", "2")), "2", RETIREMENT)
    said = re.escape("2027-01-31 (its data was withdrawn), by nlp-platform")
    with pytest.raises(ChangeError, match=said):
        as_default(before, "2")
    with pytest.raises(ChangeError, match=said):
        as_canary(before, "2", Percent("1"))


def test_a_hold_stands_until_its_day_has_passed() -> None:
    hold = {"reason": "audit", "by": "sre", "until": "2027-01-31"}
    held = release(default="1", hold=hold)
    with pytest.raises(ChangeError, match="sre holds it as it is until 2027-01-31: audit"):
        refuse_held(held, date(2027, 1, 31))
    refuse_held(held, date(2027, 2, 1))
    refuse_held(release(default="1"), date(2027, 1, 31))
    refuse_held(None, date(2027, 1, 31))


def test_rolling_back_keeps_the_version_that_is_left_running_and_forgets_the_way_forward() -> None:
    before = release(default="2", versions=("1", "2"), rollback="1", canary={"3": "5%"})
    assert rolled_back(before) == release(default="1", versions=("1", "2"), canary={"3": "5%"})
    with pytest.raises(ChangeError, match="no rollback target"):
        rolled_back(rolled_back(before))


def test_rolling_back_names_the_candidates_where_no_target_is_written() -> None:
    with pytest.raises(ChangeError, match="--to: 1, 3"):
        rolled_back(release(default="2", versions=("1", "2"), canary={"3": "5%"}))
    with pytest.raises(ChangeError, match="Nothing else runs"):
        rolled_back(release(default="2"))


def test_rolling_back_to_a_canary_makes_it_no_canary() -> None:
    before = release(default="2", canary={"1": "5%"})
    assert rolled_back(before, "1") == release(default="1", versions=("2", "1"))
    assert rolled_back(before, "2") == before


def test_a_version_runs_beside_the_others() -> None:
    assert running_too(release(default="1"), "2") == release(default="1", versions=("1", "2"))
    assert running_too(None, "2") == release(default="2")
    assert running_too(release(default="1", canary={"2": "5%"}), "2").versions == ()


def test_the_default_and_the_rollback_target_are_not_taken_out_unless_stated() -> None:
    before = release(default="2", versions=("1", "2"), rollback="1")
    with pytest.raises(ChangeError, match=r"answers nobody. Promote another one first \(1\)"):
        without_version(before, "2")
    with pytest.raises(ChangeError, match="--even-rollback-target"):
        without_version(before, "1")
    assert without_version(before, "1", even_as_rollback_target=True) == release(default="2")


def test_a_version_that_goes_leaves_canaries_overrides_and_marks() -> None:
    decided = {"serving": {"min_workers": 2}, "reason": "more load", "by": "sre", "until": "2027-01-31"}
    before = release(
        default="1",
        versions=("1", "2", "3"),
        canary={"2": "5%"},
        overrides=({**decided, "versions": ["2"]}, {**decided, "versions": ["2", "3"]}, decided),
        retire_versions={"2": RETIREMENT},
    )
    after = without_version(before, "2")
    assert after.running == ("1", "3")
    assert (after.canary, after.retire_versions) == ({}, {})
    # One that named this version alone would mean all of them without it.
    assert [override.versions for override in after.overrides] == [("3",), ()]
    assert without_version(after, "2") == after


def test_only_what_runs_is_retired() -> None:
    with pytest.raises(ChangeError, match="It runs: 1"):
        retiring(release(default="1"), "2", RETIREMENT)
    assert retiring(release(default="1"), None, RETIREMENT).retire == RETIREMENT


def test_a_variant_that_is_new_stands_among_the_others_in_order() -> None:
    text = '# c\nA/B/en: {default: "1"}\n# about it\nA/B/it: {default: "1"}\n'
    result = with_release(text, Selector.parse("A/B/fr"), release(default="2"))
    assert result == text.replace("# about it", 'A/B/fr: {default: "2"}\n# about it')


def test_a_decision_of_a_person_stays_as_it_was_written() -> None:
    hold = '{until: "2030-01-01", by: sre, reason: audit}'
    text = f'A/B/en:\n  default: "1"\n  hold: {hold}  # until then\n'
    result = with_release(text, Selector.parse("A/B/en"), as_default(plain_release(text)["A/B/en"], "2"))
    assert result == (
        f'A/B/en:\n  default: "2"\n  versions: ["1", "2"]\n  rollback: "1"\n  hold: {hold}  # until then\n'
    )


def plain_release(text: str) -> dict[str, VariantRelease]:
    value = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 (makes text alone)
    return {str(variant): part for variant, part in Release.model_validate(value or {}).root.items()}


versions = st.sampled_from(["1", "1.0", "1.10", "2", "20230207180600", "no"])
comments = st.sampled_from(["", "  # why", "  # a: {b}"])
lines_between = st.lists(st.sampled_from(["", "# about it", "#", "# A/B/xx: {default: 1}"]), max_size=3)


@st.composite
def variant_lines(draw: st.DrawFn, name: str) -> list[str]:
    default, others = draw(versions), draw(st.lists(versions, unique=True, max_size=2))
    quote = draw(st.sampled_from(["'", '"']))

    def q(version: str) -> str:
        return f"{quote}{version}{quote}"

    running = ", ".join(map(q, dict.fromkeys([default, *others])))
    comment = draw(comments)
    if draw(st.booleans()):
        return [f"{name}: {{default: {q(default)}, versions: [{running}]}}{comment}"]
    indent = draw(st.sampled_from(["  ", "    "]))
    block = [f"{name}:{comment}", f"{indent}# own", f"{indent}default: {q(default)}{draw(comments)}"]
    if draw(st.booleans()):
        block.append(f"{indent}versions: [{running}]{draw(comments)}")
    elif others:
        block.append(f"{indent}versions:")
        block.extend(f"{indent}- {q(version)}" for version in dict.fromkeys([default, *others]))
    if draw(st.booleans()):
        block.append(f"{indent}canary: {{x: 5%, y: 1%}}{draw(comments)}")
    return [
        *block,
        *draw(st.sampled_from([[], [f"{indent}hold: {{reason: r, by: sre, until: 2030-01-01}}"]])),
    ]


@st.composite
def release_files(draw: st.DrawFn) -> tuple[list[str], list[str], list[str], str]:
    """Lines before a variant, its own, those after it, and the end of a line."""
    names = draw(st.lists(st.sampled_from(["fr", "en", "no", "zh-Hant", "de"]), unique=True, min_size=1))
    chosen = draw(st.sampled_from(names))
    parts: dict[str, list[str]] = {name: draw(variant_lines(f"A/B/{name}")) for name in names}
    between = {name: draw(lines_between) for name in names}
    position = names.index(chosen)
    before = [line for name in names[:position] for line in (*between[name], *parts[name])]
    after = [line for name in names[position + 1 :] for line in (*between[name], *parts[name])]
    return [*before, *between[chosen]], parts[chosen], after, draw(st.sampled_from(["\n", "\r\n"]))


changes = st.sampled_from(
    [
        lambda released: as_default(released, "9"),
        lambda released: as_canary(released, "9", Percent("10")),
        lambda released: running_too(released, "9"),
        lambda released: retiring(released, None, RETIREMENT),
        lambda released: retiring(released, released.default, RETIREMENT),
        lambda released: rolled_back(released, "9"),
        lambda released: rolled_back(as_default(released, "9")),
        lambda _: None,
    ]
)


@given(release_files(), changes)
def test_lines_outside_the_variant_stay_and_the_file_says_what_was_meant(file: Any, change: Any) -> None:
    before, own, after, line_end = file
    text = line_end.join([*before, *own, *after]) + line_end
    selector = Selector.parse(own[0].partition(":")[0])
    meant = plain_release(text)
    wanted = change(meant[str(selector)])
    meant.update({str(selector): wanted} if wanted else {})
    if wanted is None:
        del meant[str(selector)]

    result = with_release(text, selector, wanted)

    assert plain_release(result) == meant
    lines = result.split(line_end)
    assert lines[: len(before)] == before
    assert lines[len(lines) - len(after) - 1 :] == [*after, ""]
