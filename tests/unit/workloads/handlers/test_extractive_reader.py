import json
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.workloads.handlers.samples import READER_WEIGHTS, reader
from workloads.handlers import extractive_reader
from workloads.handlers.errors import RequestError, WeightsError
from workloads.handlers.extractive_reader.lexicon import read_lexicon
from workloads.handlers.extractive_reader.processing import LONGEST
from workloads.handlers.extractive_reader.word_reader import WordReader
from workloads.handlers.extractive_reader.words import key, sentences, split_words

MODEL: Final = reader()
FR_BOOK: Final = (
    "Les Misérables est un roman de Victor Hugo, paru en 1862 à Bruxelles. Il raconte la vie de Jean Valjean."
)
FR_MUSEUM: Final = (
    "Le musée d'Orsay se trouve à Paris, sur la rive gauche de la Seine. "
    "Le musée a ouvert le 9 décembre 1986."
)
RU: Final = "Эрмитаж находится в Санкт-Петербурге, на Дворцовой набережной. Музей основан в 1764 году."
AR: Final = "يقع الجامع الأزهر في القاهرة، عاصمة مصر. بُني الأزهر سنة 970."
EN: Final = "Radium was discovered by Marie Curie in 1898. She worked in Paris."


@pytest.mark.parametrize(
    ("question", "context", "answer"),
    [
        ("Qui a écrit Les Misérables ?", FR_BOOK, "Victor Hugo"),
        ("Quand Les Misérables a-t-il paru ?", FR_BOOK, "1862"),
        ("Où se trouve le musée d'Orsay ?", FR_MUSEUM, "Paris"),
        ("Quand le musée a-t-il ouvert ?", FR_MUSEUM, "9 décembre 1986"),
        ("Combien d'habitants compte Lyon ?", "Lyon compte 522 250 habitants. Marseille en compte 877 215.", "522 250"),
        ("Где находится Эрмитаж?", RU, "Санкт-Петербурге"),
        ("Когда основан музей?", RU, "1764"),
        ("Кто написал роман «Идиот»?", "Роман «Идиот» написал Фёдор Достоевский.", "Фёдор Достоевский"),
        ("أين يقع الأزهر؟", AR, "القاهرة"),
        ("متى بني الأزهر؟", AR, "970"),
        ("من كتب رواية أولاد حارتنا؟", "كتب نجيب محفوظ رواية أولاد حارتنا سنة 1959.", "نجيب محفوظ"),
        ("Who discovered radium?", EN, "Marie Curie"),
        ("When was radium discovered?", EN, "1898"),
        ("What covers the roof?", "Green copper covers the roof of the hall.", "Green copper"),
    ],
)  # fmt: skip
def test_what_a_question_asks_for_is_found(question: str, context: str, answer: str) -> None:
    found = MODEL.answer({"question": question, "context": context})
    assert found["answer"] == answer
    assert context[found["start"] : found["end"]] == answer


def test_a_question_of_which_no_word_is_in_the_context_has_no_answer() -> None:
    found = MODEL.answer({"question": "Where is the tower?", "context": "Nothing but fog."})
    assert found == {"answer": "", "start": 0, "end": 0, "confidence": 0.0}


def test_more_of_the_question_in_a_sentence_is_more_confidence() -> None:
    context = "Radium was discovered by Marie Curie. She liked Paris."
    whole, half = (
        MODEL.answer({"question": question, "context": context})["confidence"]
        for question in ("Who discovered radium?", "Who discovered uranium?")
    )
    assert whole > half


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_offsets_are_those_of_the_text_as_it_was_sent_however_it_is_composed(form: Any) -> None:
    context = unicodedata.normalize(form, "Le Café Québécois se trouve à Montréal, près du fleuve.")
    found = MODEL.answer({"question": "Où se trouve le Café Québécois ?", "context": context})
    assert found["answer"] == unicodedata.normalize(form, "Montréal")
    assert context[found["start"] : found["end"]] == found["answer"]


def test_arabic_vowel_signs_and_the_article_part_no_two_words() -> None:
    found = MODEL.answer({"question": "أين يقع جامع؟", "context": "يَقَعُ الجامِعُ في القاهِرة."})
    assert found["answer"] == "القاهِرة"


def test_of_two_that_fit_the_nearer_to_a_word_of_the_question_is_the_answer() -> None:
    context = "Anna and then Berta painted, and after them came Clara."
    assert MODEL.answer({"question": "Who painted?", "context": context})["answer"] == "Berta"
    context = "After Clara had left, it was painted, as they said, by Berta, and radium glowed."
    assert MODEL.answer({"question": "Who painted radium?", "context": context})["answer"] == "Berta"


def test_of_two_that_fit_alike_the_first_is_the_answer() -> None:
    context = "Anna painted. Berta painted."
    assert MODEL.answer({"question": "Who painted?", "context": context})["answer"] == "Anna"


def test_an_article_between_a_place_word_and_its_place_is_left_out() -> None:
    context = "Anna slept quietly in the Hague."
    assert MODEL.answer({"question": "Where did Anna sleep?", "context": context})["answer"] == "Hague"


