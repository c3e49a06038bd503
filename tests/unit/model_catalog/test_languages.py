import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_catalog.languages import (
    known_language,
    known_script,
    language_suggestions,
    possible_scripts,
    script_suggestions,
    scripts_overlap,
)

SCRIPTS = [
    ("fr", "Latn"),
    ("vi", "Latn"),
    ("tr", "Latn"),
    ("ru", "Cyrl"),
    ("uk", "Cyrl"),
    ("bg", "Cyrl"),
    ("sr", "Cyrl Latn"),
    ("uz", "Arab Cyrl Latn"),
    ("az", "Arab Cyrl Latn"),
    ("kk", "Arab Cyrl"),
    ("mn", "Cyrl Mong"),
    ("pa", "Arab Guru"),
    ("zh-Hant", "Hant"),
    ("zh-Hans", "Hans"),
    ("zh-TW", "Hant"),
    ("zh-CN", "Hans"),
    ("zh-HK", "Hans Hant"),
    ("ja", "Jpan"),
    ("ja-Latn", "Latn"),
    ("ko", "Kore"),
    ("ar", "Arab"),
    ("fa", "Arab"),
    ("ur", "Arab"),
    ("he", "Hebr"),
    ("hi", "Deva Latn"),
    ("el", "Grek"),
    ("ka", "Geor"),
    ("hy", "Armn"),
    ("th", "Thai"),
    ("am", "Ethi"),
    ("ta", "Taml"),
    ("az-IR", "Arab"),
    ("uz-AF", "Arab"),
    ("pa-PK", "Arab"),
    ("sr-ME", "Cyrl Latn"),
    ("de-1901", "Latn"),
    ("fr-JP", "Latn"),
    ("und-Grek", "Grek"),
    ("iw", "Hebr"),
    ("sh", "Latn"),
    ("prs", "Arab"),
]


@pytest.mark.parametrize(("tag", "scripts"), SCRIPTS)
def test_the_scripts_of_a_language_are_those_of_cldr(tag: str, scripts: str) -> None:
    assert possible_scripts(tag) == frozenset(scripts.split())


@pytest.mark.parametrize(("tag", "scripts"), [("en", {"Latn"}), ("zh", {"Hans", "Hant"})])
def test_rarer_ways_to_write_a_language_come_beside_the_usual_ones(tag: str, scripts: set[str]) -> None:
    found = possible_scripts(tag)
    assert found is not None
    assert scripts < found


@pytest.mark.parametrize("tag", ["mul", "und", "zxx", "mis"])
def test_a_special_tag_may_have_any_script(tag: str) -> None:
    found = possible_scripts(tag)
    assert found is not None
    assert {"Latn", "Cyrl", "Jpan", "Ethi"} < found
    assert all(known_script(script) for script in found)


@pytest.mark.parametrize("tag", ["xx", "qaa", "klingon", "", "fr-"])
def test_nothing_is_said_of_a_language_that_cldr_does_not_have(tag: str) -> None:
    assert possible_scripts(tag) is None


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ("Latn", "Latn", True),
        ("Latn", "Cyrl", False),
        ("Latn", "Latf", True),
        ("Hans", "Hant", True),
        ("Hani", "Hant", True),
        ("Jpan", "Hani", True),
        ("Jpan", "Hira", True),
        ("Jpan", "Kore", True),
        ("Jpan", "Hang", False),
        ("Kore", "Hang", True),
        ("Kore", "Hira", False),
        ("Hrkt", "Jpan", True),
        ("Hanb", "Bopo", True),
        ("Arab", "Aran", True),
        ("Zyyy", "Latn", True),
        ("Zinh", "Deva", True),
        ("Zzzz", "Zyyy", True),
        ("Zzzz", "Latn", False),
        ("Zzzz", "Zzzz", True),
    ],
)
def test_scripts_overlap_where_they_share_characters(first: str, second: str, overlap: bool) -> None:
    assert scripts_overlap(first, second) is overlap
    assert scripts_overlap(second, first) is overlap


@pytest.mark.parametrize("code", ["Latn", "Cyrl", "Hani", "Jpan", "Kore", "Hans", "Zyyy", "Zzzz", "Aran"])
def test_a_script_is_known_by_its_iso_code(code: str) -> None:
    assert known_script(code)


@pytest.mark.parametrize("code", ["latn", "Latin", "Xxxx", "", "Han"])
def test_what_is_no_iso_code_is_no_known_script(code: str) -> None:
    assert not known_script(code)


@pytest.mark.parametrize(
    "tag",
    [
        *("fr", "uk", "zh-Hant", "zh-Hant-TW", "pt-BR", "es-419", "de-1901", "ca-valencia"),
        *("yue", "haw", "eo", "no", "nb", "kr", "tlh", "mul", "und", "zxx", "mis", "und-Cyrl", "qaa"),
    ],
)
def test_a_bcp_47_tag_is_known(tag: str) -> None:
    assert known_language(tag)


@pytest.mark.parametrize(
    "tag",
    [
        *("xx", "ua", "FR", "zh_Hant", "zh-hant", "zh-Hantt", "zh-Xxxx", "fr-QQ", "de-1999"),
        *("fra", "iw", "cmn", "french", "", "fr-", "x-own"),
    ],
)
def test_what_is_no_tag_as_cldr_writes_it_is_not_known(tag: str) -> None:
    assert not known_language(tag)


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("ua", "uk"),
        ("jp", "ja"),
        ("cn", "zh"),
        ("kr", "ko"),
        ("cz", "cs"),
        ("gr", "el"),
        ("dk", "da"),
        ("vn", "vi"),
        ("ir", "fa"),
        ("gb", "en"),
        ("us", "en"),
        ("FR", "fr"),
        ("zh_hant", "zh-Hant"),
        ("pt_br", "pt-BR"),
        ("zh-Hantt", "zh-Hant"),
        ("sr-Cyrll", "sr-Cyrl"),
        ("fra", "fr"),
        ("deu", "de"),
        ("iw", "he"),
        ("cmn", "zh"),
        ("sh", "sr-Latn"),
        ("French", "fr"),
        ("ukranian", "uk"),
    ],
)
def test_the_tag_that_was_meant_is_suggested_first(tag: str, meant: str) -> None:
    assert language_suggestions(tag)[0] == meant


@pytest.mark.parametrize("tag", ["fr", "uk", "zh-Hant", "xx", "", "qwertyuiop"])
def test_nothing_is_suggested_without_a_reason(tag: str) -> None:
    assert language_suggestions(tag) == ()


@given(st.text(alphabet="abcrfzhALnt-_149", max_size=12))
def test_every_suggestion_is_a_known_tag_other_than_the_given_one(tag: str) -> None:
    found = language_suggestions(tag)
    assert len(found) <= 3
    assert all(known_language(suggestion) and suggestion != tag for suggestion in found)


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("latn", "Latn"),
        ("LATN", "Latn"),
        ("Latin", "Latn"),
        ("Cyrillic", "Cyrl"),
        ("Cyr", "Cyrl"),
        ("Arabic", "Arab"),
        ("Japanese", "Jpan"),
        ("Devanagri", "Deva"),
        ("Latm", "Latn"),
    ],
)
def test_the_script_that_was_meant_is_suggested_first(code: str, meant: str) -> None:
    assert script_suggestions(code)[0] == meant


@pytest.mark.parametrize("code", ["Latn", "Xyzw", ""])
def test_no_script_is_suggested_without_a_reason(code: str) -> None:
    assert script_suggestions(code) == ()
