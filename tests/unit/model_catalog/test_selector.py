import pytest

from model_catalog import Selector


@pytest.mark.parametrize(
    "text",
    [
        "QuestionAnswering",
        "QuestionAnswering/Reader",
        "QuestionAnswering/Reader/fr",
        "QA/Reader/zh-Hant-TW@1.0",
    ],
)
def test_a_selector_prints_as_it_was_written(text: str) -> None:
    assert str(Selector.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "qa", "QA/", "QA/Reader/FR", "QA/Reader@2", "QA/Reader/fr@", "QA/Reader/fr@2/x", "QA Reader"]
)
def test_what_is_no_selector_is_refused_with_the_form_it_should_have(text: str) -> None:
    with pytest.raises(ValueError, match="Task/Model/lang@version"):
        Selector.parse(text)


def test_a_selector_matches_itself_and_what_lies_within_it() -> None:
    version = Selector.parse("QA/Reader/fr@2")
    for text in ("QA", "QA/Reader", "QA/Reader/fr", "QA/Reader/fr@2"):
        assert Selector.parse(text).matches(version), text
    for text in ("Other", "QA/Ranker", "QA/Reader/de", "QA/Reader/fr@1"):
        assert not Selector.parse(text).matches(version), text
