"""The name that callers of a TorchServe model use: kept by its entry, and missed where a change takes it away."""

import pytest

from artifacts.agent_configuration import models_document
from artifacts.served import ServedFiles
from engines.torchserve import ServingOptions
from model_catalog import BucketArtifact, Environment, Selector, Severity, TorchServeEntry
from model_catalog.changes import broken_rules, compare
from model_catalog.loader import check_texts
from planning import TorchServePlan, make_plan
from planning.observability import pod_monitor_spec
from tests.support.pools import POOLS
from workloads.agent import Archive, read_configuration

DIGEST = f"sha256:{'a' * 64}"
ENTRY = f"""
task: Vision
model: Digits
description: Reads digits.
owner: vision
engine: torchserve
device: cpu
license: apache-2.0
memory: {{weights: 1MiB, per_request: 1MiB}}
accepts: [{{rule: engine-supported, reason: As in tests., by: vision, until: 2027-06-30}}]
languages:
  mul:
    scripts: [Zyyy]
    served_name: mnist
    versions:
      "1":
        artifact: {{bucket: research, path: mnist.mar, digest: "{DIGEST}"}}
"""
RELEASE = 'Vision/Digits/mul: {default: "1"}\n'
VARIANT = Selector(task="Vision", model="Digits", language="mul")


def texts(entry: str = ENTRY) -> dict[str, bytes]:
    return {"entries/vision/digits.yaml": entry.encode(), "releases/dev.yaml": RELEASE.encode()}


def server(entry: str = ENTRY) -> TorchServePlan:
    (planned,) = make_plan(check_texts(texts(entry)).catalog, Environment.DEV, POOLS).servers
    assert isinstance(planned, TorchServePlan)
    return planned


def test_a_kept_name_is_the_model_s_in_paths_archives_and_the_agent_s_configuration() -> None:
    assert check_texts(texts()).problems == ()
    (model,) = server().models
    assert (model.name, model.path, model.variant_path) == (
        "mnist",
        "/predictions/mnist/1",
        "/predictions/mnist",
    )
    assert model.archive == "mnist_1.mar"
    artifact = BucketArtifact(bucket="research", path="mnist.mar", digest=DIGEST)
    files = ServedFiles(archive=Archive(DIGEST, "mnist.mar"), weights=None, thin=None, artifact=artifact)
    configured = read_configuration(models_document(server(), {model.selector: files}))
    assert list(configured.models) == ["mnist"]


def test_without_it_language_and_model_make_the_name() -> None:
    (model,) = server(ENTRY.replace("    served_name: mnist\n", "")).models
    assert (model.name, model.archive) == ("mul_digits", "mul_digits_1.mar")


def test_samples_of_a_name_with_a_dot_are_told_from_those_of_another_name() -> None:
    spec = pod_monitor_spec(server(ENTRY.replace("mnist\n", "squeezenet1.1\n", 1)))
    rules = spec["podMetricsEndpoints"][0]["metricRelabelings"]
    assert {rule["regex"] for rule in rules} == {"squeezenet1\\.1"}


def test_another_name_is_a_change_of_what_callers_get_and_a_warning() -> None:
    base, head = check_texts(texts()), check_texts(texts(ENTRY.replace("mnist\n", "digits\n", 1)))
    found = {one.environment: one for one in compare(base, head).environments}
    (change,) = found[Environment.DEV].renamed
    assert (change.selector, found[Environment.DEV].languages) == (VARIANT, ("mul",))
    assert [(one.name, one.old, one.new) for one in change.settings] == [("served_name", "mnist", "digits")]
    assert found[Environment.PROD].empty
    (problem,) = broken_rules(base, head)
    assert (problem.rule, problem.severity) == ("served-name-kept", Severity.WARNING)
    assert (problem.file, problem.line) == ("model_catalog/entries/vision/digits.yaml", 14)
    assert "whoever calls /predictions/mnist gets 404" in problem.message
    assert problem.fix.startswith("Write served_name: mnist")


def test_a_name_that_is_now_written_down_is_no_change() -> None:
    derived = ENTRY.replace("    served_name: mnist\n", "")
    written = ENTRY.replace("served_name: mnist", "served_name: mul_digits")
    base, head = check_texts(texts(derived)), check_texts(texts(written))
    assert [one.renamed for one in compare(base, head).environments] == [(), (), ()]
    assert broken_rules(base, head) == ()


def test_another_name_is_no_other_version() -> None:
    """The address changes with it, and the file name of an archive that an export writes."""
    renamed = ENTRY.replace("served_name: mnist", "served_name: digits")
    noted = renamed.replace('      "1":\n', '      "1":\n        notes: It reads digits.\n')
    rules = [problem.rule for problem in broken_rules(check_texts(texts()), check_texts(texts(noted)))]
    assert rules == ["served-name-kept"]


def test_an_entry_says_which_name_it_has_and_refuses_a_language_that_it_lacks() -> None:
    (entry,) = check_texts(texts()).catalog.entries
    assert isinstance(entry, TorchServeEntry)
    assert entry.server_model_name("mul") == "mnist"
    assert entry.version("mul", "1").serving == ServingOptions()
    with pytest.raises(KeyError):
        entry.server_model_name("fr")
