"""The emulators serve the sandbox and nothing else."""

from pathlib import Path

import pytest

from sandbox import guard

URN = "urn:pulumi:sandbox::slipway::aws:s3/bucket:Bucket::models"


@pytest.fixture(name="environment")
def _environment(tmp_path: Path) -> dict[str, str]:
    return {
        "SLIPWAY_SANDBOX": str(tmp_path),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
    }


def test_the_sandbox_s_own_environment_and_stack_are_served(environment: dict[str, str]) -> None:
    assert guard.refusal(environment, URN) is None


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SLIPWAY_SANDBOX", "", "SLIPWAY_SANDBOX is not set"),
        ("AWS_ENDPOINT_URL", "", "not a loopback address"),
        ("AWS_ENDPOINT_URL", "https://s3.eu-west-1.amazonaws.com", "not a loopback address"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1.example.com:80", "not a loopback address"),
        ("AWS_ENDPOINT_URL", "http://10.0.0.7:4566", "not a loopback address"),
        ("PULUMI_BACKEND_URL", "", "not the sandbox's folder"),
        ("PULUMI_BACKEND_URL", "s3://company-state", "not the sandbox's folder"),
        ("PULUMI_BACKEND_URL", "file:///", "not the sandbox's folder"),
    ],
)
def test_anything_that_could_lead_to_a_real_account_is_refused_with_the_reason_and_the_fix(
    environment: dict[str, str], variable: str, value: str, said: str
) -> None:
    refusal = guard.refusal({**environment, variable: value}, URN)
    assert refusal is not None
    assert said in refusal
    assert "slipway sandbox env" in refusal


def test_a_backend_that_climbs_out_of_the_sandbox_s_folder_is_refused(environment: dict[str, str]) -> None:
    folder = environment["SLIPWAY_SANDBOX"]
    assert guard.refusal({**environment, "PULUMI_BACKEND_URL": f"file://{folder}/../other"}, URN)


@pytest.mark.parametrize("stack", ["sandbox", "sandbox-platform", "sandbox-serving"])
def test_the_sandbox_in_one_stack_and_in_two_is_served(environment: dict[str, str], stack: str) -> None:
    assert guard.refusal(environment, URN.replace(":sandbox::", f":{stack}::")) is None


@pytest.mark.parametrize("stack", ["prod", "dev", "sandbox2", "sandbox-", "sandbox-prod", ""])
def test_another_stack_is_refused_by_name(environment: dict[str, str], stack: str) -> None:
    refusal = guard.refusal(environment, URN.replace(":sandbox::", f":{stack}::"))
    assert refusal is not None
    assert f"the stack is {stack!r}" in refusal
