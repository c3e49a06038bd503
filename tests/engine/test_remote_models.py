"""A remote_models.json comes in, and is served by the very files that it names, with the commands that a user has."""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from artifacts.archives import archive_key
from artifacts.storage import digest_path
from sandbox.inspection import Inspection
from sandbox.lifecycle import shell_exports
from tests.engine.clones import Clone, Ran, new_clone
from tests.engine.serves import Serving, installed_runtime

pytestmark = pytest.mark.engine

REPOSITORY: Final = Path(__file__).parents[2]
CASE: Final = REPOSITORY / "tests/unit/model_catalog/imports/cases/remote_models.json"
WEIGHTS: Final = REPOSITORY / "sandbox/research/reader/reader.json"
ENTRY: Final = "model_catalog/entries/question_answering/reader.yaml"
VARIANT, VERSION, MODEL = "QuestionAnswering/Reader/fr", "20230207180600", "fr_reader"
SELECTOR: Final = f"{VARIANT}@{VERSION}"
HANDLER: Final = """\
        handler: {name: extractive_reader, version: 1.0.0}
        smoke:
          body: '{"question": "Où se trouve le musée ?", "context": "Le musée se trouve à Paris."}'
          content_type: application/json
"""


@pytest.fixture(scope="module", name="promoted")
def _promoted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Clone, str]]:
    """The import, promoted into the sandbox, and what its digest was found to be."""
    installed_runtime()
    folder = tmp_path_factory.mktemp("research")
    (folder / "reader.json").write_bytes(WEIGHTS.read_bytes())
    clone = new_clone(tmp_path_factory.mktemp("clone"))
    try:
        clone.edit(ENTRY, "device: gpu", "device: cpu")
        clone.slipway("sandbox", "start").ok()
        upload(clone)
        clone.slipway("import", "remote-models", str(CASE), "--env", "sandbox", "--yes").ok()
        name_handler(clone)
        in_environment(clone, f"artifacts digest {SELECTOR} --write --yes").ok()
        clone.slipway("plan", "--env", "sandbox", "--write").ok()
        clone.slipway("sandbox", "up", "--no-serve").ok()
        yield clone, digest_path(folder).digest
    finally:
        clone.sandbox.stop()


def in_environment(clone: Clone, arguments: str) -> Ran:
    """`slipway` in what `slipway sandbox env` prints, for which no process is started."""
    exports = shell_exports(clone.sandbox.environment())
    return clone.shell(f"{exports}{shlex.quote(sys.executable)} -m cli.main {arguments}")


def upload(clone: Clone) -> None:
    """What research left there."""
    where = json.loads(CASE.read_text())["QuestionAnswering"]["Reader"]["fr"]["model_config"]
    s3 = clone.aws("s3")
    bucket = where["source_bucket_name"]
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=bucket, Key=f"{where['source_path']}/reader.json", Body=WEIGHTS.read_bytes())


def name_handler(clone: Clone) -> None:
    """The format knows of no handler, so a person names one in an editor."""
    head = f'      "{VERSION}":\n'
    clone.edit(ENTRY, head, f"{head}{HANDLER}")


def server_of(clone: Clone) -> tuple[str, dict[str, Any]]:
    outputs = json.loads(clone.pulumi("stack output --json --stack sandbox").ok())
    (found,) = [(name, server) for name, server in outputs["servers"].items() if SELECTOR in server["models"]]
    return found


def test_the_entry_has_the_digest_of_the_files_in_the_bucket_that_the_import_names(
    promoted: tuple[Clone, str],
) -> None:
    clone, digest = promoted
    entry = (clone.root / ENTRY).read_text()
    imported = entry[entry.index(f'"{VERSION}"') :]
    assert f"digest: {digest}" in imported
    again = in_environment(clone, f"artifacts digest {SELECTOR} --write --yes").ok()
    assert "so already" in again


def test_the_artifact_is_published_whole_under_its_digest_in_the_environment_s_bucket(
    promoted: tuple[Clone, str],
) -> None:
    clone, digest = promoted
    bucket = clone.pulumi("stack output bucket --stack sandbox").ok().strip()
    told = in_environment(clone, f"artifacts verify {SELECTOR} --bucket {bucket}").ok()
    assert f"artifacts/{digest}" in told.replace("\n", "")
    assert "whole: as it was published, by reading every byte" in told


def test_the_server_s_config_map_names_the_archive_and_the_weights_by_digest(
    promoted: tuple[Clone, str],
) -> None:
    clone, digest = promoted
    name, server = server_of(clone)
    path = f"/api/v1/namespaces/{server['namespace']}/configmaps/{name}-models"
    models = json.loads(Inspection(clone.sandbox).request("GET", path)["data"]["models.json"])
    version = models["models"][MODEL][VERSION]
    assert version["defaultVersion"] is True
    assert version["weights"] == {"digest": digest, "location": f"artifacts/{digest}"}
    assert version["archive"]["location"] == archive_key(version["archive"]["digest"])
    bucket = clone.pulumi("stack output bucket --stack sandbox").ok().strip()
    assert clone.aws("s3").head_object(Bucket=bucket, Key=version["archive"]["location"])["ContentLength"] > 0


def test_the_server_answers_in_french_with_the_imported_version_by_default(
    promoted: tuple[Clone, str],
) -> None:
    clone, _ = promoted
    name, _ = server_of(clone)
    serving = Serving(clone.start_slipway("sandbox", "serve", name))
    try:
        url = serving.until(r"answers at (http://127\.0\.0\.1:\d+)")[1]
        serving.until(rf"{MODEL} {VERSION}  servable, answers requests without a version")
        unversioned, versioned = (
            asked(f"{url}/predictions/{MODEL}{version}") for version in ("", f"/{VERSION}")
        )
    finally:
        serving.end()
    assert unversioned == versioned
    assert unversioned["answer"] == "Lyon"


def asked(url: str) -> dict[str, Any]:
    question = {
        "question": "Où se trouve la bibliothèque ?",
        "context": "La bibliothèque se trouve à Lyon. Elle ouvre à neuf heures.",
    }
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(url, json=question, timeout=30)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_the_exported_file_is_the_imported_one(promoted: tuple[Clone, str]) -> None:
    clone, _ = promoted
    exported = clone.slipway("export", "remote-models", VARIANT, "--env", "sandbox").ok()
    document, _, remarks = exported.rpartition("}\n")
    assert "left out" in remarks
    assert json.loads(f"{document}}}") == json.loads(CASE.read_text())
