"""The main job as a newcomer runs it: the real engine and control plane, from a clone of its own."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from sandbox import processes, tokens
from sandbox.inspection import Inspection
from sandbox.lifecycle import ROLES
from sandbox.research import stand_in
from tests.engine import crashes
from tests.engine.clones import Clone, changes, new_clone
from tests.engine.weights import Fetch

pytestmark = pytest.mark.engine

ENTRY = "model_catalog/entries/language_identification/fast_text.yaml"
RELEASE = "model_catalog/releases/sandbox.yaml"
LOCK = "model_catalog/placement/sandbox.lock"
SELECTOR = "QuestionAnswering/Reader/fr"
SERVER = "gpu-g4dn-xlarge-torchserve-1"
IDENTIFIER = "cpu-m6i-2xlarge-torchserve-1"
STAND_IN, WRITER = "text-generation-stand-in-en-1", "text-generation-writer-mul-1"


@pytest.fixture(scope="module", name="deployed")
def _deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Clone, str]]:
    clone = new_clone(tmp_path_factory.mktemp("clone"))
    try:
        yield clone, clone.slipway("sandbox", "up", "--no-serve").ok()
    finally:
        clone.sandbox.stop()


@pytest.fixture(name="clone")
def _clone(deployed: tuple[Clone, str]) -> Iterator[Clone]:
    clone, _ = deployed
    if not processes.running(clone.sandbox.paths):
        clone.slipway("sandbox", "up", "--no-serve").ok()
    yield clone
    clone.restore()


def test_up_ends_with_what_serves_what_where_and_marks_what_is_emulated(deployed: tuple[Clone, str]) -> None:
    _, output = deployed
    for version in ("1.0", "2"):
        served = re.search(rf"{SELECTOR}@{version}\s.*{SERVER}\s+gpu-.*", output)
        assert served, output
        assert "not served" in served[0]
    assert "Running on ip-" in output
    assert "Emulated: AWS (moto" in output
    assert "no container runs" in output
    assert re.search(r"private, versioned, encrypted with aws:kms.*emulated S3", output)


def test_the_real_scheduler_bound_the_pods_to_the_gpu_pool(clone: Clone) -> None:
    pods = Inspection(clone.sandbox).pods("slipway-serving", f"slipway.dev/server={SERVER}")
    assert [(pod.phase, pod.pool) for pod in pods] == [("Running", "gpu-g4dn-xlarge")]


NOT_RESTRICTED = {"slipway-node-metrics"}
"""Namespaces of ours that do not enforce `restricted`; docs/monitoring.md gives the reason of each pod in them."""

WORKLOADS = ("apps/v1/daemonsets", "apps/v1/deployments", "apps/v1/statefulsets", "batch/v1/jobs")


def test_every_pod_that_we_define_passes_the_restricted_standard_of_the_real_api_server(clone: Clone) -> None:
    standards = {
        namespace["metadata"]["name"]: namespace["metadata"]["labels"].get(
            "pod-security.kubernetes.io/enforce"
        )
        for namespace in _listed(clone, "/api/v1/namespaces")
        if namespace["metadata"]["name"].startswith("slipway-")
    }
    assert {name for name, standard in standards.items() if standard != "restricted"} == NOT_RESTRICTED
    workloads = [item for kind in WORKLOADS for item in _listed(clone, f"/apis/{kind}")]
    engines = {item["metadata"]["labels"]["app.kubernetes.io/name"] for item in workloads}
    assert engines == {"tgi", "torchserve", "vllm"}
    for item in workloads:
        template = item["spec"]["template"]
        assert standards[item["metadata"]["namespace"]] == "restricted"
        _dry_run_pod(clone, item["metadata"]["namespace"], template["spec"])
        with pytest.raises(requests.HTTPError, match='violates PodSecurity "restricted:latest"'):
            _dry_run_pod(clone, item["metadata"]["namespace"], {**template["spec"], "hostNetwork": True})


def test_the_bucket_answers_over_the_s3_api_and_is_private_versioned_and_encrypted(clone: Clone) -> None:
    bucket = _output(clone, "bucket")
    s3 = clone.aws("s3")
    s3.put_object(Bucket=bucket, Key="probe", Body=b"1")
    s3.put_object(Bucket=bucket, Key="probe", Body=b"2")
    assert len(s3.list_object_versions(Bucket=bucket, Prefix="probe")["Versions"]) == 2
    facts = Inspection(clone.sandbox).bucket(bucket)
    assert (facts.private, facts.versioned, facts.encryption) == (True, True, "aws:kms")


def _release(clone: Clone, namespace: str, name: str) -> dict[str, Any]:
    """Helm's own record of a release."""
    (secret,) = _listed(
        clone, f"/api/v1/namespaces/{namespace}/secrets?labelSelector=owner%3Dhelm%2Cname%3D{name}"
    )
    packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
    record: dict[str, Any] = json.loads(gzip.decompress(packed))
    return record


