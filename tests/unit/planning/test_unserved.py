"""Which versions are not served, and what is said of each."""

from typing import Any

import pytest

from model_catalog import Selector
from planning import Server
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


def left_out(server: Server) -> dict[Selector, str]:
    return {model.selector: model.not_served for model in server.models if model.not_served}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"artifact": UNRESOLVED},
            "its artifact's digest is unresolved; `slipway artifacts digest s3://research/a/b.mar`",
        ),
        (
            {"artifact": HUB},
            (
                "its artifact is a/b on the Hub, and servers read nothing but their environment's bucket; "
                f"`slipway artifacts mirror {FR}@2 --to s3://BUCKET/PREFIX --write` brings it into a research bucket"
            ),
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
    found = {str(selector): why for selector, why in left_out(server).items()}
    assert list(found) == ([f"{FR}@2"] if said else [])
    if said:
        assert found[f"{FR}@2"].startswith(f"not served: {said}")


def test_without_its_default_a_variant_is_left_out_whole() -> None:
    (server,) = plan(reader(v1={"artifact": UNRESOLVED}), releases=BOTH).servers
    assert [str(selector) for selector in left_out(server)] == [f"{FR}@1", f"{FR}@2"]
    assert list(left_out(server).values())[1] == "not served: its default, version 1, is not"


LLM = "TextGeneration/Chat/mul@1"


def language_model(**said: Any) -> Server:
    """The server of a version that says something else."""
    variant = CHAT.languages["mul"]
    version = type(variant.versions["1"]).model_validate({**variant.versions["1"].model_dump(), **said})
    changed = variant.model_copy(update={"versions": {**variant.versions, "1": version}})
    (server,) = plan(llm=CHAT.model_copy(update={"languages": {"mul": changed}})).servers
    return server


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"artifact": HUB},
            (
                "its artifact is a/b on the Hub, and servers read nothing but their environment's bucket; "
                f"`slipway artifacts mirror {LLM} --to s3://BUCKET/PREFIX --write` brings it into a research bucket"
            ),
        ),
        (
            {"artifact": {**FOLDER, "digest": "unresolved"}},
            "its artifact's digest is unresolved; `slipway artifacts digest s3://research/a/b` prints it",
        ),
        (
            {"adapters": {"legal": {**FOLDER, "digest": "unresolved"}}},
            "its adapter legal's digest is unresolved; `slipway artifacts digest s3://research/a/b` prints it",
        ),
        (
            {"adapters": {"brief": FOLDER, "legal": HUB}},
            (
                "its adapter legal is a/b on the Hub, and servers read nothing but their environment's bucket; "
                f"`slipway artifacts mirror {LLM} --to s3://"
            ),
        ),
        ({"adapters": {"brief": FOLDER}}, None),
        ({}, None),
    ],
)
def test_a_language_model_without_files_to_copy_has_no_pods_and_says_what_mends_it(
    settings: dict[str, Any], said: str | None
) -> None:
    server = language_model(**settings)
    assert server.replicas == 1, "it is placed and paid for"
    assert server.running_replicas == (0 if said else 1)
    found = {str(selector): why for selector, why in left_out(server).items()}
    assert list(found) == ([LLM] if said else [])
    if said:
        assert found[LLM].startswith(f"not served: {said}")


def test_a_torchserve_server_runs_without_models_too() -> None:
    (server,) = plan(reader(v1={"artifact": UNRESOLVED}), releases=BOTH).servers
    assert server.running_replicas == server.replicas == 1
