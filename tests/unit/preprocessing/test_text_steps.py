import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing import (
    NormalizeUnicode,
    Truncate,
    collapse_whitespace,
    normalize_unicode,
    strip_markup,
    truncate,
)

NFC = NormalizeUnicode()
NFKC = NormalizeUnicode(form="NFKC")


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("cafe\u0301", NFC, "caf\u00e9"),
        ("x\u00b2 \ufb01n", NFC, "x\u00b2 \ufb01n"),
        ("x\u00b2 \ufb01n", NFKC, "x2 fin"),
        ("\uff26\uff35\uff2c\uff2c", NFKC, "FULL"),
        ("\u1112\u1161\u11ab", NFC, "\ud55c"),
    ],
)
def test_equivalent_characters_are_written_one_way(
    text: str, options: NormalizeUnicode, expected: str
) -> None:
    assert normalize_unicode(text, options) == expected


@given(st.text(), st.sampled_from([NFC, NFKC]))
def test_normalizing_twice_is_normalizing_once(text: str, options: NormalizeUnicode) -> None:
    once = normalize_unicode(text, options)
    assert normalize_unicode(once, options) == once


@given(st.text())
def test_a_text_and_its_decomposition_come_out_alike(text: str) -> None:
    assert normalize_unicode(text, NFC) == normalize_unicode(unicodedata.normalize("NFD", text), NFC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a \t b\r\n\nc ", "a b c"),
        ("1\u00a0000\u202f000", "1 000 000"),
        ("\u0e01\u200b\u0e02", "\u0e01\u200b\u0e02"),
        (" \n", ""),
    ],
)
def test_a_run_of_whitespace_is_one_space(text: str, expected: str) -> None:
    assert collapse_whitespace(text) == expected


@given(st.text())
def test_collapsing_twice_is_collapsing_once(text: str) -> None:
    once = collapse_whitespace(text)
    assert collapse_whitespace(once) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no markup", "no markup"),
        ("<p>One</p><p>two</p>", "One\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("an <em>em</em>phasis", "an emphasis"),
        ("fish &amp; chips &lt;3 caf&eacute; &#x20AC;", "fish & chips <3 caf\u00e9 \u20ac"),
        ("seen<script>if (a < b) hide()</script><style>p {}</style> too", "seen\ntoo"),
        ("<head><title>T</title></head><body>B</body>", "B"),
        ("a<!-- never -->b", "ab"),
        ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
        ("<![odd[section]]>kept", "kept"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a\nb"),
    ],
)
def test_markup_is_dropped_and_what_a_reader_sees_is_kept(text: str, expected: str) -> None:
    assert strip_markup(text) == expected


@given(st.text(alphabet=st.sampled_from("<>![]-/?&;#='\" \nabscriptCDATA"), max_size=60))
def test_no_markup_is_so_broken_that_it_raises(text: str) -> None:
    strip_markup(text)


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "characters", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("ae\u0301z", 2, "a"),
        ("a" + FAMILY, 3, "a"),
        (FAMILY + "a", 5, FAMILY),
        (FAMILY, 2, FAMILY[:2]),
        ("\u0915\u094d\u0937", 3, "\u0915\u094d\u0937"),
    ],
)
def test_a_cut_is_never_through_a_character_of_several_code_points(
    text: str, characters: int, expected: str
) -> None:
    assert truncate(text, Truncate(characters=characters)) == expected


@given(st.text(), st.integers(min_value=1, max_value=20))
def test_a_truncated_text_is_a_start_of_the_text_within_the_limit(text: str, characters: int) -> None:
    cut = truncate(text, Truncate(characters=characters))
    assert text.startswith(cut)
    assert len(cut) <= characters
    assert bool(cut) == bool(text)
