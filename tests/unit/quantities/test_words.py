"""Numbers with the thing that they count."""

import pytest

from quantities import counted


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 nodes"), (1, "1 node"), (2, "2 nodes"), (2500, "2,500 nodes")]
)
def test_one_thing_is_one_and_thousands_are_grouped(number: int, said: str) -> None:
    assert counted(number, "node") == said
