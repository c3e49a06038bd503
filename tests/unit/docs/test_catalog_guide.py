"""docs/catalog.md: every block of YAML is a right catalog, every command runs, and the reference is of today.

A YAML block whose first comment names a file is laid over the fixture catalog and over the blocks before it in its
section: keys are joined, what is no mapping is replaced. A block for a file that is not there yet is that file.
"""

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml
from typer.testing import CliRunner

from cli.main import app
from model_catalog import check_catalog
from scripts.catalog_reference import PAGE, fresh

ROOT: Final = Path(__file__).parents[3]
BASE: Final = ROOT / "tests/unit/model_catalog/base"
TODAY: Final = date(2026, 11, 22)
IMPORTED: Final = {
    "torchserve_config.json": ROOT / "tests/unit/engines/cases/torchserve_config_two_versions.json"
}
"""Files that the guide's commands read → where the tests keep one."""
WAITING: Final = frozenset({"import", "promote", "rollback", "schema"})
"""Commands that the guide shows and that are not there yet. A test says when one is, and so has to leave this set."""
LONGEST_LANGUAGE: Final = 12
"""Lines of YAML that add a language, at most. It is what the catalog is for."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """What stands between two fences."""

    kind: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file of the catalog that its first line names."""
        named = re.match(r"# ((entries|releases)/\S+\.yaml)\n", self.text)
        return named[1] if named else None

    @property
    def commands(self) -> list[list[str]]:
        return [shlex.split(line, comments=True) for line in self.text.splitlines() if line.strip()]


@dataclass(frozen=True, kw_only=True)
class Section:
    """What follows a heading, up to the next one."""

    title: str
    blocks: list[Block] = field(default_factory=list)


def sections() -> Iterator[Section]:
    section, fence, begun, lines = Section(title=""), "", 0, list[str]()
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), start=1):
        if fence and line == "```":
            section.blocks.append(Block(kind=fence, text="\n".join(lines) + "\n", line=begun))
            fence = ""
        elif fence:
            lines.append(line)
        elif line.startswith("```"):
            fence, begun, lines = line[3:], number, []
        elif line.startswith("#"):
            yield section
            section = Section(title=line.lstrip("# "))
    yield section


SECTIONS: Final = [section for section in sections() if section.blocks]
BY_TITLE: Final = {section.title: section for section in SECTIONS}


@pytest.fixture(name="clone")
def _clone(tmp_path: Path) -> Path:
    """What commands need of a checkout, with the fixture catalog."""
    shutil.copytree(BASE, tmp_path / "model_catalog")
    for path in (*ROOT.glob("Pulumi*.yaml"), *IMPORTED.values()):
        shutil.copy(path, tmp_path)
    for name, path in IMPORTED.items():
        shutil.copy(path, tmp_path / name)
    return tmp_path


def overlay(catalog: Path, block: Block) -> None:
    assert block.file is not None
    path = catalog / block.file
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        return
    # Scalars stay text, as the catalog reads them.
    texts = (path.read_text(encoding="utf-8"), block.text)
    before, added = (yaml.load(text, yaml.BaseLoader) for text in texts)  # noqa: S506 (makes text alone)
    path.write_text(yaml.safe_dump(joined(before, added), sort_keys=False), encoding="utf-8")


def joined(before: Any, added: Any) -> Any:
    if not isinstance(before, dict) or not isinstance(added, dict):
        return added
    return before | {key: joined(before.get(key), value) for key, value in added.items()}


def problems(catalog: Path) -> list[str]:
    return [str(problem) for problem in check_catalog(catalog, today=TODAY).problems]


def run(clone: Path, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in sys.modules.items():
        if name.startswith("cli.") and hasattr(module, "CLONE"):
            monkeypatch.setattr(module, "CLONE", clone)
    monkeypatch.chdir(clone)
    assert command[0] == "slipway", command
    if command[1] in WAITING:
        return
    result = CliRunner().invoke(app, command[1:])
    assert result.exit_code == 0, f"{shlex.join(command)}\n{result.output}{result.exception!r}"


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_every_block_of_the_guide_is_right_and_every_command_runs(
    section: Section, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = clone / "model_catalog"
    expected: list[str] = []
    for index, block in enumerate(section.blocks):
        if block.kind == "yaml" and block.file:
            overlay(catalog, block)
            following = section.blocks[index + 1 : index + 2]
            expected = following[0].text.splitlines() if following and following[0].kind == "text" else []
            assert problems(catalog) == expected, f"{PAGE.name}:{block.line}"
        elif block.kind == "sh":
            for command in block.commands:
                run(clone, command, monkeypatch)
            assert problems(catalog) == [], f"{PAGE.name}:{block.line}"


def test_every_block_of_yaml_says_which_file_it_is() -> None:
    modeline = "# yaml-language-server: $schema=../../schema/entry.schema.json\n"
    blocks = [block for section in SECTIONS for block in section.blocks if block.kind == "yaml"]
    assert [block.text for block in blocks if block.file is None] == [modeline]


def test_the_guide_has_no_block_that_nothing_checks() -> None:
    kinds = {block.kind for section in SECTIONS for block in section.blocks}
    assert kinds == {"sh", "text", "yaml"}


def test_a_language_is_at_most_twelve_lines() -> None:
    blocks = [block for block in BY_TITLE["Add a language"].blocks if block.kind == "yaml"]
    lines = [line for block in blocks for line in block.text.splitlines() if not line.startswith("#")]
    assert {block.file for block in blocks} == {"entries/question_answering/reader.yaml", "releases/dev.yaml"}
    assert len(lines) <= LONGEST_LANGUAGE


def test_a_version_inherits_as_the_guide_s_table_says(clone: Path) -> None:
    catalog = clone / "model_catalog"
    for block in BY_TITLE["Inheritance"].blocks:
        overlay(catalog, block)
    entry = next(e for e in check_catalog(catalog).catalog.entries if e.model == "Tagger")
    version = entry.version("ru", "1").model_dump(mode="json")
    table = dict(re.findall(r"^\| `([a-z_.]+)` \| `([^`]+)` \| the \w+ \|$", PAGE.read_text("utf-8"), re.M))
    assert len(table) == 4
    for key, value in table.items():
        found: Any = version
        for part in key.split("."):
            found = found[part]
        assert str(found) == value, key


def test_every_command_of_the_guide_exists() -> None:
    commands = [c for s in SECTIONS for b in s.blocks if b.kind == "sh" for c in b.commands]
    group = typer.main.get_command(app)
    known = (
        set(group.list_commands(typer.Context(group))) if isinstance(group, typer.core.TyperGroup) else set()
    )
    assert {command[1] for command in commands} - known == WAITING


def test_the_reference_is_of_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == fresh(page), "run: python -m scripts.catalog_reference"


def test_every_link_within_the_page_has_its_heading() -> None:
    page = PAGE.read_text(encoding="utf-8")
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in page.splitlines() if line[:1] == "#"}
    assert set(re.findall(r"\(#([a-z0-9-]+)\)", page)) <= headings
