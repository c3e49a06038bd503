"""Which files serve a version of a plan, and the sentence that says why none do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from artifacts import RefusedError
from artifacts.archives import HandlerCode, archive_digest, thin_archive
from artifacts.served import NotServed, ServedFiles, served_files, unknown_handlers
from model_catalog import Catalog, EntryFile, Environment, Release, check_catalog
from planning import TorchServeModelPlan, TorchServePlan, make_plan
from tests.support.handlers import ECHO
from tests.support.pools import POOLS
from tests.unit.model_catalog.overlay import CATALOGS, TODAY, overlaid

DIGEST = f"sha256:{'a' * 64}"
BUCKET = {"bucket": "research-models", "path": "models/fr/reader", "digest": DIGEST}
ECHO_HANDLER = {"name": "echo", "version": "1.0.0"}
CODE = HandlerCode(name="echo", version="1.0.0", files=ECHO)
HANDLERS = {("echo", "1.0.0"): CODE}


def planned(artifact: dict[str, Any], handler: dict[str, str] | None = None) -> TorchServeModelPlan:
    """The only version of a plan's only server."""
    version = {
        "artifact": artifact,
        "license": "apache-2.0",
        "memory": {"weights": "440MiB", "per_request": "12MiB"},
        **({"handler": handler} if handler else {}),
    }
    entry = {
        "task": "QuestionAnswering",
        "model": "Reader",
        "description": "As in tests.",
        "owner": "team",
        "engine": "torchserve",
        "languages": {"fr": {"scripts": ["Latn"], "versions": {"2": version}}},
    }
    catalog = Catalog(
        entries=(EntryFile.model_validate(entry).root,),
        releases={Environment.DEV: Release.model_validate({"QuestionAnswering/Reader/fr": {"default": "2"}})},
    )
    (server,) = make_plan(catalog, Environment.DEV, POOLS).servers
    assert isinstance(server, TorchServePlan)
    (model,) = server.models
    return model


def test_a_handler_and_a_digest_give_a_thin_archive_and_the_weights_apart() -> None:
    served = served_files(planned(BUCKET, ECHO_HANDLER), HANDLERS)
    assert isinstance(served, ServedFiles)
    digest = archive_digest(thin_archive(model="fr_reader", version="2", handler=CODE, weights=DIGEST))
    assert (served.archive.digest, served.archive.location) == (digest, f"archives/{digest}.mar")
    assert served.weights is not None
    assert (served.weights.digest, served.weights.location) == (DIGEST, f"artifacts/{DIGEST}")
    assert served.thin is not None
    assert vars(served.thin) == {
        "model": "fr_reader",
        "version": "2",
        "handler_name": "echo",
        "handler_version": "1.0.0",
        "weights_digest": DIGEST,
        "digest": digest,
    }


def test_an_archive_that_research_packed_is_served_as_it_is() -> None:
    served = served_files(planned({**BUCKET, "path": "models/fr/reader-v2.mar"}), HANDLERS)
    assert isinstance(served, ServedFiles)
    assert (served.weights, served.thin, served.archive.digest) == (None, None, DIGEST)
    assert served.archive.location == f"artifacts/{DIGEST}/files/reader-v2.mar"


@pytest.mark.parametrize(
    ("artifact", "handler", "rule", "fix"),
    [
        (
            {**BUCKET, "digest": "unresolved"},
            ECHO_HANDLER,
            "served-artifact",
            "slipway artifacts digest s3://",
        ),
        ({**BUCKET, "digest": "unresolved"}, None, "served-artifact", "slipway artifacts digest s3://"),
        (
            {"repository": "a/b", "revision": "unresolved", "digest": DIGEST},
            None,
            "served-artifact",
            "slipway artifacts mirror QuestionAnswering/Reader/fr@2",
        ),
        (BUCKET, None, "archive-or-handler", "give it a handler"),
    ],
)
def test_what_cannot_be_served_says_which_version_by_which_rule_and_what_to_do(
    artifact: dict[str, Any], handler: dict[str, str] | None, rule: str, fix: str
) -> None:
    found = served_files(planned(artifact, handler), HANDLERS)
    assert isinstance(found, NotServed)
    assert str(found).startswith(f"QuestionAnswering/Reader/fr@2: {rule}: ")
    assert "and QuestionAnswering/Reader/fr with it: it is the default" in str(found)
    assert fix in str(found).partition("Fix: ")[2]


def test_a_version_beside_the_default_is_left_out_alone() -> None:
    found = served_files(replace(planned({**BUCKET, "digest": "unresolved"}), default=False), HANDLERS)
    assert "so it is not served. Fix: " in str(found)


@pytest.mark.parametrize("digest", [DIGEST, "unresolved"])
def test_a_handler_that_nobody_released_is_refused_whatever_the_digest(digest: str) -> None:
    model = planned({**BUCKET, "digest": digest}, {"name": "echo", "version": "9"})
    with pytest.raises(RefusedError, match=r"Reader/fr@2: handler-known: .*\(1\.0\.0\)"):
        served_files(model, HANDLERS)


def test_handlers_that_nobody_released_are_found_in_the_catalog_with_file_and_line(tmp_path: Path) -> None:
    root = overlaid(CATALOGS / "error.weights_that_nobody_loads", tmp_path)
    checked = check_catalog(root, today=TODAY)
    (problem,) = unknown_handlers(checked.catalog, checked.entries, HANDLERS)
    assert str(problem) == (
        "catalog/entries/language_identification/fast_text.yaml:19:18 handler-known the handler fast_text has no "
        "released version '1.0.0'. Name a released handler (echo), or release it with "
        "`python -m workloads.handlers.release fast_text`"
    )
    known = {**HANDLERS, ("fast_text", "1.0.0"): CODE}
    assert list(unknown_handlers(checked.catalog, checked.entries, known)) == []