def test_helm_itself_installs_stand_ins_that_say_so_with_the_operator_s_own_definitions(clone: Clone) -> None:
    for name in ("prometheus-operator-crds", "kube-prometheus-stack"):
        release = _release(clone, "slipway-monitoring", name)
        assert release["info"]["status"] == "deployed"
        assert release["info"]["notes"].startswith(f"This is a stand-in for {name} ")
    (rules,) = (
        definition
        for definition in _listed(clone, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
        if definition["metadata"]["name"] == "prometheusrules.monitoring.coreos.com"
    )
    assert rules["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert rules["metadata"]["annotations"]["operator.prometheus.io/version"]


def test_a_misspelt_field_of_a_definition_s_kind_is_refused_by_the_real_schema(clone: Clone) -> None:
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "probe"},
        "spec": {"groups": [{"name": "a", "rules": [{"alert": "A", "expr": "1", "form": "5m"}]}]},
    }
    path = "/apis/monitoring.coreos.com/v1/namespaces/slipway-serving/prometheusrules"
    with pytest.raises(requests.HTTPError, match="unknown field"):
        Inspection(clone.sandbox).request("POST", f"{path}?dryRun=All&fieldValidation=Strict", rule)


def test_a_second_up_changes_nothing(clone: Clone) -> None:
    output = clone.slipway("sandbox", "up", "--no-serve").ok()
    assert re.search(r"Resources:\n\s+\d+ unchanged\n", output), output


def test_refresh_straight_after_up_sees_no_change(clone: Clone) -> None:
    output = clone.pulumi("refresh", "--stack sandbox --yes --skip-preview --expect-no-changes").ok()
    assert re.search(r"Resources:\n\s+\d+ unchanged\n", output), output


def test_running_the_sandbox_leaves_the_checkout_clean(clone: Clone) -> None:
    assert clone.shell("git status --porcelain").ok() == ""


def test_a_plain_pulumi_preview_works_in_the_environment_that_sandbox_env_prints(clone: Clone) -> None:
    output = clone.in_printed_environment("pulumi preview --stack sandbox --expect-no-changes").ok()
    assert re.search(r"\d+ unchanged", output)


def test_the_emulators_refuse_another_stack_by_name(clone: Clone) -> None:
    clone.pulumi("stack", "init prod --no-select").ok()
    refused = clone.pulumi("preview", "--stack prod --non-interactive")
    assert refused.code != 0
    assert (
        "the stack is 'prod', and only 'sandbox', 'sandbox-platform', 'sandbox-serving' are emulated"
        in refused.output
    )


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("AWS_ENDPOINT_URL", "not a loopback address"),
        ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_S3 is set, which sends AWS calls to another address"),
    ],
)
def test_the_emulators_refuse_an_endpoint_that_is_not_this_machine(
    clone: Clone, variable: str, said: str
) -> None:
    refused = clone.in_printed_environment(
        f"{variable}=https://s3.eu-west-1.amazonaws.com pulumi preview --stack sandbox --non-interactive"
    )
    assert refused.code != 0
    assert said in refused.output


def test_a_new_version_is_an_archive_and_one_configmap_and_every_pod_stays(clone: Clone) -> None:
    entry = yaml.safe_load((clone.root / ENTRY).read_text())
    versions = entry["languages"]["mul"]["versions"]
    versions["2"] = {**versions["1"], "notes": "The same, once more."}
    (clone.root / ENTRY).write_text(yaml.safe_dump(entry))
    clone.edit(RELEASE, 'FastText/mul: {default: "1"}', 'FastText/mul: {default: "2", versions: ["1", "2"]}')
    assert clone.steps() == {
        "slipway:index:ThinArchive language-identification-fast-text-mul-2-archive": "create",
        f"kubernetes:core/v1:ConfigMap {IDENTIFIER}-models": "update",
    }
    before = _pod_uids(clone)
    up = clone.slipway("sandbox", "up", "--no-serve").ok()
    assert re.search(rf"FastText/mul@2\s+yes\s+{IDENTIFIER}\s", up), up
    assert _pod_uids(clone) == before
    (document,) = (
        item["data"]["models.json"]
        for item in _listed(clone, "/api/v1/namespaces/slipway-serving/configmaps")
        if item["metadata"]["name"] == f"{IDENTIFIER}-models"
    )
    defaults = {
        version: spec["defaultVersion"]
        for version, spec in json.loads(document)["models"]["mul_fasttext"].items()
    }
    assert defaults == {"1": False, "2": True}
    clone.restore()
    clone.slipway("sandbox", "up", "--no-serve").ok()
    assert _pod_uids(clone) == before


