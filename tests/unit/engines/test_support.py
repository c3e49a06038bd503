import pytest

from engines import Support, tgi, torchserve, vllm


@pytest.mark.parametrize(
    ("support", "status"),
    [(tgi.SUPPORT, "maintenance"), (torchserve.SUPPORT, "unmaintained"), (vllm.SUPPORT, "supported")],
)
def test_an_engine_says_who_repairs_it_and_where_that_stands(support: Support, status: str) -> None:
    assert support.status == status
    assert support.source.startswith("https://")
    assert support.note.endswith(".")
