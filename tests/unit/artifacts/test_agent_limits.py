"""The limits of the catalog and of the agent agree: at each of them both take the most, and refuse one more."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest
import yaml

from artifacts import RefusedError
from artifacts.agent_configuration import models_document
from artifacts.planned import refused_configurations, server_artifacts
from artifacts.served import ServedFiles
from model_catalog import (
    BucketArtifact,
    Checked,
    Environment,
    Smoke,
    TorchServeEntry,
    TorchServeVersion,
    check_texts,
)
from planning import Plan, TorchServeModelPlan, TorchServePlan, make_plan
from tests.support.pools import POOLS
from workloads.agent import Archive, configuration, limits, read_configuration, texts
from workloads.artifacts import bounded
from workloads.artifacts import limits as of_documents

DIGEST = f"sha256:{'a' * 64}"
ARTIFACT = {"bucket": "research-models", "path": "models/reader.mar", "digest": DIGEST}
VARIANT = "QuestionAnswering/Reader/fr"
LONGEST_TYPE = "a/" + "b" * (limits.LONGEST_CONTENT_TYPE - 2)
LONGEST_FILE = "r" * 251 + ".mar"
"""A file's name has 255 bytes at most, so no key below artifacts/ comes near the agent's limit."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A key of a version at one of the agent's limits."""

    limits: tuple[str, ...]
    key: str
    most: Mapping[str, Any]
    """The keys of the version, or of its language."""
    beyond: Mapping[str, Any]
    rule: str = "agent-limits"


def serving(option: str, most: Any, beyond: Any, *names: str) -> Case:
    workers = {"max_workers": most} if option == "min_workers" else {}
    return Case(
        limits=names,
        key=option,
        most={"serving": {**workers, option: most}},
        beyond={"serving": {option: beyond}},
    )


CASES = (
    serving("min_workers", limits.MOST_WORKERS, limits.MOST_WORKERS + 1, "MOST_WORKERS"),
    serving("max_workers", limits.MOST_WORKERS, limits.MOST_WORKERS + 1, "MOST_WORKERS"),
    serving("batch_size", limits.MOST_BATCHED, limits.MOST_BATCHED + 1, "MOST_BATCHED"),
    serving("max_batch_delay", "1h", "3600001ms", "LONGEST_BATCH_DELAY_MILLISECONDS"),
    # The grace of a server follows from its longest answer.
    serving("response_timeout", "24h", "86401s", "LONGEST_TIMEOUT_SECONDS", "LONGEST_GRACE_SECONDS"),
    serving("startup_timeout", "24h", "86401s", "LONGEST_TIMEOUT_SECONDS"),
    Case(
        limits=("LONGEST_CONTENT_TYPE",),
        key="content_type",
        most={"smoke": {"body": "x", "content_type": LONGEST_TYPE}},
        beyond={"smoke": {"body": "x", "content_type": f"{LONGEST_TYPE}b"}},
    ),
    Case(
        limits=("LONGEST_LOCATION",),
        key="path",
        most={"artifact": {**ARTIFACT, "path": f"models/{LONGEST_FILE}"}},
        beyond={"artifact": {**ARTIFACT, "path": f"models/r{LONGEST_FILE}"}},
        rule="names-fit",
    ),
    Case(
        limits=("LONGEST_NAME",),
        key="served_name",
        most={"served_name": "n" * limits.LONGEST_NAME},
        beyond={"served_name": "n" * (limits.LONGEST_NAME + 1)},
    ),
)
OF_WHOLE_SERVERS = {"DEEPEST", "LONGEST_CONFIGURATION", "MOST_VALUES", "MOST_VERSIONS"}
"""Limits of all that a server has together: the tests below this table."""
OF_NO_KEY = {"LARGEST_NUMBER"}
"""The format's own number; all others have smaller limits."""


def read(said: Mapping[str, Any], count: int = 1) -> Checked:
    """A catalog of one variant with so many versions, all alike."""
    names = [str(number) for number in range(count)]
    of_language = {key: value for key, value in said.items() if key == "served_name"}
    version = {key: value for key, value in said.items() if key not in of_language}
    entry = {
        "task": "QuestionAnswering",
        "model": "Reader",
        "description": "As in tests.",
        "owner": "team",
        "engine": "torchserve",
        "device": "cpu",
        "license": "apache-2.0",
        "memory": {"weights": "1MiB", "per_request": "1MiB"},
        "accepts": [
            {"rule": rule, "reason": "As in tests.", "by": "team", "until": "2027-06-30"}
            for rule in ("batching-waits", "engine-supported")
        ],
        "languages": {
            "fr": {
                "scripts": ["Latn"],
                **of_language,
                "versions": {name: {"artifact": ARTIFACT, **version} for name in names},
            }
        },
    }
    release = {VARIANT: {"default": "0", "versions": names}}
    return check_texts(
        {
            "entries/question_answering/reader.yaml": yaml.safe_dump(entry).encode(),
            "releases/dev.yaml": yaml.safe_dump(release).encode(),
        }
    )


def plan() -> Plan:
    return make_plan(read({}).catalog, Environment.DEV, POOLS)