@pytest.mark.parametrize("missing", ["question", "context"])
def test_both_fields_are_needed(missing: str) -> None:
    request = {"question": "Who?", "context": "Nobody."}
    del request[missing]
    with pytest.raises(RequestError, match=f'"{missing}" is missing'):
        MODEL.answer(request)


VOCABULARY: Final = sorted({word for text in (FR_BOOK, FR_MUSEUM, RU, AR, EN) for word in text.split()})
pieces = st.one_of(
    st.sampled_from(VOCABULARY),
    st.sampled_from(["who", "Où", "где", "أين", "when", "Combien", "in", "à", "в", ".", ",", "?", "\n", "-", "1 250"]),
    st.text(max_size=4),
)  # fmt: skip
texts = st.lists(pieces, min_size=1, max_size=25).map(" ".join)


@example("Сколько это?", "ẞ İ ﬃ 3,5 ﬃ")
@settings(deadline=None)  # how long one takes is the machine's load
@given(texts, texts)
def test_offsets_always_cut_the_context_to_exactly_the_answer(question: str, context: str) -> None:
    try:
        found = MODEL.answer({"question": question, "context": context})
    except RequestError:
        assert not question.strip() or not context.strip() or has_half_a_pair(question + context)
        return
    assert 0 <= found["start"] <= found["end"] <= len(context)
    assert context[found["start"] : found["end"]] == found["answer"]
    assert found["answer"] == found["answer"].strip()
    assert 0 <= found["confidence"] <= 1
    assert (found["confidence"] == 0) == (not found["answer"])


@pytest.mark.parametrize("sentence", ["in radium ", "Radium in Paris and ", "radium in the the the ", "x"])
@pytest.mark.parametrize("question", ["Where is radium?", "Who found radium?", "When was radium found?"])
def test_a_text_that_ends_no_sentence_is_read_in_one_go(sentence: str, question: str) -> None:
    """Steps that compare each word with each would take minutes here, and a worker is killed for it."""
    context = (sentence * 100_000)[: LONGEST - len(question)]
    assert MODEL.answer({"question": question, "context": context})["end"] <= len(context)
    with pytest.raises(RequestError, match="more than 100000 characters"):
        MODEL.answer({"question": question, "context": context + "."})


def test_a_long_question_is_weighed_once_and_not_for_each_sentence() -> None:
    """For each of them it would take minutes here, and 7 s of what a client may send."""
    question = "zanzibar " + " ".join(f"w{number}x" for number in range(20_000))
    span = WordReader(read_lexicon(READER_WEIGHTS)).find(question, "zanzibar q.\n" * 20_000)
    assert span.confidence > 0


def test_a_word_of_marks_alone_is_not_composed_since_that_takes_the_square_of_them() -> None:
    """Composing these would take an hour."""
    assert key("a" + "\u0300\u0323" * 1_000_000) == "a"
    assert key("e\u0301" * 50) == "\u00e9" * 50


def has_half_a_pair(text: str) -> bool:
    return any(unicodedata.category(character) == "Cs" for character in text)


@settings(deadline=None)  # how long one takes is the machine's load
@given(texts)
def test_words_are_cut_where_they_say(text: str) -> None:
    words = split_words(text)
    assert [text[word.start : word.end] for word in words] == [word.text for word in words]
    assert [word for sentence in sentences(text, words) for word in sentence] == words


def test_a_dot_within_a_number_ends_no_sentence() -> None:
    text = "Il mesure 3.5 mètres. Il est vert."
    assert [len(sentence) for sentence in sentences(text, split_words(text))] == [5, 3]


def test_a_key_is_never_empty() -> None:
    assert key("\u0301") == "\u0301"


def edited(tmp_path: Path, edit: Callable[[Any], object]) -> Path:
    shutil.copy(READER_WEIGHTS / "reader.json", tmp_path)
    document = json.loads((tmp_path / "reader.json").read_text())
    edit(document)
    (tmp_path / "reader.json").write_text(json.dumps(document))
    return tmp_path


def test_the_weights_decide_which_sentence_answers(tmp_path: Path) -> None:
    """The same question and text: what the two sentences share with the question weighs otherwise."""
    request = {
        "question": "Who painted the bridge?",
        "context": "Anna painted boats. Berta crossed the bridge.",
    }
    assert MODEL.answer(request)["answer"] == "Anna"
    folder = edited(tmp_path, lambda one: one["languages"]["en"]["weights"].update(bridge=9.0))
    assert extractive_reader.load(folder).answer(request)["answer"] == "Berta"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda one: one.update(format=2), "format 2; this handler reads 1"),
        (lambda one: one.update(languages={}), "has no language"),
        (lambda one: one["languages"]["fr"].pop("months"), "KeyError: 'months'"),
        (lambda one: one["languages"]["fr"].update(stopWords="le"), "a list of words is a text"),
        (lambda one: one["languages"]["fr"]["questions"].append({"words": "x", "type": "y"}), "no type of answer"),
        (lambda one: one["languages"]["fr"].update(weights={"mot": "heavy"}), "ValueError"),
    ],
)  # fmt: skip
def test_a_lexicon_of_another_shape_is_refused_with_its_place(
    tmp_path: Path, edit: Callable[[Any], object], said: str
) -> None:
    with pytest.raises(WeightsError, match=rf"reader\.json .*{said}"):
        extractive_reader.load(edited(tmp_path, edit))
