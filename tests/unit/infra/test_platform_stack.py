"""A platform goes through a stack's outputs and comes out as it was; what does not fit is said in one line."""

from dataclasses import asdict, fields
from typing import Any

import pulumi
import pytest

from infra.platform import Platform
from infra.platform_stack import PlatformError, PlatformNeeds, platform_of_stack, platform_outputs
from infra.settings import load_settings
from infra.stack_files import read_stack_config
from model_catalog import load_catalog
from planning import make_plan
from tests.support.recording import record

STACK = "organization/slipway/sandbox-platform"
SETTINGS = load_settings("sandbox-serving", read_stack_config("sandbox-serving"))
PLAN = make_plan(load_catalog(), SETTINGS.environment, SETTINGS.pools)
VALUES = {
    field.name: SETTINGS.region if field.name == "region" else f"the {field.name}"
    for field in fields(Platform)
}


def exported() -> dict[str, Any]:
    def program() -> None:
        outputs = {n: v if n == "region" else pulumi.Output.from_input(v) for n, v in VALUES.items()}
        platform = Platform(**outputs)  # type: ignore[arg-type]  # every field but region is an output
        for name, value in platform_outputs(platform, PLAN).items():
            pulumi.export(name, value)

    return record(program).stack_outputs


def imported(outputs: dict[str, Any]) -> dict[str, Any]:
    def program() -> None:
        platform = platform_of_stack(SETTINGS, PLAN, "sandbox-serving")
        for field in fields(Platform):
            pulumi.export(field.name, getattr(platform, field.name))

    return record(program, stack_references={STACK: outputs}).stack_outputs


def test_every_field_of_a_platform_goes_through_a_stack_s_outputs_and_comes_out_as_it_was() -> None:
    assert imported(exported()) == VALUES


def test_a_field_is_never_an_object_of_the_update_that_made_it() -> None:
    """Resources cannot be exported; what must be waited for is in BuiltPlatform."""
    assert {str(field.type) for field in fields(Platform)} <= {
        "<class 'str'>",
        "pulumi.output.Output[str]",
    }


PARTS = {
    "bucketArn": "arn",
    "bucketName": "models",
    "clusterName": "cluster",
    "environment": "sandbox",
    "keyArn": "arn",
    "pools": ["cpu-m6i-2xlarge", "gpu-g4dn-xlarge", "system-m6i-large"],
    "region": "eu-west-1",
}


@pytest.mark.parametrize(
    ("parts", "kubeconfig", "message"),
    [
        (None, "{}", f"{STACK} holds no platform. First run: pulumi up --stack {STACK}"),
        (
            {key: value for key, value in PARTS.items() if key != "keyArn"},
            "{}",
            f"the platform of {STACK} lacks keyArn. First run: pulumi up --stack {STACK}",
        ),
        (PARTS, None, f"the platform of {STACK} lacks kubeconfig. First run"),
        (
            {**PARTS, "environment": "dev"},
            "{}",
            f"slipway:environment is sandbox, and the platform of {STACK} is in dev. Set slipway:environment to dev",
        ),
        (
            {**PARTS, "region": "us-east-1"},
            "{}",
            f"slipway:region is eu-west-1, and the platform of {STACK} is in us-east-1. Set slipway:region to",
        ),
        (
            {**PARTS, "pools": ["system-m6i-large"]},
            "{}",
            f"servers need pool cpu-m6i-2xlarge, gpu-g4dn-xlarge, and {STACK} has system-m6i-large. First run",
        ),
    ],
)
def test_a_platform_that_does_not_fit_names_file_key_and_fix(
    parts: Any, kubeconfig: Any, message: str
) -> None:
    needs = PlatformNeeds(
        stack="sandbox-serving",
        platform_stack=STACK,
        environment="sandbox",
        region="eu-west-1",
        pools=("cpu-m6i-2xlarge", "gpu-g4dn-xlarge"),
    )
    assert needs.checked(PARTS, "{}") == {**PARTS, "kubeconfig": "{}"}
    with pytest.raises(PlatformError) as raised:
        needs.checked(parts, kubeconfig)
    assert str(raised.value).startswith("Pulumi.sandbox-serving.yaml: slipway:platformStack: ")
    assert message in str(raised.value)


def test_the_fields_are_those_that_serving_takes() -> None:
    platform = Platform(**VALUES)  # type: ignore[arg-type]
    assert set(asdict(platform)) == {
        "bucket_arn",
        "bucket_name",
        "cluster_name",
        "key_arn",
        "kubeconfig",
        "region",
    }
