"""What the emulation does not know or only records is said aloud, and so is what AWS or the server refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plugin_server import ProviderError
from plugin_server.provider import Read
from sandbox.aws.account import Clients
from sandbox.aws.provider import AwsProvider
from sandbox.aws.recorded import RECORDED_ONLY, Records
from tests.engine.sandbox.aws import cases

if TYPE_CHECKING:
    from tests.engine.sandbox.aws.conftest import Engine

ROOT = Path(__file__).parents[4]


def test_a_server_that_does_not_answer_is_named_with_the_fix(engine: Engine) -> None:
    environment = {**engine.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    provider = AwsProvider(engine.log, environment)  # type: ignore[arg-type]
    provider.configure({"region": "eu-west-1"})
    urn = engine.urn("aws:s3/bucket:Bucket", "b")
    with pytest.raises(
        ProviderError, match=r"http://127\.0\.0\.1:9 does not answer; run `slipway sandbox start`"
    ):
        provider.read(Read(urn=urn, id="b", inputs={}, state={}))


def test_what_aws_says_becomes_one_line_with_service_operation_and_code(clients: Clients) -> None:
    with pytest.raises(ProviderError, match=r"^aws iam GetRole: NoSuchEntity: .*missing.*$"):
        clients.send("iam", "eu-west-1", "GetRole", {"RoleName": "missing"})


def test_a_recorded_resource_says_so_when_it_is_made(engine: Engine) -> None:
    name = engine.create("aws:s3/bucket:Bucket", "b", {}).id
    inputs = {"bucket": name, "policy": cases.deny("s3:*")}
    engine.create("aws:s3/bucketPolicy:BucketPolicy", "b", inputs)
    reason = RECORDED_ONLY["aws:s3/bucketPolicy:BucketPolicy"]
    assert ("status", f"recorded only: {reason}") in engine.log.lines


def test_a_recorded_resource_needs_what_it_belongs_to(engine: Engine) -> None:
    with pytest.raises(ProviderError, match=r"aws eks DescribeCluster: ResourceNotFoundException"):
        engine.create("aws:eks/addon:Addon", "cni", {"clusterName": "missing", "addonName": "vpc-cni"})


def test_an_id_of_another_form_is_refused_with_the_documented_one(engine: Engine) -> None:
    urn = engine.urn("aws:iam/rolePolicy:RolePolicy", "read")
    with pytest.raises(
        ProviderError, match="'read' is not an id of aws:iam/rolePolicy:RolePolicy: write ROLE:POLICY"
    ):
        engine.provider.read(Read(urn=urn, id="read", inputs={}, state={}))


def test_records_of_ids_that_look_alike_do_not_meet(tmp_path: Path) -> None:
    records = Records(tmp_path)
    token = "aws:eks/addon:Addon"  # noqa: S105 (a type token)
    records.put(token, "a:b", {"n": 1})
    records.put(token, "a-b", {"n": 2})
    assert sorted(record["n"] for record in records.all(token)) == [1, 2]
    assert (records.get(token, "a:b") or {})["n"] == 1


def test_the_plugin_refuses_to_start_outside_the_sandbox() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "sandbox.aws", "127.0.0.1:1"],
        env={"PATH": "", "AWS_ENDPOINT_URL": "https://s3.amazonaws.com", "SLIPWAY_SANDBOX": "/tmp/x"},  # noqa: S108
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert result.returncode == 1
    assert "not a loopback address" in result.stderr
