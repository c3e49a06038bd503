"""Reading one YAML file: plain text values, exact places, and a problem with a fix for whatever is wrong."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from model_catalog import yaml_reader
from model_catalog.yaml_reader import MAX_DEPTH, MAX_REFUSALS, MAX_VALUES
from model_catalog.yaml_source import parse_source, read_source
from model_catalog.yaml_text import MAX_BYTES

CATALOG_FILES = sorted(Path(yaml_reader.__file__).parent.glob("[er]*/**/*.yaml"))
LIBYAML = pytest.param(
    "CSafeLoader", marks=pytest.mark.skipif(not yaml.__with_libyaml__, reason="no libyaml")
)


@pytest.fixture(params=[LIBYAML, "SafeLoader"])
def _either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "_LOADER", getattr(yaml, request.param))


def problems(content: str | bytes) -> list[str]:
    return [str(problem) for problem in parse_source(content, "x.yaml").problems]


def place(content: str, *location: str | int, key: bool = False) -> tuple[int, int]:
    found = parse_source(content, "x.yaml").place(location, key=key)
    return found.line, found.column


VALUES = {
    "country code no": ("fr: no", {"fr": "no"}),
    "version 1.10": ("v: 1.10", {"v": "1.10"}),
    "number with underscores": ("n: 1_000", {"n": "1_000"}),
    "date": ("d: 2027-06-30", {"d": "2027-06-30"}),
    "nothing": ("a:\nb: ~\nc: null", {"a": None, "b": None, "c": None}),
    "quoted nothing": ("a: ''\nb: '~'\nc: \"null\"", {"a": "", "b": "~", "c": "null"}),
    "null as a key": ("null: a", {"null": "a"}),
    "lists in lists": ("- [a, [b]]\n- {c: d}", [["a", ["b"]], {"c": "d"}]),
    "long text": ("a: |\n  b\n  c\n", {"a": "b\nc\n"}),
    "aliases": ("a: &x {b: c}\nd: [*x, *x]", {"a": {"b": "c"}, "d": [{"b": "c"}] * 2}),
    "alias as a key": ("a: &x b\n*x : c", {"a": "b", "b": "c"}),
    "quoted <<": ("'<<': a", {"<<": "a"}),
    "explicit start and end": ("---\na: b\n...\n", {"a": "b"}),
    "CRLF": ("a: b\r\nc:\r\n  - d\r\n", {"a": "b", "c": ["d"]}),
    "byte order mark": ("\ufeffa: b", {"a": "b"}),
    "empty file": ("", None),
    "comments alone": ("# nothing\n\n# here\n", None),
    "huge number": (f"a: {'9' * 100_000}", {"a": "9" * 100_000}),
    "as deep as allowed": ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
}


@pytest.mark.usefixtures("_either_parser")
@pytest.mark.parametrize(("content", "value"), VALUES.values(), ids=VALUES)
def test_values_stay_text(content: str, value: object) -> None:
    source = parse_source(content, "x.yaml")
    assert source.problems == ()
    assert value is None or source.value == value


@pytest.mark.usefixtures("_either_parser")
@pytest.mark.parametrize("path", CATALOG_FILES, ids=lambda path: path.name)
def test_the_repository_s_files_say_what_yaml_says(path: Path) -> None:
    source = read_source(path, path.name)
    assert source.problems == ()
    assert source.value == yaml.load(path.read_bytes(), Loader=yaml.BaseLoader)  # noqa: S506 - it builds text alone


PLACED = "a: b\ncé:\r\n  - d\n  - 😀: [e, f]\ng:\nh: &x {i: j}\nk: *x\n"


@pytest.mark.usefixtures("_either_parser")
@pytest.mark.parametrize(
    ("location", "key", "expected"),
    [
        ((), False, (1, 1)),
        (("a",), False, (1, 4)),
        (("a",), True, (1, 1)),
        (("cé",), True, (2, 1)),
        (("cé",), False, (3, 3)),
        (("cé", 1), False, (4, 5)),
        (("cé", 1, "😀"), True, (4, 5)),
        (("cé", 1, "😀", 1), False, (4, 12)),
        (("g",), False, (5, 3)),
        (("k", "i"), False, (6, 11)),
        (("k", "i"), True, (6, 8)),
    ],
)
def test_a_place_is_line_and_column(
    location: tuple[str | int, ...], key: bool, expected: tuple[int, int]
) -> None:
    assert place(PLACED, *location, key=key) == expected


@pytest.mark.parametrize("key", [False, True])
@pytest.mark.parametrize(
    ("location", "parent"),
    [(("cé", "d"), ("cé",)), (("cé", 7, "x"), ("cé",)), (("a", "b", 0), ("a",)), (("z",), ())],
)
def test_what_is_missing_stands_where_its_nearest_parent_does(
    location: tuple[str | int, ...], parent: tuple[str | int, ...], key: bool
) -> None:
    assert place(PLACED, *location, key=key) == place(PLACED, *parent)


def test_a_file_that_cannot_be_read_has_its_places_at_the_start() -> None:
    assert place("\0", "a", 0) == (1, 1)


IN_QUOTES = "Put the text in quotes"
IN_ONE_PAIR = "Remove it, put the whole value in one pair of quotes, or close the quotes of a line above"
NO_COLON = "is no key: no colon and space follow it"
SPACES = "a tab stands where spaces indent. Indent with spaces"
TWO_COLONS = (
    "a value holds a colon and a space (or two pairs stand in one line). "
    "Put the value in quotes, or each pair in its own line"
)
WRITE_COLON = (
    "Write a colon, a space and the value after it, or put it in one line with the value it belongs to"
)
BACKSLASH = (
    "in double quotes a backslash starts an escape, and this one does not exist. "
    r"Write \\ for a backslash, or use single quotes"
)
TAG = "Remove the tag, or put a text that starts with ! in quotes"

REFUSED = [
    ("a: 1\nfoo\nb: 2", f"2:1 yaml-syntax 'foo' {NO_COLON}. {WRITE_COLON}"),
    ("foo\nbar: 1", f"1:1 yaml-syntax 'foo' {NO_COLON}. {WRITE_COLON}"),
    ("a: 1\nbar", f"2:1 yaml-syntax 'bar' {NO_COLON}. {WRITE_COLON}"),
    ("a: 1\nb:2\nc: 3", f"2:1 yaml-syntax 'b:2' {NO_COLON}. Write a space after the colon, as in b: 2"),
    ("b:2 # two\nc: 3", f"1:1 yaml-syntax 'b:2' {NO_COLON}. Write a space after the colon, as in b: 2"),
    ("- a\n-b\n- c", f"2:1 yaml-syntax '-b' {NO_COLON}. Write a space after the dash, as in - b"),
    (": a", "1:1 yaml-syntax a key is missing. Write it before the colon"),
    ("? \n: a", "1:2 yaml-syntax a key is empty. Write a name before the colon"),
    ("'': a", "1:1 yaml-syntax a key is empty. Write a name before the colon"),
    ("k" * 1100 + ": a", "1:1 yaml-syntax a key is longer than 1024 characters. Shorten it"),
    ("a: b: c", f"1:5 yaml-syntax {TWO_COLONS}"),
    ("a: see http://x: y", f"1:16 yaml-syntax {TWO_COLONS}"),
    (
        "a: 1\n  b: 2",
        (
            "2:3 yaml-syntax this line is indented deeper than the one above, which has its value already. "
            "Indent both alike"
        ),
    ),
    (
        "a:\n    b: 1\n  c: 2",
        "3:3 yaml-syntax the indentation is that of no line above. Indent it exactly like the lines it belongs with",
    ),
    (
        " a: 1\nb: 2",
        "2:1 yaml-syntax the indentation is that of no line above. Indent it exactly like the lines it belongs with",
    ),
    (
        "a: 1\n- b",
        "2:1 yaml-syntax an item of a list stands among keys. Write it as key: value, or below a key",
    ),
    (
        "- a\nb: c",
        "2:1 yaml-syntax a key stands among the items of a list. Start it with a dash, or move it out of the list",
    ),
    ("a:\n\tb: 1", f"2:1 yaml-syntax {SPACES}"),
    ("a:\n  b: 1\n  \tc: 2", f"3:3 yaml-syntax {SPACES}"),
    ("a: b\n\tc: d", f"2:1 yaml-syntax {SPACES}"),
    ("a: |\n\tb", f"2:1 yaml-syntax {SPACES}"),
    ('a: "b\nc: d', '1:4 yaml-syntax the quote " is never closed. Close it with "'),
    ("a: 'b", "1:4 yaml-syntax the quote ' is never closed. Close it with '"),
    ('a: "b\n---\n', '1:4 yaml-syntax the quote " is never closed. Close it with "'),
    ('a: "b" c', f"1:8 yaml-syntax more text follows where the value has ended. {IN_ONE_PAIR}"),
    ("a: 'it's'", f"1:8 yaml-syntax more text follows where the value has ended. {IN_ONE_PAIR}"),
    ("a: [b, c", "1:4 yaml-syntax '[' is never closed. Close it with ']'"),
    ("a: {b: c,\n", "1:4 yaml-syntax '{' is never closed. Close it with '}'"),
    ("a: &x [b: ", "1:7 yaml-syntax '[' is never closed. Close it with ']'"),
    (
        "a: {b: 1\nc: 2\n",
        "2:2 yaml-syntax '{' of line 1 is still open here. Close it with '}', or write a comma between its items",
    ),
    (
        "a: [b}",
        "1:6 yaml-syntax '[' of line 1 is still open here. Close it with ']', or write a comma between its items",
    ),
    ("a: [b]]", "1:7 yaml-syntax ']' closes nothing. Remove it, or put the value in quotes"),
    ("}", "1:1 yaml-syntax '}' closes nothing. Remove it, or put the value in quotes"),
    ("a: [b,,c]", "1:7 yaml-syntax a value is missing. Write it, or remove what announces it"),
    ("a: @b", f"1:4 yaml-syntax text cannot start with '@'. {IN_QUOTES}"),
    ("a: `b`", f"1:4 yaml-syntax text cannot start with '`'. {IN_QUOTES}"),
    ("a: %b", f"1:4 yaml-syntax text cannot start with '%'. {IN_QUOTES}"),
    ("a: ,b", f"1:4 yaml-syntax text cannot start with ','. {IN_QUOTES}"),
    ("a: *.bin", f"1:4 yaml-syntax text cannot start with '*'. {IN_QUOTES}"),
    ("a: & b", f"1:4 yaml-syntax text cannot start with '&'. {IN_QUOTES}"),
    ("a: ? b", f"1:4 yaml-syntax text cannot start with '?' and a space. {IN_QUOTES}"),
    (
        "a: |b",
        (
            "1:4 yaml-syntax text follows '|' in the same line. "
            "Start the text in the next line, indented, or put it in quotes"
        ),
    ),
    (
        "a: - b",
        (
            "1:4 yaml-syntax a list cannot start in the line of something else. "
            "Start it in the next line, or put the text in quotes"
        ),
    ),
    (r'a: "C:\dir"', f"1:7 yaml-syntax {BACKSLASH}"),
    (r'a: "\xz"', f"1:5 yaml-syntax {BACKSLASH}"),
    ("a: !!python/object:os.system b", f"1:4 yaml-syntax '!!python/object:os.system' is a tag. {TAG}"),
    ("a: &x !foo b", f"1:7 yaml-syntax '!foo' is a tag. {TAG}"),
    ("!!map {a: b}", f"1:1 yaml-syntax '!!map' is a tag. {TAG}"),
    ("a: !!str 1", f"1:4 yaml-syntax '!!str' is a tag. {TAG}"),
    ("a: !foo!bar b", f"1:4 yaml-syntax '!' starts a tag. {TAG}"),
    (
        "a: {<<: b}",
        "1:5 yaml-syntax '<<' merges mappings, which the catalog does not do. Write out the keys that it would bring",
    ),
    ("%YAML 1.2\n---\na: b", "1:1 yaml-syntax a line that starts with % is a directive. Remove the line"),
    (
        "a: b\n---\nc: d",
        "2:1 yaml-syntax a second document starts here. Keep one, and put the other in its own file",
    ),
    (
        "{a: b}: c",
        "1:1 yaml-syntax a key is a mapping or list. Write a name before the colon; put text in quotes",
    ),
    (
        "a: {{ b }}",
        "1:5 yaml-syntax a key is a mapping or list. Write a name before the colon; put text in quotes",
    ),
    (
        "? - a\n: b",
        "1:3 yaml-syntax a key is a mapping or list. Write a name before the colon; put text in quotes",
    ),
    (
        "a: &x [b]\n*x : c",
        "2:1 yaml-syntax a key is a mapping or list. Write a name before the colon; put text in quotes",
    ),
    ("a: 1\nb: 2\na: 3", "3:1 duplicate-key 'a' is given twice, first in line 1. Keep one of them"),
    ("a: &x b\nb: 2\n*x : 3", "3:1 duplicate-key 'b' is given twice, first in line 2. Keep one of them"),
    (
        "a: *b",
        (
            "1:4 yaml-aliases '*b' names nothing above. "
            "Write the value out, or put it in quotes if it is a text that starts with *"
        ),
    ),
    ("a: &x b\nc: &x d", "2:4 yaml-aliases '&x' names two values, the first in line 1. Rename one of them"),
    ("a: &x [*x]", "1:8 yaml-aliases '*x' stands within what it names. Write the value out"),
    (r'a: "b\0"', "1:4 yaml-syntax the text holds the invisible character U+0000. Leave it out"),
    ("a: b\0", "1:5 yaml-syntax the invisible character U+0000 cannot stand in a file. Remove it"),
    (
        "a: b\r\nc: \x1b[0m",
        "2:4 yaml-syntax the invisible character U+001B cannot stand in a file. Remove it",
    ),
    ("a: b\u2028c: d", "1:5 yaml-syntax the invisible character U+2028 cannot stand in a file. Remove it"),
    ("a: b\n\ufeffc: d", "2:1 yaml-syntax the invisible character U+FEFF cannot stand in a file. Remove it"),
    ("a: \ud800", "1:4 yaml-syntax byte 0xED at offset 3 is not UTF-8. Save the file as UTF-8"),
    (
        "a: b\né: ü".encode("latin-1"),
        "2:1 yaml-syntax byte 0xE9 at offset 5 is not UTF-8. Save the file as UTF-8",
    ),
    (
        "\ufeffé: ".encode() + b"\xfc",
        "1:4 yaml-syntax byte 0xFC at offset 7 is not UTF-8. Save the file as UTF-8",
    ),
    ("a: b".encode("utf-16"), "1:1 yaml-syntax the file is UTF-16 or UTF-32. Save it as UTF-8"),
    ("a: b".encode("utf-16-be"), "1:1 yaml-syntax the file is UTF-16 or UTF-32. Save it as UTF-8"),
    ("a: b".encode("utf-32"), "1:1 yaml-syntax the file is UTF-16 or UTF-32. Save it as UTF-8"),
    (
        b"#" * (MAX_BYTES + 1),
        "1:1 yaml-size the file is larger than 1 MiB. Split it, or take out what does not belong here",
    ),
    (
        "[" * (MAX_DEPTH + 1),
        (
            "1:101 yaml-size mappings and lists stand more than 100 deep in each other. "
            "Close those above, or write the value flat"
        ),
    ),
    (
        "[" + "a," * (MAX_VALUES + 1) + "]",
        "1:400000 yaml-size the file holds more than 200,000 keys and values. Split it",
    ),
]


@pytest.mark.parametrize(("content", "expected"), REFUSED, ids=lambda part: repr(part)[:30])
def test_what_is_wrong_is_said_with_its_place_and_its_fix(content: str | bytes, expected: str) -> None:
    assert problems(content) == [f"x.yaml:{expected}"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [row for row in REFUSED if len(row[0]) < MAX_VALUES],
    ids=lambda part: repr(part)[:30],
)
def test_without_libyaml_the_problems_are_the_same(
    content: str | bytes, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_reader, "_LOADER", yaml.SafeLoader)
    assert problems(content) == [f"x.yaml:{expected}"]


def test_every_problem_before_a_syntax_error_is_reported_with_it() -> None:
    assert problems("a: 1\na: !x 2\nb: @") == [
        "x.yaml:2:1 duplicate-key 'a' is given twice, first in line 1. Keep one of them",
        f"x.yaml:2:4 yaml-syntax '!x' is a tag. {TAG}",
        f"x.yaml:3:4 yaml-syntax text cannot start with '@'. {IN_QUOTES}",
    ]


def test_of_a_repeated_key_the_first_value_counts() -> None:
    assert parse_source("a: 1\na: 2\nb: 3", "x.yaml").value == {"a": "1", "b": "3"}


def test_a_file_whose_meaning_is_unknown_has_no_value() -> None:
    assert parse_source("a: 1\nb: {<<: c}", "x.yaml").value is None


def test_a_file_full_of_problems_is_not_read_to_its_end() -> None:
    found = problems("a:\n" * 10_000)
    assert len(found) == MAX_REFUSALS + 1
    assert found[-1] == (
        "x.yaml:101:1 yaml-size the file is read no further after 100 problems. Mend those above first"
    )


BOMBS = {
    "billion laughs": "a0: &a0 [x]\n"
    + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 20)),
    "many times a long list": f"a: &a [{'x,' * 5_000}]\nb: [{'*a,' * 50_000}]",
    "many times a long text": f"a: &a {'x' * 500_000}\nb: [{'*a,' * 50_000}]",
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_aliases_that_would_blow_a_file_up_are_one_problem(content: str) -> None:
    [problem] = parse_source(content, "x.yaml").problems
    assert problem.rule == "yaml-aliases"
    assert problem.message == (
        "written out, the aliases up to here make more than 200,000 keys and values, or 1 MiB of text"
    )


def test_aliases_do_not_lead_around_the_greatest_depth() -> None:
    chain = "".join(f"a{i}: &a{i} {'[' * 50}*a{i - 1}{']' * 50}\n" for i in range(1, 1000))
    [problem] = parse_source(f"a0: &a0 b\n{chain}", "x.yaml").problems
    assert problem.rule == "yaml-size"


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "[a,", "{a: ", "[\n", "{? "])
def test_a_file_of_nothing_but_openings_ends_at_the_greatest_depth(opening: str) -> None:
    source = parse_source(opening * (MAX_BYTES // len(opening)), "x.yaml")
    assert source.problems[-1].rule == "yaml-size"


def test_indentation_alone_ends_at_the_greatest_depth() -> None:
    [problem] = parse_source("".join(f"{' ' * level}a:\n" for level in range(1400)), "x.yaml").problems
    assert (problem.rule, problem.line) == ("yaml-size", MAX_DEPTH + 1)


def _unreadable_files(folder: Path) -> Iterator[tuple[Path, str]]:
    (folder / "folder.yaml").mkdir()
    yield (
        folder / "folder.yaml",
        "it is a folder. Put a file here, or give it a name that does not end in .yaml",
    )
    (folder / "link.yaml").symlink_to("nowhere")
    yield folder / "link.yaml", "it links to 'nowhere', which does not exist. Mend or remove the link"
    (folder / "loop.yaml").symlink_to("loop.yaml")
    yield folder / "loop.yaml", "Too many levels of symbolic links. Make it a readable file"
    yield folder / "missing.yaml", "it does not exist. Create it, or name another file"
    os.mkfifo(folder / "pipe.yaml")
    yield (
        folder / "pipe.yaml",
        "it is no regular file. Put a file here, or give it a name that does not end in .yaml",
    )


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    for path, expected in _unreadable_files(tmp_path):
        found = [str(problem) for problem in read_source(path, path.name).problems]
        assert found == [f"{path.name}:1:1 file-readable the file cannot be read: {expected}"]


def test_a_file_that_one_may_not_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")  # chmod would not keep root out

    path = tmp_path / "x.yaml"
    path.touch()
    monkeypatch.setattr(Path, "open", denied)
    [problem] = read_source(path, "x.yaml").problems
    assert str(problem) == (
        "x.yaml:1:1 file-readable the file cannot be read: you may not read it. Allow it, as in chmod u+r x.yaml"
    )


def test_a_file_is_read_as_its_bytes_are(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("\ufeffa: ü\r\n".encode())
    assert read_source(path, "x.yaml") == parse_source("a: ü\n", "x.yaml")


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *"a:\n \t[]{},'\"!#|>%@`\\~é\u2028\ufeff\0\ud800",
            *(": ", "- ", "? ", "  ", "\r\n", "&a ", "*a ", "<<: ", "---", "..."),
        ]
    ),
    max_size=60,
).map("".join)


@settings(deadline=None, max_examples=200)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200), FRAGMENTS))
def test_no_file_makes_reading_raise(content: bytes | str) -> None:
    source = parse_source(content, "x.yaml")
    length = len(content) + 1
    assert all(problem.line <= length and problem.column <= length for problem in source.problems)
    assert all(problem.message and problem.fix for problem in source.problems)
    assert source.problems == () or source.value is None or source.problems[0].rule == "duplicate-key"


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML's own parser takes fewer tabs")
@settings(deadline=None, max_examples=200)
@given(content=FRAGMENTS)
def test_whatever_is_read_without_a_problem_is_what_yaml_says(content: str) -> None:
    source = parse_source(content, "x.yaml")
    if source.problems:
        return
    expected = yaml.load(content.removeprefix("\ufeff"), Loader=yaml.CBaseLoader)  # noqa: S506 - it builds text alone
    assert _without_null(source.value) == _without_null(expected)


def _without_null(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_null(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_null(inner) for inner in value]
    return None if value in ("", "~", None) else value
