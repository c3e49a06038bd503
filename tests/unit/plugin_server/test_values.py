"""Values survive the way to the engine and back."""

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from plugin_server.values import UNKNOWN, contains_unknown, differences, from_struct, path_of, to_struct

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}

json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text().filter(lambda text: "\x00" not in text)
    | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), json_like, max_size=4))
def test_every_json_like_value_comes_back_as_it_was(properties: dict[str, object]) -> None:
    assert from_struct(to_struct(properties)) == properties


def test_whole_numbers_come_back_as_integers_and_others_as_floats() -> None:
    struct = struct_pb2.Struct()
    struct.update({"replicas": 2.0, "weight": 0.5})
    values = from_struct(struct)
    assert values == {"replicas": 2, "weight": 0.5}
    assert isinstance(values["replicas"], int)


def test_a_secret_is_unwrapped_because_the_engine_marks_it_again() -> None:
    struct = struct_pb2.Struct()
    struct.update({"token": {**SECRET, "value": "hunter2"}})
    assert from_struct(struct) == {"token": "hunter2"}


def test_an_asset_is_refused_rather_than_passed_on_as_a_map() -> None:
    struct = struct_pb2.Struct()
    struct.update({"source": {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17"}})
    with pytest.raises(TypeError, match="asset"):
        from_struct(struct)


def test_an_unknown_is_found_at_any_depth_and_has_no_truth_value() -> None:
    assert contains_unknown({"a": [{"b": UNKNOWN}]})
    assert not contains_unknown({"a": [{"b": None}]})
    with pytest.raises(TypeError, match="truth value"):
        bool(UNKNOWN)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [(("a",), "update")]),
        ({"a": 1}, {}, [(("a",), "delete")]),
        ({}, {"a": 1}, [(("a",), "add")]),
        ({"a": [1, 2]}, {"a": [1]}, [(("a", 1), "delete")]),
        ({"a": [1]}, {"a": [1, 2]}, [(("a", 1), "add")]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3, "c": 2}}, [(("a", "b"), "update")]),
        ({"a": "1"}, {"a": 1}, [(("a",), "update")]),
        ({"a": True}, {"a": 1}, [(("a",), "update")]),
        ({"a": 1}, {"a": UNKNOWN}, [(("a",), "update")]),
        ({"a": {"b": 1}}, {"a": [1]}, [(("a",), "update")]),
    ],
)
def test_differences_name_each_leaf_that_changed(old: object, new: object, expected: list[object]) -> None:
    assert list(differences(old, new)) == expected


def test_a_path_is_written_as_the_engine_reads_it() -> None:
    assert path_of(["spec", "containers", 0, "image"]) == "spec.containers[0].image"
    assert path_of(["metadata", "labels", "app.kubernetes.io/name"]) == (
        'metadata.labels["app.kubernetes.io/name"]'
    )
