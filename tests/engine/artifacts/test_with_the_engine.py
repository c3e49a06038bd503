"""ModelArtifact under the real engine, whose only help is a Pulumi.yaml that names the plugin's folder."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from artifacts.storage import check, promote
from sandbox import programs
from sandbox.paths import SandboxPaths
from sandbox.toolchain.build import ensure_programs

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).parents[3]
PLUGIN = REPOSITORY / "artifacts" / "plugin"


@dataclass
class Stack:
    """A stack of the program in ``project/``, in a backend of its own."""

    folder: Path
    environment: dict[str, str]
    settings: dict[str, Any]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "settings.json").write_text(json.dumps(self.settings))
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def changes(self) -> dict[str, int]:
        """What the last operation did."""
        history = json.loads(self.run("stack", "history", "--json", "--page-size=1").stdout)
        return {
            kind: count
            for kind, count in history[0]["resourceChanges"].items()
            if kind not in ("same", "refresh")
        }

    def state(self) -> str:
        return self.ok("stack", "export")


@pytest.fixture
def stack(tmp_path: Path, place: Any) -> Iterator[Stack]:
    paths = SandboxPaths(tmp_path)
    programs.install(paths, {"pulumi": ensure_programs(print)["pulumi"].path})
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).parent / "project", folder)
    (folder / "Pulumi.yaml").write_text(
        f"name: slipway-artifacts-test\nruntime: python\n"
        f"plugins:\n  providers:\n    - name: slipway\n      path: {os.path.relpath(PLUGIN, folder)}\n"
    )
    paths.backend.mkdir()
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_ENDPOINT_URL": place.s3.url,
        "AWS_REGION": "eu-west-1",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t-of-the-shell",
        "HOME": str(tmp_path),
        # Neither a virtual environment nor the plugin: the engine's own and the system's.
        "PATH": f"{paths.programs}:/usr/bin:/bin",
        "PULUMI_BACKEND_URL": f"file://{paths.backend}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(paths.engine_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONPATH": str(REPOSITORY),
        "SLIPWAY_SANDBOX": str(tmp_path),
    }
    settings = {
        "source_bucket": place.source.bucket,
        "source_path": place.source.path,
        "digest": place.target.digest,
        "bucket": place.target.bucket,
    }
    made = Stack(folder, environment, settings)
    made.ok("stack", "init", "sandbox")
    yield made
    made.run("destroy", "--yes", "--skip-preview")


def test_the_plugin_lies_where_the_repository_s_pulumi_yaml_says_and_runs_without_a_path() -> None:
    named = (REPOSITORY / "Pulumi.yaml").read_text()
    assert "path: ./artifacts/plugin" in named
    ran = subprocess.run(
        [PLUGIN / "pulumi-resource-slipway"], env={}, cwd="/", capture_output=True, text=True, check=False
    )
    assert "the engine starts it" in ran.stderr
    assert ran.returncode == 2
    assert sys.executable  # the interpreter of this test is not asked


def test_a_stack_s_life_previewed_copied_left_alone_tampered_mended_and_destroyed(
    stack: Stack, place: Any
) -> None:
    size = sum(map(len, place.contents.values()))
    previewed = stack.ok("preview")
    assert f"would copy 7 files, {size / 1000:.1f} kB from {place.source}" in previewed
    assert place.target.listing() == {}

    told = stack.ok("up", "--yes", "--skip-preview")
    assert "copied 7 files" in told
    assert stack.changes() == {"create": 2}
    assert check(place.target).whole
    assert json.loads(stack.run("stack", "output", "--json").stdout)["files"] == 7
    assert "s3cr3t-of-the-shell" not in stack.state()

    place.asked()
    stack.ok("up", "--yes")
    assert stack.changes() == {}
    assert place.asked() == {}, "unchanged inputs ask nothing of S3"

    stack.ok("refresh", "--yes", "--skip-preview")
    assert stack.changes() == {}
    assert place.asked() == {"GET": 1, "GET versions": 1}

    place.tamper("shards/part-1.safetensors", b"9" * 5000)
    assert "part-1.safetensors was altered" in stack.ok("refresh", "--yes", "--skip-preview")
    assert stack.changes() == {"update": 1}
    assert "would mend: shards/part-1.safetensors was altered" in stack.ok("preview")
    assert "copied 1 file, 5.0 kB of 7 files" in stack.ok("up", "--yes", "--skip-preview")
    assert check(place.target).whole

    assert "is kept (retain)" in stack.ok("destroy", "--yes", "--skip-preview")
    assert check(place.target).whole
    assert "there already, nothing was copied" in stack.ok("up", "--yes", "--skip-preview")


def test_a_manifest_that_is_gone_is_published_again_by_the_next_update(stack: Stack, place: Any) -> None:
    stack.ok("up", "--yes", "--skip-preview")
    key = f"artifacts/{place.target.digest}/manifest.json"
    place.s3.client().delete_object(Bucket=place.target.bucket, Key=key)
    assert "is gone" in stack.ok("refresh", "--yes", "--skip-preview")
    assert stack.changes() == {"delete": 1}
    assert "nothing was copied" in stack.ok("up", "--yes", "--skip-preview")
    assert check(place.target).whole


def test_what_is_wrong_is_said_before_anything_is_copied(stack: Stack, place: Any) -> None:
    stack.settings["digest"] = "sha256:abc"
    refused = stack.run("preview")
    assert refused.returncode != 0
    assert "slipway artifacts digest" in refused.stdout + refused.stderr
    stack.settings |= {"digest": place.target.digest, "source_path": "nothing/here"}
    refused = stack.run("preview")
    assert refused.returncode != 0
    assert "holds no file" in refused.stdout + refused.stderr


def test_a_wrong_digest_fails_the_update_and_publishes_nothing(stack: Stack, place: Any) -> None:
    wrong = replace(place.target, digest=f"sha256:{'0' * 64}")
    stack.settings["digest"] = wrong.digest
    refused = stack.run("up", "--yes", "--skip-preview")
    assert refused.returncode != 0
    assert f"found    {place.target.digest}" in refused.stdout + refused.stderr
    assert wrong.published() is None


def test_not_retained_files_go_with_the_resource(stack: Stack, place: Any) -> None:
    promote(place.source, place.target, place.manner())
    stack.settings["retain"] = False
    stack.ok("up", "--yes", "--skip-preview")
    stack.ok("destroy", "--yes", "--skip-preview")
    assert place.target.published() is None
    assert place.target.listing() == {}
