"""Edits of YAML text: what is not meant to change stays byte for byte."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from model_catalog.editing import EditError, plain, with_value
from model_catalog.editing.rendering import WIDTH

RELEASE = """\
# yaml-language-server: $schema=../schema/release.schema.json
# What dev runs.

A/B/fr:
  default: "2"   # since Monday
  # Kept until the audit ends.
  rollback: '1'
  versions:
    - "1"  # the old one
    - "2"

# About en.
A/B/en: {default: "1"}  # alone
"""


def edited(text: str, change: Callable[[Any], object]) -> str:
    value = plain(text)
    change(value)
    return with_value(text, value)


def test_a_value_changes_in_its_own_quotes_and_its_comment_stays() -> None:
    def change(value: Any) -> None:
        value["A/B/fr"]["default"] = "1"
        value["A/B/fr"]["rollback"] = "2"

    assert edited(RELEASE, change) == RELEASE.replace('default: "2"', 'default: "1"', 1).replace("'1'", "'2'")


def test_a_new_key_stands_behind_the_key_before_it_and_above_the_next_variant_s_comment() -> None:
    def change(value: Any) -> None:
        value["A/B/fr"]["canary"] = {"3": "10%"}

    assert edited(RELEASE, change) == RELEASE.replace('    - "2"\n', '    - "2"\n  canary: {"3": 10%}\n')


def test_a_key_goes_and_the_comments_around_it_stay() -> None:
    text = "A:\n  one: 1  \n  # about two\n  two: 2\n  # about three\n  three: 3\n"
    assert edited(text, lambda value: value["A"].pop("one")) == text.replace("  one: 1  \n", "")
    assert edited(text, lambda value: value["A"].pop("two")) == text.replace("  two: 2\n", "")


def test_a_key_that_goes_takes_the_comments_in_its_lines_and_no_other() -> None:
    result = edited(RELEASE, lambda value: value["A/B/fr"].pop("versions"))
    assert result == RELEASE.replace('  versions:\n    - "1"  # the old one\n    - "2"\n', "")
    result = edited(RELEASE, lambda value: value.pop("A/B/fr"))
    assert result == RELEASE[: RELEASE.index("A/B/fr")] + RELEASE[RELEASE.index("\n# About en") :]


def test_a_comment_within_brackets_stops_the_edit_that_would_take_it() -> None:
    with pytest.raises(EditError, match="comment"):
        edited("a: [x,  # first\n  y]\n", lambda value: value["a"].pop())


def test_items_of_lists_come_and_go_in_either_form() -> None:
    assert edited(RELEASE, lambda value: value["A/B/fr"]["versions"].append("3")) == RELEASE.replace(
        '    - "2"\n', '    - "2"\n    - "3"\n'
    )
    assert edited(RELEASE, lambda value: value["A/B/fr"]["versions"].pop()) == RELEASE.replace(
        '    - "2"\n', ""
    )
    line = 'a: [x, "2", z]  # c\n'
    assert edited(line, lambda value: value["a"].pop(0)) == 'a: ["2", z]  # c\n'
    assert edited(line, lambda value: value["a"].pop()) == 'a: [x, "2"]  # c\n'
    assert edited(line, lambda value: value["a"].insert(1, "1.10")) == 'a: [x, "1.10", "2", z]  # c\n'
    assert edited(line, lambda value: value["a"].reverse()) == 'a: [z, "2", x]  # c\n'


def test_a_line_that_would_become_too_long_is_broken_and_keeps_its_comment() -> None:
    reason = "its training data " + "was withdrawn " * 5

    def change(value: Any) -> None:
        value["A/B/en"]["retire"] = {"after": "2027-01-31", "reason": reason, "by": "nlp-platform"}

    result = edited(RELEASE, change)
    assert result.startswith(RELEASE[: RELEASE.index("A/B/en")])
    assert result[RELEASE.index("A/B/en") :].splitlines()[:2] == ["A/B/en:  # alone", '  default: "1"']
    assert max(map(len, result.splitlines())) <= WIDTH


def test_a_file_that_says_nothing_yet_gets_its_first_key_below_its_comments() -> None:
    for nothing in ("# Empty on purpose.\n", "# Empty on purpose.\n{}\n"):
        assert with_value(nothing, {"A": {"b": "1"}}) == '# Empty on purpose.\nA: {b: "1"}\n'
    assert with_value("", {"A": "b"}) == "A: b\n"
    assert with_value("# no line end", {"A": "b"}) == "# no line end\nA: b\n"


def test_the_last_key_leaves_an_empty_mapping() -> None:
    assert edited('# c\nA: {b: "1"}\n', lambda value: value.pop("A")) == "# c\n{}\n"


def test_carriage_returns_a_byte_order_mark_and_a_missing_last_line_end_are_kept() -> None:
    text = "\ufeff" + RELEASE.replace("\n", "\r\n").rstrip()

    def change(value: Any) -> None:
        value["A/B/fr"]["canary"] = {"3": "10%"}
        value["A/B/zz"] = {"default": "1"}

    result = edited(text, change)
    assert "\n" not in result.replace("\r\n", "")
    assert result.replace('  canary: {"3": 10%}\r\n', "").replace('\r\nA/B/zz: {default: "1"}', "") == text


def test_a_line_with_carriage_return_that_is_broken_keeps_it() -> None:
    result = with_value("A: {b: 1}  # c\r\nB: 2\r\n", {"A": {"b": "1", "c": "x" * 120}, "B": "2"})
    assert result == f"A:  # c\r\n  b: 1\r\n  c: {'x' * 120}\r\nB: 2\r\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A: &x {b: 1}\nB: *x\n", "alias"),
        ("A: 1\n---\nB: 2\n", "not YAML"),
        ("A: [1\n", "not YAML"),
        ("- A: 1\n  B: 2\n", "shares its line"),
    ],
)
def test_what_is_not_edited_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(EditError, match=said):
        with_value(text, [{"B": "2"}])


@pytest.mark.parametrize(
    "text", ["no", "1.10", "1_000", "0x1", "1e3", "~", "", "a: b", "a #b", "*a", "x\ny", "é😀", "0o7"]
)
def test_text_that_yaml_would_make_something_else_of_is_quoted(text: str) -> None:
    result = with_value("a: b\n", {"a": text, text: "b"})
    assert yaml.safe_load(result) == {"a": text, text: "b"}


@pytest.mark.parametrize(
    "text", ["2026-12-31", "10%", "sha256:ab", "$.x", "a/b.c", "100ms", "RemoteModels/fr/x"]
)
def test_text_that_is_plain_text_needs_no_quotes(text: str) -> None:
    assert with_value("a: b\n", {"a": text}) == f"a: {text}\n"


def test_numbers_and_switches_are_written_bare() -> None:
    assert with_value("{}", {"a": 1, "b": True, "c": 0.5, "d": "1"}) == 'a: 1\nb: true\nc: 0.5\nd: "1"'


def test_comments_stand_above_their_new_keys() -> None:
    wanted = {"A": {"owner": "x", "memory": {"weights": "1GiB"}}}
    result = with_value("# top\n", wanted, {("A", "memory"): "not in the imported file: memory"})
    assert (
        result == "# top\nA:\n  owner: x\n  # not in the imported file: memory\n  memory: {weights: 1GiB}\n"
    )


words = st.text(alphabet="abcxyz019._:#'\"-[]{}, %é", max_size=8)
scalars = words | st.sampled_from(["no", "1.0", "2", "10%", "2026-12-31"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words.filter(bool), inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(words.filter(bool), values, max_size=4)


@given(mappings, mappings, st.sampled_from([None, False, True]))
def test_any_mapping_becomes_any_other(before: Any, after: Any, style: bool | None) -> None:
    text = yaml.dump(before, default_flow_style=style, allow_unicode=True, sort_keys=False)
    result = with_value(text, after)
    assert yaml.load(result, Loader=yaml.BaseLoader) == after  # noqa: S506 (makes text alone)


@given(mappings, st.sampled_from([None, False, True]))
def test_the_same_value_is_the_same_text(value: Any, style: bool | None) -> None:
    text = yaml.dump(value, default_flow_style=style, allow_unicode=True, sort_keys=False)
    assert with_value(text, value) == text
    assert with_value(text, plain(text)) == text
