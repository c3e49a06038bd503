"""What holds for every handler: rows do not touch each other, and a batch answers as its rows do alone."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.workloads.handlers.samples import MODELS, Context, Lengths, lengths
from workloads.handlers.model import Model
from workloads.handlers.sentence_embedding.processing import SentenceEmbedding
from workloads.handlers.torchserve import TorchServeModel

TYPES = ("", "text/plain", "application/json", "application/octet-stream", "multipart/form-data")
texts = st.text(max_size=40)
values = st.one_of(
    texts, st.binary(max_size=30), st.integers(), st.none(), st.floats(), st.lists(st.integers(), max_size=2)
)
fields = st.dictionaries(st.sampled_from(["text", "k", "question", "context", "body", "data", "x"]), values)
bodies = st.one_of(
    values,
    fields,
    st.builds(lambda found: json.dumps(found, default=str).encode(), fields),
    st.builds(lambda question, context: {"question": question, "context": context}, texts, texts),
    st.builds(lambda text: {"text": text}, texts),
)
rows = st.one_of(fields, st.builds(lambda body: {"body": body}, bodies))
models = pytest.mark.parametrize("model", [make() for make in MODELS], ids=[make.__name__ for make in MODELS])


@models
@settings(deadline=None)  # how long one takes is the machine's load
@given(batch=st.lists(st.tuples(rows, st.sampled_from(TYPES)), max_size=5))
def test_a_batch_gives_what_its_rows_give_alone(model: Model[Any], batch: Sequence[tuple[Any, str]]) -> None:
    together = model.outcomes([row for row, _ in batch], [content_type for _, content_type in batch])
    assert together == [model.outcomes([row], [content_type])[0] for row, content_type in batch]


@models
@settings(deadline=None)  # how long one takes is the machine's load
@given(row=rows, content_type=st.sampled_from(TYPES))
def test_any_request_gets_an_answer_or_is_told_what_is_wrong_with_it(
    model: Model[Any], row: Any, content_type: str
) -> None:
    (outcome,) = model.outcomes([row], [content_type])
    assert outcome.status in {200, 400}
    assert (outcome.status == 200) == ("error" not in outcome.content)
    json.dumps(outcome.content, allow_nan=False).encode()


@models
@settings(deadline=None)  # how long one takes is the machine's load
@given(body=st.binary(max_size=200), content_type=st.sampled_from(TYPES))
def test_any_bytes_get_an_answer_or_a_refusal(model: Model[Any], body: bytes, content_type: str) -> None:
    assert model.outcomes([{"body": body}], [content_type])[0].status in {200, 400}


def test_rows_that_can_be_answered_are_one_pass_of_the_model() -> None:
    embedder = Lengths()
    outcomes = Model(SentenceEmbedding(embedder)).outcomes(["ab", "", "abcd"])
    assert [outcome.status for outcome in outcomes] == [200, 400, 200]
    assert embedder.passes == [["ab", "abcd"]]


def test_a_row_that_the_model_fails_on_leaves_its_neighbours_answered() -> None:
    outcomes = lengths().outcomes(["ab", Lengths.POISON, "abcd"])
    assert [outcome.status for outcome in outcomes] == [200, 500, 200]
    assert outcomes[2] == lengths().outcomes(["abcd"])[0]


def test_a_model_that_loses_an_answer_gives_none_to_the_wrong_row() -> None:
    class Forgetful(Lengths):
        def embed(self, texts: Sequence[str]) -> list[Any]:
            return super().embed(texts)[:1]

    outcomes = Model(SentenceEmbedding(Forgetful())).outcomes(["ab", "abcd"])
    assert outcomes == lengths().outcomes(["ab", "abcd"])


def served(make: Callable[[], Model[Any]]) -> TorchServeModel:
    class Handler(TorchServeModel):
        load = staticmethod(lambda _folder, _device: make())

    return Handler()


def test_torchserve_gets_one_document_a_row_with_its_own_status(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLIPWAY_VERSIONS", raising=False)
    (tmp_path / "weights").mkdir()
    handler = served(lengths)
    handler.initialize(Context(model_dir=tmp_path))
    batch: list[dict[str, Any]] = [
        {"body": "été"},
        {"body": b"\xff"},
        {"body": Lengths.POISON},
        {"body": b'{"text": "a"}'},
    ]
    context = Context(
        len(batch), content_types=["text/plain", "text/plain", "text/plain", "application/json"]
    )
    answers = handler.handle(batch, context)
    assert [context.statuses[row] for row in range(4)] == [200, 400, 500, 200]
    assert set(context.types.values()) == {"application/json; charset=utf-8"}
    assert [sorted(json.loads(answer)) for answer in answers] == [
        ["embedding", "truncated"], ["error"], ["error"], ["embedding", "truncated"]
    ]  # fmt: skip


def test_a_handler_that_was_not_initialised_says_so() -> None:
    with pytest.raises(RuntimeError, match="before initialize"):
        served(lengths).handle([{"body": "a"}], Context(1))
