from typing import Any

import pytest

from workloads.handlers.errors import RequestError
from workloads.handlers.request import Request, read_request

TEXT = {"text": "été"}
JSON = '{"text": "été"}'


@pytest.mark.parametrize(
    ("row", "content_type", "expected"),
    [
        pytest.param({"body": TEXT}, "application/json", Request(fields=TEXT), id="JSON, which TorchServe has read"),
        pytest.param({"data": TEXT}, "", Request(fields=TEXT), id="the same under data"),
        pytest.param({"body": JSON.encode()}, "application/json; charset=utf-8", Request(fields=TEXT),
                     id="JSON that TorchServe leaves as bytes, because of the charset"),
        pytest.param({"body": bytearray(JSON.encode())}, "application/octet-stream", Request(fields=TEXT),
                     id="JSON as bytes of no type"),
        pytest.param({"body": "été"}, "text/plain", Request(text="été"), id="plain text"),
        pytest.param({"body": "été".encode()}, "", Request(text="été"), id="bytes of no type"),
        pytest.param({"body": JSON}, "text/plain", Request(text=JSON), id="plain text that looks like JSON"),
        pytest.param({"body": b"{braces}"}, "", Request(text="{braces}"), id="text in braces"),
        pytest.param({"text": "été".encode(), "k": b"2"}, "application/x-www-form-urlencoded",
                     Request(fields={"text": "été", "k": "2"}), id="a form's fields"),
        pytest.param({"k": "2", "body": "été"}, "text/plain", Request(text="été", fields={"k": "2"}),
                     id="the address's parameter beside a body"),
        pytest.param({"k": "2", "body": {"k": 5}}, "application/json", Request(fields={"k": 5}),
                     id="the body's field before the address's"),
        pytest.param({}, "", Request(), id="nothing at all"),
        pytest.param(TEXT, "", Request(fields=TEXT), id="a notebook's fields"),
        pytest.param("été", "", Request(text="été"), id="a notebook's text"),
    ],
)  # fmt: skip
def test_a_row_is_read_by_what_its_content_type_says(row: Any, content_type: str, expected: Request) -> None:
    assert read_request(row, content_type) == expected


@pytest.mark.parametrize(
    ("row", "content_type", "said"),
    [
        ({"body": b"\xff"}, "text/plain", "not UTF-8"),
        ({"text": b"\xff"}, "", "not UTF-8"),
        ({"body": b'{"text": '}, "application/json", "not JSON"),
        ({"body": b"[1, 2]"}, "application/json", "no object"),
        ({"body": [1, 2]}, "application/json", "neither text nor a JSON object"),
        ({"body": b"[" * 100_000}, "application/json", "not JSON"),
        (None, "", "neither text nor a JSON object"),
    ],
)
def test_what_is_no_request_is_refused_with_what_to_send(row: Any, content_type: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        read_request(row, content_type)


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "missing"), (7, "no text"), ("", "empty"), (" \n", "empty"), ("\ud800", "surrogate")],
)
def test_a_field_of_text_is_text_that_says_something(value: Any, said: str) -> None:
    with pytest.raises(RequestError, match=f'"text" .*{said}'):
        Request(fields={"text": value}).string("text")


@pytest.mark.parametrize(("value", "read"), [(1, 1), (20, 20), ("7", 7)])
def test_a_whole_number_is_one_as_text_too(value: Any, read: int) -> None:
    assert Request(fields={"k": value}).integer("k", default=3, least=1, most=20) == read


@pytest.mark.parametrize("value", [0, 21, True, 2.0, "two", "9" * 5000, "²", None, [3]])
def test_what_is_no_whole_number_within_the_bounds_is_refused(value: Any) -> None:
    with pytest.raises(RequestError, match='"k" is no whole number from 1 to 20'):
        Request(fields={"k": value}).integer("k", default=3, least=1, most=20)


def test_a_number_that_is_left_out_is_its_default() -> None:
    assert Request().integer("k", default=3, least=1, most=20) == 3
