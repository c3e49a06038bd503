"""A prediction is printed on one line, whatever a model answers."""

import pytest

from cli.serving import _short


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        ('{"language": "fr", "confidence": 0.9}', '{"language": "fr", "confidence": 0.9}'),
        ('{"language": "fr",\n "candidates": [{"language": "fr"}]}', '{"language": "fr", "candidates": "…"}'),
        ('{"answer": "мир"}', '{"answer": "мир"}'),
        ('["a",\n "b"]', '["a", "b"]'),
        ("plain\n text", "plain text"),
        ("x" * 81, "x" * 80 + "…"),
    ],
)
def test_an_answer_is_printed_short_and_whole_where_it_is_flat(answer: str, printed: str) -> None:
    assert _short(answer) == printed
