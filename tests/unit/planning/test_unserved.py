"""Which versions a TorchServe server leaves out, and what it says of each."""

from typing import Any

import pytest

from planning import unserved
from tests.unit.planning.changes.cases import CHAT, DIGEST, entry, plan

FR = "QuestionAnswering/Reader/fr"
BOTH = {FR: {"default": "1", "versions": ["1", "2"]}}
HUB = {"repository": "a/b", "revision": "unresolved", "digest": DIGEST}
UNRESOLVED = {"bucket": "research", "path": "a/b.mar", "digest": "unresolved"}
FOLDER = {"bucket": "research", "path": "a/b", "digest": DIGEST}


def reader(**said: Any) -> dict[str, Any]:
    """The settings of a version under its name, over those of the case."""
    found = entry("Reader", "fr")
    versions = found["languages"]["fr"]["versions"]
    for version, settings in said.items():
        versions[version[1:]] = versions[version[1:]] | settings
    return found


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"artifact": UNRESOLVED},
            "its artifact's digest is unresolved; `slipway artifacts digest s3://research/a/b.mar`",
        ),
        (
            {"artifact": HUB},
            "its artifact is a/b on the Hub, which nothing can be copied from yet; mirror it",
        ),
        ({"artifact": FOLDER}, "s3://research/a/b is no .mar and it has no handler; name the .mar"),
        ({"artifact": FOLDER, "handler": {"name": "reader", "version": "1.0.0"}}, None),
        ({}, None),
    ],
)
def test_what_has_no_files_to_copy_is_left_out_with_what_mends_it(
    settings: dict[str, Any], said: str | None
) -> None:
    (server,) = plan(reader(v2=settings), releases=BOTH).servers
    found = {str(selector): why for selector, why in unserved(server).items()}
    assert list(found) == ([f"{FR}@2"] if said else [])
    if said:
        assert found[f"{FR}@2"].startswith(f"not served: {said}")


def test_without_its_default_a_variant_is_left_out_whole() -> None:
    (server,) = plan(reader(v1={"artifact": UNRESOLVED}), releases=BOTH).servers
    assert [str(selector) for selector in unserved(server)] == [f"{FR}@1", f"{FR}@2"]
    assert list(unserved(server).values())[1] == "not served: its default, version 1, is not"


def test_a_language_model_is_never_left_out() -> None:
    (server,) = plan(llm=CHAT).servers
    assert unserved(server) == {}