def test_a_version_whose_digest_nobody_has_computed_is_told_about_and_changes_nothing(clone: Clone) -> None:
    preview = clone.preview()
    (warning,) = (d["message"] for d in preview["diagnostics"] if "not served yet" in d["message"])
    assert f"{SELECTOR}@2" in warning
    assert "slipway artifacts digest s3://" in warning
    assert changes(preview) == {}


CONFIGURED = {
    f"kubernetes:core/v1:ConfigMap {IDENTIFIER}-models": "update",
    # Its relabelling says the language of each sample.
    f"kubernetes:monitoring.coreos.com/v1:PodMonitor {IDENTIFIER}-monitoring-pods": "update",
}
"""All that changes in the cluster where a server gets or loses a language of an entry that it serves: no pod, no role,
no alert, no node."""
ARCHIVE = "slipway:index:ThinArchive language-identification-fast-text-de-1-archive"
"""And in the bucket. Its weights are there."""


def _release_german(clone: Clone) -> None:
    entry = yaml.safe_load((clone.root / ENTRY).read_text())
    entry["languages"]["de"] = {
        "scripts": ["Latn"],
        "versions": {"1": entry["languages"]["mul"]["versions"]["1"]},
    }
    # No script tells German from all languages.
    entry["language_from"] = "caller"
    (clone.root / ENTRY).write_text(yaml.safe_dump(entry))
    with (clone.root / RELEASE).open("a") as release:
        release.write('LanguageIdentification/FastText/de:\n  default: "1"\n  versions: ["1"]\n')


def test_a_language_comes_and_goes_by_entry_and_release_lines_and_touches_its_server_alone(
    clone: Clone,
) -> None:
    _release_german(clone)
    assert clone.steps() == {**CONFIGURED, ARCHIVE: "create"}
    before = _pod_uids(clone)
    up = clone.slipway("sandbox", "up", "--no-serve").ok()
    assert re.search(rf"LanguageIdentification/FastText/de@1\s+yes\s+{IDENTIFIER}\s", up), up
    assert "model_catalog/placement/sandbox.lock does not say where everything is" in up
    assert clone.steps() == {}
    clone.restore()
    assert clone.steps() == {**CONFIGURED, ARCHIVE: "delete"}
    assert "FastText/de" not in clone.slipway("sandbox", "up", "--no-serve").ok().split("Resources:")[1]
    assert _pod_uids(clone) == before


def test_the_lock_line_of_a_language_changes_nothing_but_ends_the_warning(clone: Clone) -> None:
    _release_german(clone)
    written = clone.slipway("plan", "--env", "sandbox", "--write").ok()
    assert "LanguageIdentification/FastText/de: nowhere → cpu-m6i-2xlarge/torchserve-1" in written
    added = clone.shell(f"git diff -U0 {LOCK} | grep '^[+-][^+-]'").ok()
    assert added == "+LanguageIdentification/FastText/de  cpu-m6i-2xlarge/torchserve-1\n"
    previewed = clone.preview()
    assert changes(previewed) == {**CONFIGURED, ARCHIVE: "create"}
    warnings = [diagnostic["message"] for diagnostic in previewed["diagnostics"]]
    assert [warning for warning in warnings if "placement/sandbox.lock" in warning] == []


def test_a_wrong_setting_stops_before_any_resource_and_names_key_file_and_fix(clone: Clone) -> None:
    clone.edit("Pulumi.sandbox.yaml", "slipway:forceDestroy: true", "slipway:forceDestory: true")
    failed = clone.pulumi("preview", "--stack sandbox --non-interactive")
    assert failed.code != 0
    assert "Pulumi.sandbox.yaml: slipway:forceDestory is not a setting" in failed.output
    assert "Did you mean slipway:forceDestroy?" in failed.output
    assert "Traceback" not in failed.output


