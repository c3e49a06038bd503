"""The provider under the real Pulumi engine: what a user sees over a stack's life."""

import base64
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import programs
from sandbox.kubernetes.client import ApiClient
from sandbox.paths import SandboxPaths
from sandbox.toolchain.build import ensure_programs

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).parents[4]


@dataclass
class Stack:
    """A stack named ``sandbox`` of the program in ``project/``, in a backend of its own."""

    folder: Path
    environment: dict[str, str]
    settings: dict[str, Any]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "settings.json").write_text(json.dumps(self.settings))
        command = ["pulumi", *arguments, "--non-interactive", "--color=never"]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def preview(self) -> dict[str, int]:
        return dict(json.loads(self.ok("preview", "--json"))["changeSummary"])

    def up(self) -> dict[str, int]:
        self.ok("up", "--yes", "--skip-preview")
        return self._last()

    def refresh(self) -> dict[str, int]:
        self.ok("refresh", "--yes", "--skip-preview")
        return self._last()

    def output(self, name: str) -> str:
        return self.ok("stack", "output", name).strip()

    def _last(self) -> dict[str, int]:
        history = json.loads(self.ok("stack", "history", "--json", "--page-size=1"))
        return dict(history[0]["resourceChanges"])


@pytest.fixture
def stack(tmp_path: Path, control_plane: Any) -> Iterator[Stack]:
    paths = SandboxPaths(tmp_path)
    programs.install(paths, {"pulumi": ensure_programs(print)["pulumi"].path})
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).parent / "project", folder)
    paths.backend.mkdir()
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": control_plane.aws_url,
        "PATH": f"{paths.programs}:{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{paths.backend}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(paths.engine_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONPATH": str(REPOSITORY),
        "SLIPWAY_SANDBOX": str(tmp_path),
    }
    settings = {
        "kubeconfig": control_plane.admin_kubeconfig.read_text(),
        "namespace": f"engine-{uuid.uuid4().hex[:8]}",
        "data": "1",
        "port": 80,
        "late": False,
    }
    made = Stack(folder, environment, settings)
    made.ok("stack", "init", "sandbox")
    yield made
    made.ok("destroy", "--yes", "--skip-preview")


def test_up_again_and_refresh_change_nothing_and_secrets_are_secret_in_the_state(stack: Stack) -> None:
    made = stack.up()["create"]
    assert stack.up() == {"same": made}
    assert stack.refresh() == {"same": made}
    assert stack.preview() == {"same": made}
    state = "".join(path.read_text() for path in (stack.folder.parent / "state").rglob("*.json*"))
    plain = ["STRING-SECRET", "ENVIRONMENT-SECRET", "DATA-SECRET"]
    encoded = [base64.b64encode(word.encode()).decode() for word in plain]
    assert "config.properties" in state
    assert [word for word in (*plain, *encoded) if word in state] == []


def test_a_changed_config_map_is_replaced_and_what_refers_to_it_rolls(stack: Stack, api: ApiClient) -> None:
    stack.up()
    before, namespace = stack.output("config"), stack.settings["namespace"]
    stack.settings["data"] = "2"
    previewed = stack.preview()
    assert (previewed["replace"], previewed["update"]) == (1, 1)
    stack.up()
    after = stack.output("config")
    listing = api.get(f"/api/v1/namespaces/{namespace}/configmaps")["items"]
    names = {item["metadata"]["name"] for item in listing} - {"kube-root-ca.crt"}
    assert before != after
    assert names == {after}
    deployment = api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/server")
    assert deployment["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"] == after


def test_drift_is_found_by_a_refresh_and_put_right_by_an_update(
    stack: Stack, edit: Callable[..., Any], api: ApiClient
) -> None:
    made = stack.up()["create"]
    path = f"/apis/apps/v1/namespaces/{stack.settings['namespace']}/deployments/server"
    edit(path, {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "theirs"}]}}}})
    assert stack.refresh() == {"same": made - 1, "update": 1}
    assert stack.up()["update"] == 1
    assert api.get(path)["spec"]["template"]["spec"]["containers"][0]["image"] == "server:1"


def test_a_cluster_that_is_made_in_the_same_update_is_previewed_unseen_and_then_used(stack: Stack) -> None:
    stack.settings["late"] = True
    assert stack.preview()["create"] == stack.up()["create"]
    assert set(stack.up()) == {"same"}


def test_a_wrong_value_fails_the_preview_once_the_cluster_is_known(stack: Stack) -> None:
    stack.up()
    stack.settings["port"] = 99999
    done = stack.run("preview")
    assert done.returncode != 0
    assert "spec.ports[0].port: Invalid value: 99999" in done.stdout + done.stderr


def test_the_kubeconfig_of_a_real_cluster_is_refused(stack: Stack) -> None:
    good = stack.settings["kubeconfig"]
    config = json.loads(good)
    config["clusters"][0]["cluster"]["server"] = "https://cluster.eu-west-1.eks.amazonaws.com"
    stack.settings["kubeconfig"] = json.dumps(config)
    done = stack.run("preview")
    assert done.returncode != 0
    assert "is not on this machine" in done.stdout + done.stderr
    stack.settings["kubeconfig"] = good
