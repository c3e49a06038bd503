"""What the emulation does not know or only records is said aloud."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sandbox.aws.calls import Clients

from plugin_server.provider import Check, ProviderError
from sandbox.aws import invokes
from sandbox.aws.kinds import KINDS
from sandbox.aws.provider import AwsProvider
from sandbox.aws.recorded import RECORDED_ONLY, Records
from sandbox.aws.schema import inputs_of, outputs_of

if TYPE_CHECKING:
    from tests.engine.sandbox.aws.conftest import Engine

DOCS = Path(__file__).parents[4] / "docs" / "sandbox-aws.md"


def test_an_unknown_type_is_an_error_that_names_it(engine: Engine) -> None:
    with pytest.raises(
        ProviderError, match=r"does not know the resource type aws:sqs/queue:Queue.*docs/sandbox-aws\.md"
    ):
        engine.create("aws:sqs/queue:Queue", "q", {})


def test_an_unknown_function_is_an_error_that_names_it(engine: Engine) -> None:
    with pytest.raises(ProviderError, match="does not know the function aws:iam/getRole:getRole"):
        engine.provider.invoke("aws:iam/getRole:getRole", {})


def test_the_known_functions_answer(engine: Engine) -> None:
    ask = engine.provider.invoke
    assert ask("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == "123456789012"
    assert ask("aws:index/getRegion:getRegion", {})["name"] == "eu-west-1"
    assert ask("aws:index/getPartition:getPartition", {})["partition"] == "aws"
    zones = ask("aws:index/getAvailabilityZones:getAvailabilityZones", {"state": "available"})["names"]
    assert zones == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    machine = ask("aws:ec2/getInstanceType:getInstanceType", {"instanceType": "g5.xlarge"})
    assert machine["gpuses"][0]["count"] == 1


def test_a_server_that_does_not_answer_is_named_with_the_fix(engine: Engine) -> None:
    environment = {**engine.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    provider = AwsProvider(engine.log, environment)  # type: ignore[arg-type]
    provider.configure({"region": "eu-west-1"})
    with pytest.raises(
        ProviderError, match=r"http://127\.0\.0\.1:9 does not answer; run `slipway sandbox start`"
    ):
        provider.check(
            Check(urn=engine.urn("aws:s3/bucket:Bucket", "b"), old_inputs={}, new_inputs={}, random_seed=b"1")
        )


def test_what_aws_says_becomes_one_line_with_service_operation_and_code(clients: Clients) -> None:
    with pytest.raises(ProviderError, match=r"^aws iam GetRole: NoSuchEntity: .*missing.*$"):
        clients.send("iam", "eu-west-1", "get_role", {"RoleName": "missing"})


def test_a_recorded_resource_says_so_when_it_is_made(engine: Engine) -> None:
    name = engine.create("aws:s3/bucket:Bucket", "b", {}).id
    policy = '{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}'
    engine.create("aws:s3/bucketPolicy:BucketPolicy", "b", {"bucket": name, "policy": policy})
    reason = RECORDED_ONLY["aws:s3/bucketPolicy:BucketPolicy"]
    assert ("status", f"recorded only: {reason}") in engine.log.lines


def test_the_documentation_lists_exactly_what_is_emulated() -> None:
    listed = re.findall(r"^\| `(aws:\w+/\w+:\w+)` \|", _section("Resource types"), re.MULTILINE)
    assert listed == sorted(KINDS)


def test_the_documentation_lists_exactly_what_is_only_recorded() -> None:
    listed = re.findall(r"^\| `([^`]+)` \| (.+) \|$", _section("Recorded only"), re.MULTILINE)
    assert dict(listed) == RECORDED_ONLY
    assert [what for what, _ in listed] == sorted(RECORDED_ONLY)


def test_the_documentation_lists_the_functions() -> None:
    assert re.findall(r"`(aws:[^`]+)`", _section("Functions")) == sorted(invokes.INVOKES)


def _section(title: str) -> str:
    text = DOCS.read_text()
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def test_recorded_entries_name_types_and_properties_that_exist() -> None:
    for what in RECORDED_ONLY:
        token, _, property_ = what.partition(" ")
        assert token in KINDS
        assert not property_ or property_ in KINDS[token].handles


@pytest.mark.parametrize("token", sorted(KINDS))
def test_a_kind_speaks_of_properties_that_the_sdk_has(token: str) -> None:
    kind, inputs = KINDS[token], inputs_of(token).fields
    assert kind.handles <= inputs.keys()
    assert {path.partition(".")[0] for path in kind.replaces} <= kind.handles
    assert kind.defaults.keys() | kind.policies | kind.ordered <= kind.handles
    assert kind.computed <= outputs_of(token)
    assert kind.taggable == ("tags" in kind.handles)


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
        cwd=DOCS.parents[1],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert result.returncode == 1
    assert "not a loopback address" in result.stderr