def test_a_wrong_catalog_stops_before_any_resource_and_names_file_line_rule_and_fix(clone: Clone) -> None:
    clone.edit(RELEASE, 'default: "2"', 'default: "9"')
    failed = clone.pulumi("preview", "--stack sandbox --non-interactive")
    assert failed.code != 0
    assert re.search(r"releases/sandbox\.yaml:\d+:\d+ ", failed.output), failed.output
    assert "Traceback" not in failed.output


def test_nothing_in_the_state_gives_access_to_the_cluster(clone: Clone) -> None:
    state = json.dumps(clone.state())
    secrets = (
        tokens.admin_token(clone.sandbox.paths),
        tokens.deployer_token(clone.sandbox.paths),
    )
    assert all(token not in state for token in secrets)


def test_a_language_model_s_weights_go_from_the_research_bucket_to_where_its_engine_looks_for_them(
    clone: Clone, tmp_path: Path
) -> None:
    fetch = Fetch.of(clone, STAND_IN)
    code, log = fetch.run(tmp_path)
    assert (code, log[-1]["message"]) == (0, "fetched and checked"), log
    assert {path.name: path.read_bytes() for path in fetch.folder(tmp_path).iterdir()} == stand_in.files()
    code, log = fetch.run(tmp_path)
    assert (code, log[-1]["message"]) == (0, "there already, and hashed again"), log


def test_a_pod_refuses_tampered_weights_until_they_are_copied_again(clone: Clone, tmp_path: Path) -> None:
    fetch, s3, bucket = Fetch.of(clone, STAND_IN), clone.aws("s3"), _output(clone, "bucket")
    (listed,) = [word for word in fetch.arguments if word.startswith("sha256:")]
    key = f"artifacts/{listed.partition('=')[0]}/files/model.safetensors"
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=content[:-1] + bytes([content[-1] ^ 1]))
    code, log = fetch.run(tmp_path)
    assert (code, log[-1]["rule"]) == (1, "artifact-checked"), log
    assert key in log[-1]["message"]
    assert "`pulumi refresh` and `pulumi up`" in log[-1]["fix"]
    assert not fetch.folder(tmp_path).exists()
    clone.pulumi("refresh", "--stack sandbox --yes --skip-preview").ok()
    clone.slipway("sandbox", "up", "--no-serve").ok()
    assert fetch.run(tmp_path)[0] == 0
    assert (fetch.folder(tmp_path) / "model.safetensors").read_bytes() == content


def test_a_language_model_that_cannot_be_served_has_no_pod_and_keeps_no_update_waiting(
    deployed: tuple[Clone, str], clone: Clone
) -> None:
    _, output = deployed
    told = " ".join(output.split())
    assert "`slipway artifacts mirror TextGeneration/Writer/mul@1 --to s3://" in told
    (deployment,) = (
        item
        for item in _listed(clone, "/apis/apps/v1/namespaces/slipway-serving/deployments")
        if item["metadata"]["labels"]["slipway.dev/server"] == WRITER
    )
    assert deployment["spec"]["replicas"] == 0
    assert Inspection(clone.sandbox).pods("slipway-serving", f"slipway.dev/server={WRITER}") == []
    assert f"{WRITER} has nothing to serve yet" in output


def test_an_account_that_ended_is_built_anew_whatever_command_comes_first(clone: Clone) -> None:
    clone.slipway("sandbox", "stop").ok()
    clone.slipway("sandbox", "start").ok()
    previewed = clone.slipway("sandbox", "preview").ok()
    assert re.search(r"Resources:\n\s+\+ \d+ to create\n", previewed), previewed
    output = clone.slipway("sandbox", "up", "--no-serve").ok()
    assert re.search(r"Resources:\n\s+\+ \d+ created\n", output), output
    assert clone.steps() == {}


def test_down_leaves_nothing_in_any_api_no_process_no_port_and_no_state(clone: Clone) -> None:
    assert set(processes.running(clone.sandbox.paths)) == set(ROLES)
    crashes.take_down(clone)


def _listed(clone: Clone, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = Inspection(clone.sandbox).request("GET", path)["items"]
    return items


def _pod_uids(clone: Clone) -> set[str]:
    pods = _listed(clone, "/api/v1/namespaces/slipway-serving/pods")
    return {pod["metadata"]["uid"] for pod in pods}


def _dry_run_pod(clone: Clone, namespace: str, spec: dict[str, Any]) -> None:
    """All that the API server does for a new pod, but for keeping it."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec}
    Inspection(clone.sandbox).request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)


def _output(clone: Clone, name: str) -> str:
    return clone.pulumi("stack", f"output {name} --stack sandbox").ok().strip()
