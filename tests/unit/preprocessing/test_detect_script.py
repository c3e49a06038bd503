import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from preprocessing import SCRIPTS, DetectScript, detect_script

SENTENCES = [
    ("Latn", "Portez ce vieux whisky au juge blond qui fume"),
    ("Latn", "Đây là một câu tiếng Việt"),
    ("Cyrl", "Съешь же ещё этих мягких французских булок"),
    ("Cyrl", "Їжак зґвинтив ґрати"),
    ("Grek", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία"),
    ("Arab", "نص حكيم له سر قاطع"),
    ("Arab", "یہ اردو کا ایک جملہ ہے"),
    ("Hebr", "דג סקרן שט בים מאוכזב"),
    ("Deva", "ऋषियों को सताने वाले दुष्ट"),
    ("Guru", "ਇਹ ਪੰਜਾਬੀ ਵਿੱਚ ਹੈ"),
    ("Taml", "இது ஒரு தமிழ் வாக்கியம்"),
    ("Thai", "เป็นมนุษย์สุดประเสริฐ"),
    ("Ethi", "ይህ የአማርኛ ዓረፍተ ነገር ነው"),
    ("Geor", "ეს არის ქართული წინადადება"),
    ("Armn", "Սա հայերեն նախադասություն է"),  # noqa: RUF001 (Armenian it is)
    ("Khmr", "នេះជាប្រយោគ"),
    ("Jpan", "いろはにほへと ちりぬるを"),
    ("Jpan", "東京都知事選挙の結果を発表しました"),
    ("Kore", "키스의 고유조건은 입술끼리 만나야"),
    ("Kore", "大韓民國의 헌법"),
    ("Hani", "这是简体中文的句子"),
    ("Hani", "這是繁體中文的句子"),
    ("Hani", "優の良品店舖銷售日本零食糖果"),
    ("Hani", "東京都知事選挙"),
]


@pytest.mark.parametrize(("script", "text"), SENTENCES)
def test_the_script_of_a_sentence_is_found(script: str, text: str) -> None:
    assert detect_script(text, DetectScript()).script == script


@pytest.mark.parametrize("text", ["", "   ", "12 345,67 %", "👍🏽 !?", "\u0301"])
def test_a_text_without_letters_has_no_script(text: str) -> None:
    found = detect_script(text, DetectScript())
    assert (found.script, dict(found.shares), dict(found.by_character)) == (None, {}, {})


@pytest.mark.parametrize(
    ("minimum_share", "script"), [(0.5, "Cyrl"), (0.6, "Cyrl"), (0.61, None), (1.0, None)]
)
def test_a_mixed_text_has_a_script_only_from_the_minimum_share_on(
    minimum_share: float, script: str | None
) -> None:
    text = "12 привет + abcd"
    assert detect_script(text, DetectScript(minimum_share=minimum_share)).script == script


def test_shares_are_given_by_writing_system_and_by_character_largest_first() -> None:
    found = detect_script("日本のカナ ab", DetectScript())
    assert list(found.shares.items()) == [("Jpan", 5 / 7), ("Latn", 2 / 7)]
    assert list(found.by_character) == ["Hani", "Kana", "Latn", "Hira"]


def test_a_text_in_two_scripts_by_halves_has_none_and_says_why() -> None:
    found = detect_script("привет hello!", DetectScript())
    assert found.script is None
    assert dict(found.shares) == {"Cyrl": 6 / 11, "Latn": 5 / 11}


@given(st.text())
def test_shares_are_positive_and_sum_to_one_or_to_nothing(text: str) -> None:
    found = detect_script(text, DetectScript())
    for shares in (found.shares, found.by_character):
        assert all(0 < share <= 1 for share in shares.values())
        assert sum(shares.values()) == (pytest.approx(1) if shares else 0)


@given(st.text())
def test_the_order_of_characters_does_not_matter(text: str) -> None:
    assert detect_script(text, DetectScript()) == detect_script(text[::-1], DetectScript())


def test_every_letter_that_python_knows_has_a_script_of_the_table() -> None:
    one_of_them = regex.compile("|".join(rf"\p{{Script={code}}}" for code in (*SCRIPTS, "Zyyy", "Zinh")))
    letters = (
        character for point in range(0x110000) if unicodedata.category(character := chr(point)) == "Lo"
    )
    assert [f"{ord(letter):X}" for letter in letters if one_of_them.match(letter) is None] == []
