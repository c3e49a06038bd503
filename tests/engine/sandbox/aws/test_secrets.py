"""A secret input of an AWS resource, under the real engine: the state has it as ciphertext alone."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from plugin_server.values import SIGNATURE
from sandbox import programs
from sandbox.paths import SandboxPaths
from sandbox.toolchain.build import ensure_programs

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).parents[4]
WORDS = {"description": "planted-description", "tag": "planted-tag", "user_data": "[settings.planted]"}


class Stack:
    """A stack of the program in `secret_project`, whose backend lies in a sandbox's folder of its own."""

    def __init__(self, folder: Path, aws_url: str) -> None:
        paths = SandboxPaths(folder)
        programs.install(paths, {"pulumi": ensure_programs(print)["pulumi"].path})
        paths.backend.mkdir()
        self.backend, self.project = paths.backend, folder / "project"
        shutil.copytree(Path(__file__).parent / "secret_project", self.project)
        (self.project / "Pulumi.yaml").write_text("name: slipway-secrets-test\nruntime: python\n")
        self._environment = {
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_ENDPOINT_URL": aws_url,
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "HOME": str(folder),
            "KUBECONFIG": str(paths.admin_kubeconfig),
            "PATH": f"{paths.programs}:/usr/bin:/bin",
            "PULUMI_BACKEND_URL": f"file://{paths.backend}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_DIY_BACKEND_GZIP": "false",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(paths.engine_home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONPATH": str(REPOSITORY),
            "SLIPWAY_SANDBOX": str(folder),
        }

    def run(self, words: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.project / "settings.json").write_text(json.dumps(words))
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.project,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def ok(self, words: dict[str, str], *arguments: str) -> str:
        ran = self.run(words, *arguments)
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    def stored(self) -> str:
        """Every file of the backend: the state, its copy and its history."""
        return "\n".join(path.read_text() for path in sorted(self.backend.rglob("*")) if path.is_file())

    def outputs(self, name: str) -> dict[str, Any]:
        resources = json.loads(self.ok(WORDS, "stack", "export"))["deployment"]["resources"]
        (found,) = [r for r in resources if r["urn"].endswith(f"::{name}")]
        outputs: dict[str, Any] = found["outputs"]
        return outputs


@pytest.fixture(name="stack")
def _stack(tmp_path: Path, moto_url: str) -> Stack:
    stack = Stack(tmp_path, moto_url)
    stack.ok(WORDS, "stack", "init", "sandbox")
    return stack


def readable(words: dict[str, str], text: str) -> list[str]:
    encoded = [base64.b64encode(word.encode()).decode() for word in words.values()]
    return [word for word in [*words.values(), *encoded] if word in text]


def test_a_secret_input_is_in_the_state_only_as_ciphertext_before_and_after_it_changes(stack: Stack) -> None:
    shown = stack.ok(WORDS, "up", "--yes", "--skip-preview")
    assert "created" in shown
    shown += stack.ok(WORDS, "refresh", "--yes", "--skip-preview")
    unchanged = stack.ok(WORDS, "preview")
    assert "5 unchanged" in unchanged
    assert readable(WORDS, shown + unchanged + stack.stored()) == []
    for resource, name in (("key", "description"), ("key", "tagsAll"), ("template", "userData")):
        assert set(stack.outputs(resource)[name]) == {SIGNATURE, "ciphertext"}, name
    changed = {name: f"{word}-2" for name, word in WORDS.items()}
    shown = stack.ok(changed, "up", "--yes")
    assert "3 updated" in shown
    text = shown + stack.stored()
    assert readable(WORDS, text) + readable(changed, text) == []


def test_a_secret_that_aws_refuses_is_echoed_by_no_message(stack: Stack) -> None:
    refused = stack.run({**WORDS, "tag": "planted" * 40}, "preview")
    assert refused.returncode != 0
    assert "at most 256" in refused.stdout
    assert "planted" not in refused.stdout