def only(planned: Plan) -> TorchServePlan:
    (server,) = planned.servers
    assert isinstance(server, TorchServePlan)
    return server


def with_models(planned: Plan, *models: TorchServeModelPlan) -> Plan:
    """Put the models into the plan's server, where no node may have room for them."""
    return replace(planned, servers=(replace(only(planned), models=models),))


def document(checked: Checked) -> str:
    """The configuration of a server that has the catalog's version."""
    entry = checked.catalog.entries[0]
    version = entry.version("fr", "0")
    assert isinstance(entry, TorchServeEntry)
    assert isinstance(version, TorchServeVersion)
    planned = plan()
    named = replace(only(planned).models[0], name=entry.server_model_name("fr"), triple=version)
    server = only(with_models(planned, named))
    found, _ = server_artifacts(server, {})
    return found.models


def names_in(module: ModuleType) -> set[str]:
    """The limits that a module of the agent goes by."""
    known = vars(limits).keys() | vars(of_documents).keys()
    return {name for name in vars(module).keys() & known if name.isupper()}


def test_every_limit_of_a_configuration_has_a_case_here() -> None:
    held = names_in(configuration) | names_in(texts) | names_in(bounded)
    named = {name for case in CASES for name in case.limits}
    assert held - OF_NO_KEY == named | OF_WHOLE_SERVERS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_the_most_that_the_catalog_lets_pass_is_what_the_agent_takes(case: Case) -> None:
    checked = read(case.most)
    assert checked.problems == ()
    read_configuration(document(checked))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_what_the_agent_refuses_the_catalog_refuses_with_place_rule_and_fix(case: Case) -> None:
    checked = read(case.beyond)
    (problem,) = checked.problems
    assert problem.rule == case.rule
    assert problem.file.endswith("reader.yaml")
    assert problem.line > 1
    assert f"{case.key} " in problem.message
    assert problem.fix
    with pytest.raises(RefusedError):
        document(checked)


def several(count: int, **changes: Any) -> Plan:
    """A plan whose server has so many versions."""
    planned = plan()
    (model,) = only(planned).models
    triple = model.triple.model_copy(update=changes)
    return with_models(
        planned,
        *(replace(model, version=str(n), default=n == 0, triple=triple) for n in range(count)),
    )


def files_of(server: TorchServePlan) -> dict[Any, ServedFiles]:
    archive = Archive(DIGEST, f"artifacts/{DIGEST}/files/reader.mar")
    artifact = BucketArtifact(bucket="research-models", path="reader.mar", digest=DIGEST)
    return {
        model.selector: ServedFiles(archive=archive, weights=None, thin=None, artifact=artifact)
        for model in server.models
    }


def test_a_server_takes_a_thousand_versions_and_a_variant_may_have_as_many() -> None:
    assert read({}, limits.MOST_VERSIONS).problems == ()
    server = only(several(limits.MOST_VERSIONS))
    models = read_configuration(models_document(server, files_of(server))).models
    assert len(models["fr_reader"]) == limits.MOST_VERSIONS


def test_a_variant_with_one_version_more_is_refused_where_its_release_says_so() -> None:
    (problem,) = read({}, limits.MOST_VERSIONS + 1).problems
    assert (problem.file, problem.rule) == ("model_catalog/releases/dev.yaml", "agent-limits")
    assert problem.message.startswith(f"{VARIANT} runs 1001 versions")
    (found,) = refused_configurations([several(limits.MOST_VERSIONS + 1)], read({}).releases, {})
    assert (found.file, found.line, found.rule) == ("model_catalog/releases/dev.yaml", 1, "agent-accepts")
    assert "versions: 1001; the rule: it is at most 1000" in found.message


@pytest.mark.parametrize(
    ("body", "count", "rule", "said"),
    [
        ("x" * 9_000, 101, "configmap-size", "a ConfigMap holds 900KiB of it"),
        ("," * 9_000, 25, "agent-accepts", f"it holds more than {of_documents.MOST_VALUES} values"),
    ],
    ids=["more than a ConfigMap", "more values than the agent counts"],
)
def test_a_server_whose_smoke_inputs_are_too_much_together_is_refused(
    body: str, count: int, rule: str, said: str
) -> None:
    planned = several(count, smoke=Smoke(body=body, content_type="text/plain"))
    (problem,) = refused_configurations([planned], read({}).releases, {})
    assert (problem.rule, problem.line) == (rule, 1)
    assert said in problem.message
    assert "sharing.max_models" in problem.fix
    fewer = several(count // 2, smoke=Smoke(body=body, content_type="text/plain"))
    assert list(refused_configurations([fewer], read({}).releases, {})) == []


def test_a_file_that_no_server_could_fetch_is_refused_and_the_fix_is_to_rename_it() -> None:
    artifact = BucketArtifact(bucket="research-models", path="models/read\u202eer.mar", digest=DIGEST)
    (problem,) = refused_configurations([several(1, artifact=artifact)], read({}).releases, {})
    assert (problem.rule, problem.fix) == ("agent-accepts", "Rename it")
