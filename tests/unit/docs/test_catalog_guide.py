"""docs/catalog.md: every block of YAML is a right catalog, every command runs, and the reference is of today.

A YAML block whose first comment names a file is that file. One that says "in part" is laid over it, as the fixture
catalog and the blocks before it in its section left it: mappings are joined, all else is replaced.
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
import yaml
from typer.testing import CliRunner

from cli.main import app
from model_catalog import check_catalog
from model_catalog.version import VersionBase
from scripts.catalog_reference import PAGE, fresh

ROOT: Final = Path(__file__).parents[3]
BASE: Final = ROOT / "tests/unit/model_catalog/base"
TODAY: Final = date(2026, 11, 22)
CASES: Final = ROOT / "tests/unit/model_catalog/imports/cases"
IMPORTED: Final = {
    "remote_models.json": CASES / "remote_models.json",
    "torchserve_config.json": CASES / "torchserve_config_two_versions.json",
}
"""Files that the guide's commands read → where the tests keep one."""
EDITING: Final = frozenset({"import", "promote", "retire", "rollback"})
"""Commands that ask before they write."""
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
        named = re.match(r"# ((?:entries|releases)/\S+\.yaml)(?:, in part)?\n", self.text)
        return named[1] if named else None

    @property
    def partial(self) -> bool:
        return self.text.partition("\n")[0].endswith(", in part")

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
    for path in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(path, tmp_path)
    for name, path in IMPORTED.items():
        shutil.copy(path, tmp_path / name)
    return tmp_path


def overlay(catalog: Path, block: Block) -> None:
    assert block.file is not None
    path = catalog / block.file
    assert block.partial == path.exists(), f"{PAGE.name}:{block.line}"
    if not block.partial:
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
        if name.startswith("cli."):
            for constant, value in (("CLONE", clone), ("CATALOG", clone / "model_catalog")):
                if hasattr(module, constant):
                    monkeypatch.setattr(module, constant, value)
            if hasattr(module, "today"):
                monkeypatch.setattr(module, "today", lambda: TODAY)
    monkeypatch.chdir(clone)
    assert command[0] == "slipway", command
    answer = ["--yes"] if command[1] in EDITING else []
    result = CliRunner().invoke(app, [*command[1:], *answer])
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
            # What an import brings may warn: nobody has accepted it yet.
            assert check_catalog(catalog, today=TODAY).errors == (), f"{PAGE.name}:{block.line}"


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
        if block.file:
            overlay(catalog, block)
    checked = check_catalog(catalog)
    entry = next(entry for entry in checked.catalog.entries if entry.model == "Tagger")
    version = entry.version("ru", "1").model_dump(mode="json")
    page = PAGE.read_text(encoding="utf-8")
    table = re.findall(r"^\| `([a-z_.]+)` \| `([^`]+)` \| the (\w+) \|$", page, re.MULTILINE)
    assert len(table) == 4
    for key, value, origin in table:
        found: Any = version
        for part in key.split("."):
            found = found[part]
        assert str(found) == value, key
        location = ("languages", "ru", "versions", "1", *key.split("."))
        assert checked.entries[entry.selector].origin(location) == origin, key


def test_the_guide_names_the_keys_that_are_not_inherited() -> None:
    (words,) = re.findall(r"([^.]+) belong to a version\s+alone", PAGE.read_text(encoding="utf-8"))
    assert set(re.findall(r"`(\w+)`", words)) == VersionBase.OWN


def test_the_reference_is_of_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == fresh(page), "run: python -m scripts.catalog_reference"


def test_every_link_within_the_page_has_its_heading() -> None:
    page = PAGE.read_text(encoding="utf-8")
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in page.splitlines() if line[:1] == "#"}
    assert set(re.findall(r"\(#([a-z0-9-]+)\)", page)) <= headings
