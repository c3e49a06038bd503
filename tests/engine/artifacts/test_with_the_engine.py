"""ModelArtifact under the real engine, whose only help is a Pulumi.yaml that names the plugin's folder."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from artifacts.storage import check, promote
from tests.engine.artifacts.stacks import PLUGIN, REPOSITORY, Stack, make_stack

pytestmark = pytest.mark.engine


@pytest.fixture
def stack(tmp_path: Path, place: Any) -> Iterator[Stack]:
    settings = {
        "source_bucket": place.source.bucket,
        "source_path": place.source.path,
        "digest": place.target.digest,
        "bucket": place.target.bucket,
    }
    yield from make_stack(tmp_path, place, "project", settings)


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


def test_a_secret_input_is_echoed_by_no_failure_and_stays_secret_in_the_state(
    stack: Stack, place: Any
) -> None:
    stack.settings |= {"source_owner": "hunter2-planted", "secret": ["source_owner", "source_path"]}
    refused = stack.run("preview")
    assert refused.returncode != 0
    assert "is '[secret]'; write an account id of twelve digits" in refused.stdout + refused.stderr
    assert "hunter2" not in refused.stdout + refused.stderr
    stack.settings["source_owner"] = "123456789012"
    stack.ok("up", "--yes", "--skip-preview")
    stack.ok("refresh", "--yes", "--skip-preview")
    assert place.source.path not in stack.state()
    stack.ok("up", "--yes")
    assert stack.changes() == {}


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
