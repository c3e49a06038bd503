"""Every figure that was measured stands below the command that printed it, and that command still prints."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
PAGES: Final = ("agent.md", "handlers.md")


def measured(page: str) -> str:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (section,) = re.findall(r"\n## What was measured\n(.*?)(?=\n## |\Z)", text, re.DOTALL)
    return str(section)


def blocks(page: str) -> list[str]:
    """Paragraphs and tables."""
    return [block for block in measured(page).split("\n\n") if block.strip()]


def commands(text: str) -> list[str]:
    return re.findall(r"`pytest (tests/\S+?\.py)[^`]*`", text)


@pytest.mark.parametrize("page", PAGES)
def test_each_table_of_figures_follows_the_command_that_printed_it(page: str) -> None:
    found = blocks(page)
    tables = [number for number, block in enumerate(found) if block.lstrip().startswith("|")]
    assert tables
    assert [found[number] for number in tables if not commands(found[number - 1])] == []


@pytest.mark.parametrize("page", PAGES)
def test_each_paragraph_with_figures_names_its_command_or_continues_the_one_that_does(page: str) -> None:
    unnamed = [
        block
        for block in blocks(page)
        if re.search(r"\d+ of [\d,]+ requests|\d ms\b", block)
        and not block.lstrip().startswith("|")
        and not commands(block)
    ]
    assert unnamed == []


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_print_and_select_tests_that_are_there(page: str) -> None:
    for command in re.findall(r"`pytest ([^`]+)`", measured(page)):
        file, _, selected = command.partition(" -k ")
        source = (ROOT / file).read_text(encoding="utf-8")
        assert "print(" in source, command
        assert re.search(rf"def test_\w*{selected or ''}\w*\(", source), command


def test_the_agent_s_promises_name_tests_that_are_there() -> None:
    page = (ROOT / "docs/agent.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/e2e/\w+\.py)`", page))
    assert {"tests/e2e/test_promises.py", "tests/e2e/test_kills.py"} <= named
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []
    assert "tests/e2e/test_promises.py" in (ROOT / "Makefile").read_text(encoding="utf-8")
