"""The lint of docstrings and words."""

from pathlib import Path

import pytest

from scripts.prose import OPENINGS, WORDS, check, findings


def found(text: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.sentence) for finding in findings(text, python=True)]


@pytest.mark.parametrize("opening", sorted(OPENINGS))
def test_a_docstring_may_not_begin_with_a_question_word_or_a_preposition(opening: str) -> None:
    (finding,) = findings(f'"""{opening} the server holds. More."""\n', python=True)
    assert (finding.line, finding.sentence) == (1, f"'{opening} the server holds.'")
    assert finding.fix == OPENINGS[opening]


@pytest.mark.parametrize(
    "code",
    [
        'class A:\n    """Whether."""\n',
        'class A:\n    size: int\n    """Whether."""\n',
        'def f() -> None:\n    """Whether."""\n',
        'def f() -> None:\n    """\n    Whether.\n    """\n',
        'SIZE = 1\n"""``Whether``."""\n',
    ],
    ids=["class", "attribute", "function", "below its quotes", "in quotation marks"],
)
def test_each_sort_of_docstring_is_read(code: str) -> None:
    assert len(found(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        '"""The pool that the pods run in. Where it is full, they wait."""\n',
        '"""Whatsoever."""\n',
        "# What a comment begins with is free.\n",
        'TEXT = "What a text begins with is free."\n',
    ],
)
def test_other_openings_pass(code: str) -> None:
    assert not found(code)


@pytest.mark.parametrize(
    ("code", "line", "sentence"),
    [
        ('"""The server.\n\nThe agent was told\nof it."""\n', 1, "'The agent was told of it.'"),
        ("# One line\nsize = 1  # lest it grows\n", 2, "'lest it grows'"),
        ('def f() -> None:\n    raise ValueError("the server is homeless")\n', 2, "'the server is homeless'"),
        ('def f(x: int) -> str:\n    return f"{x} servers besides"\n', 2, "'servers besides'"),
        ('"""Mend it."""\n', 1, "'Mend it.'"),
    ],
    ids=["docstring", "comment", "error", "formatted", "capital"],
)
def test_a_discouraged_word_is_found_wherever_a_person_reads_it(code: str, line: int, sentence: str) -> None:
    assert found(code) == [(line, sentence)]


@pytest.mark.parametrize(
    "sentence", ["scripts Mani Mend Mong", "the field `told` is set", "it is foretold", "``life`` is a name"]
)
def test_names_and_parts_of_words_are_no_words(sentence: str) -> None:
    assert not found(f'TEXT = "{sentence}"\n')


@pytest.mark.parametrize(
    "text", ["## How to mend it\n", "size: 1 # told by the agent\n", "\tmake ## Mend it\n"]
)
def test_headings_and_comments_of_other_files_are_read(text: str) -> None:
    assert len(findings(text, python=False)) == 1


def test_the_text_of_other_files_is_not_read() -> None:
    assert not findings("Nobody was told.\nurl: a#told me\n", python=False)


@pytest.mark.parametrize("word", sorted(WORDS))
def test_the_fix_of_a_word_is_not_discouraged_itself(word: str) -> None:
    assert not findings(f"# {WORDS[word]}\n", python=True)


def test_a_fault_names_file_line_sentence_and_fix(tmp_path: Path) -> None:
    (tmp_path / "engines/tgi").mkdir(parents=True)
    (tmp_path / "engines/tgi/facts.py").write_text(
        '"""The facts."""\n\nPORT = 1\n"""Whether it listens."""\n'
    )
    (tmp_path / "engines/tgi/facts.csv").write_text("# told\n")
    assert list(check(tmp_path, ["engines"])) == [
        "engines/tgi/facts.py:4: 'Whether it listens.': write \"True if …\""
    ]


def test_a_held_name_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    (fault,) = check(tmp_path, ["engines"])
    assert "engines: there is nothing to check" in fault
