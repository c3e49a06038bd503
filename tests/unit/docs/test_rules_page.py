"""docs/rules.md says of every rule what the code does: its demand, and examples that are wrong and right."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from engines import ImageReference
from model_catalog import RULES, Entry, Problem, Rule, check_catalog
from model_catalog.rules import releases
from tests.unit.model_catalog.overlay import BASE, TODAY, overlaid

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = (ROOT / "docs" / "rules.md").read_text()
READERS: Final = ("loader.py", "release.py", "validation.py", "yaml_*.py")
"""The modules that report, by an id in quotes, what is wrong before any rule looks."""
OF_RULES, READING = (re.findall(r"^### (\S+)$", part, re.MULTILINE) for part in PAGE.split("\n## ")[1:])


@dataclass(frozen=True, kw_only=True)
class Section:
    """One rule's part of the page."""

    id: str
    demand: str
    text: str
    wrong: tuple[str, ...]
    right: tuple[str, ...]

    def __str__(self) -> str:
        return self.id


def sections() -> list[Section]:
    found = []
    for part in re.split(r"^### ", PAGE.partition("\n### ")[2], flags=re.MULTILINE):
        name, _, text = part.partition("\n")
        text, _, right = re.split(r"^## ", text, flags=re.MULTILINE)[0].partition("\nRight:\n")
        text, _, wrong = text.partition("\nWrong:\n")
        demand, _, text = text.strip().removeprefix("> ").partition("\n\n")
        found.append(
            Section(
                id=name,
                demand=demand.replace("\n> ", " "),
                text=text,
                wrong=examples(wrong),
                right=examples(right),
            )
        )
    return found


def examples(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


SECTIONS: Final = sections()
WITH_EXAMPLES: Final = [section for section in SECTIONS if section.wrong]


def merged(broader: Any, nearer: Any) -> Any:
    if isinstance(broader, Mapping) and isinstance(nearer, Mapping):
        added = {key: merged(broader.get(key), value) for key, value in nearer.items()}
        return {**broader, **added}
    return nearer


def write(blocks: tuple[str, ...], root: Path) -> None:
    """Lay the blocks over the catalog."""
    for block in blocks:
        first, _, _ = block.partition("\n")
        name, part = re.fullmatch(r"# (\S+\.ya?ml)(, in part)?", first).groups()  # type: ignore[union-attr]
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if part:
            # Text alone, as the catalog's own reader takes it.
            known, added = (yaml.load(text, yaml.BaseLoader) for text in (path.read_text(), block))  # noqa: S506
            block = yaml.safe_dump(merged(known or {}, added), sort_keys=False)
        path.write_text(block)


def report(blocks: tuple[str, ...], folder: Path) -> tuple[Problem, ...]:
    root = overlaid(BASE, folder)
    write(blocks, root)
    return check_catalog(root, today=TODAY).problems


@pytest.fixture(autouse=True)
def every_image_s_digest_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing could run in prod before somebody has observed them, and no example of prod were right."""

    def images_of(_entry: Entry) -> tuple[ImageReference, ...]:
        return ()

    monkeypatch.setattr(releases, "images_of", images_of)


def test_the_page_has_a_section_for_each_rule_and_no_other() -> None:
    assert [rule.id for rule in RULES] == OF_RULES


def test_the_page_has_a_section_for_all_that_reading_reports() -> None:
    code = "".join(
        path.read_text() for name in READERS for path in sorted((ROOT / "model_catalog").glob(name))
    )
    reported = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', code))
    assert {"duplicate-key", "invalid-value", "one-default"} <= reported
    assert sorted(reported - set(READING)) == []
    assert sorted(READING) == READING


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_section_says_what_the_rule_demands_and_how_grave_it_is(rule: Rule) -> None:
    (section,) = (section for section in SECTIONS if section.id == rule.id)
    assert section.demand == rule.demand
    grave = "**Warning**; an entry may accept it. " if rule.acceptable else "**Error.** "
    assert section.text.startswith(grave)
    assert len(section.text) > len(grave) + 80, "a section says why"


@pytest.mark.parametrize("section", WITH_EXAMPLES, ids=str)
def test_what_is_wrong_is_reported_by_its_rule_alone(section: Section, tmp_path: Path) -> None:
    assert {problem.rule for problem in report(section.wrong, tmp_path)} == {section.id}


@pytest.mark.parametrize("section", WITH_EXAMPLES, ids=str)
def test_what_is_right_is_reported_by_none(section: Section, tmp_path: Path) -> None:
    assert [str(problem) for problem in report(section.right, tmp_path)] == []


def test_every_rule_has_examples_of_both_kinds() -> None:
    without = {section.id for section in SECTIONS if not (section.wrong and section.right)}
    assert without <= {"catalog-exists", "file-readable", "yaml-size"}


def test_links_within_the_page_and_to_other_files_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if target.startswith("#"):
            assert target.removeprefix("#") in {section.id for section in SECTIONS}
        else:
            assert (ROOT / "docs" / target.partition("#")[0]).is_file()
