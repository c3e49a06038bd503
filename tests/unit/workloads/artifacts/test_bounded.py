import os
from pathlib import Path
from typing import Any

import pytest

from workloads.artifacts.bounded import UnreadableError, parse_json, printable, read_file, read_tail

LONGEST = 1000


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": [1, 2.5, null, true, "\xc3\xa9"]}', {"a": [1, 2.5, None, True, "é"]}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\ud83d"', "\\ud83d"),
        (b"[" * 32 + b"]" * 32, None),
        (b'"' + b"[" * 100 + b'\\"{{"', "[" * 100 + '"{{'),
        (b"9223372036854775807", 2**63 - 1),
    ],
)
def test_a_document_within_the_limits_is_read(content: bytes, expected: Any) -> None:
    read = parse_json(content, LONGEST)
    assert expected is None or read == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'"' + b"x" * LONGEST + b'"', "more than 1000 bytes"),
        (b"[" * 33 + b"]" * 33, "nests deeper than 32 levels"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "nests deeper than 32 levels"),
        (b'["\\"", ' + b"[" * 40, "nests deeper than 32 levels"),
        (b"[" + b"1," * 300 + b"1]", "more than 100 values"),
        (b"9223372036854775808", "larger than 9223372036854775807"),
        (b"-9223372036854775809", "larger than"),
        (b"9" * 900, "larger than"),
        (b"1e999", "larger than"),
        (b"-1e30", "larger than"),
        (b"Infinity", "Infinity in it is no number"),
        (b"[NaN]", "NaN in it is no number"),
        (b'"\\ud800"', "half a character"),
        (b'{"\\uDFFF": 1}', "half a character"),
        (b'[["\\ud800\\ud800"]]', "half a character"),
        (b'"\xed\xa0\x80"', "no JSON"),
        (b"\xff", "no JSON"),
        (b"", "no JSON"),
        (b"[1] 2", "no JSON"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_with_the_limit(content: bytes, said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        parse_json(content, LONGEST, values=100)


@pytest.mark.timeout(20)
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        for read in (read_file, read_tail):
            with pytest.raises(UnreadableError, match="is no file"):
                read(path, LONGEST)


def test_no_more_of_a_file_is_read_than_shows_that_it_is_too_long(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"ab" * LONGEST)
    assert read_file(tmp_path / "long", LONGEST) == b"ab" * 500 + b"a"
    assert read_tail(tmp_path / "long", 3) == b"bab"


def test_what_utf_8_cannot_write_is_escaped() -> None:
    assert printable("é \ud800") == "é \\ud800".encode()
