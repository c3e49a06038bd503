"""The emulators serve the sandbox and nothing else."""

import os
import re
import subprocess
from pathlib import Path

import botocore
import pytest

from sandbox import guard
from sandbox.foreign_variables import FOREIGN, foreign
from sandbox.lifecycle import Sandbox, shell_exports

URN = "urn:pulumi:sandbox::slipway::aws:s3/bucket:Bucket::models"


@pytest.fixture(name="environment")
def _environment(tmp_path: Path) -> dict[str, str]:
    return {
        "SLIPWAY_SANDBOX": str(tmp_path),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "KUBECONFIG": f"{tmp_path}/admin.kubeconfig",
        "NO_PROXY": "intranet.example,127.0.0.1",
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
        "PULUMI_HOME": f"{tmp_path}/pulumi-home",
        "no_proxy": "*",
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
        ("AWS_CONFIG_FILE", "", "AWS_CONFIG_FILE is not set, not /dev/null"),
        ("AWS_CONFIG_FILE", "/home/me/.aws/config", "AWS_CONFIG_FILE is /home/me/.aws/config, not /dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "", "AWS_SHARED_CREDENTIALS_FILE is not set, not /dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/keys", "AWS_SHARED_CREDENTIALS_FILE is /keys, not /dev/null"),
        ("KUBECONFIG", "", "KUBECONFIG is not set, not in the sandbox's folder"),
        ("KUBECONFIG", "/home/me/.kube/config", "KUBECONFIG is /home/me/.kube/config, not in the sandbox's"),
        ("PULUMI_HOME", "", "PULUMI_HOME is not set, not in the sandbox's folder"),
        ("PULUMI_HOME", "/home/me/.pulumi", "PULUMI_HOME is /home/me/.pulumi, not in the sandbox's folder"),
    ],
)
def test_anything_that_could_lead_to_a_real_account_is_refused_with_the_reason_and_the_fix(
    environment: dict[str, str], variable: str, value: str, said: str
) -> None:
    refusal = guard.refusal({**environment, variable: value}, URN)
    assert refusal is not None
    assert said in refusal
    assert "slipway sandbox env" in refusal


SET_BY_HAND = [
    ("AWS_ENDPOINT_URL_S3", "https://s3.eu-west-1.amazonaws.com"),
    ("AWS_ENDPOINT_URL_EKS", "http://127.0.0.1:4566"),
    ("AWS_ENDPOINT_URL_IAM", "https://iam.amazonaws.com"),
    ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
    ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
    ("AWS_USE_FIPS_ENDPOINT", "true"),
    ("AWS_ENABLE_ENDPOINT_DISCOVERY", "true"),
    ("AWS_ENDPOINT_DISCOVERY_ENABLED", "true"),
    ("AWS_DATA_PATH", "/models"),
    ("AWS_CA_BUNDLE", "/ca.pem"),
    ("AWS_CSM_ENABLED", "true"),
    ("AWS_CSM_HOST", "collector.example"),
    ("AWS_PROFILE", "company-prod"),
    ("AWS_DEFAULT_PROFILE", "company-prod"),
    ("AWS_ACCESS_KEY", "AKIAEXAMPLE"),
    ("AWS_SECRET_KEY", "example"),
    ("AWS_SESSION_TOKEN", "example"),
    ("AWS_SECURITY_TOKEN", "example"),
    ("AWS_CREDENTIAL_FILE", "/keys"),
    ("AWS_LOGIN_CACHE_DIRECTORY", "/login"),
    ("BOTO_CONFIG", "/boto.cfg"),
    ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/deployer"),
    ("AWS_ROLE_SESSION_NAME", "ci"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials"),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "example"),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token"),
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254"),
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6"),
    ("KUBERNETES_MASTER", "https://10.0.0.1"),
    ("KUBERNETES_SERVICE_HOST", "10.100.0.1"),
    ("KUBERNETES_SERVICE_PORT", "443"),
    ("HELM_KUBEAPISERVER", "https://10.0.0.1"),
    ("HELM_KUBECONTEXT", "prod"),
    ("HELM_KUBETOKEN", "example"),
    ("HELM_DRIVER", "sql"),
    ("HELM_DRIVER_SQL_CONNECTION_STRING", "postgres://db.example"),
    ("HELM_PLUGINS", "/plugins"),
    ("HELM_REGISTRY_CONFIG", "/registry.json"),
    ("HELM_REPOSITORY_CACHE", "/cache"),
    ("HELM_REPOSITORY_CONFIG", "/repositories.yaml"),
    ("PULUMI_K8S_HELM_DRIVER", "sql"),
    ("PULUMI_K8S_HELM_PLUGINS_PATH", "/plugins"),
    ("PULUMI_K8S_HELM_REGISTRY_CONFIG_PATH", "/registry.json"),
    ("PULUMI_K8S_HELM_REPOSITORY_CACHE", "/cache"),
    ("PULUMI_K8S_HELM_REPOSITORY_CONFIG_PATH", "/repositories.yaml"),
    ("PULUMI_ACCESS_TOKEN", "pul-example"),
    ("PULUMI_API", "https://api.pulumi.com"),
    ("PULUMI_CREDENTIALS_PATH", "/home/me/.pulumi"),
    ("PULUMI_STACK", "prod"),
    ("PULUMI_CLOUD_SECRET_OVERRIDE", "awskms://alias/prod"),
    ("PULUMI_CONFIG_PASSPHRASE_FILE", "/passphrase"),
    ("PULUMI_DEBUG_LANGUAGES", "python:12345"),
    ("PULUMI_DEBUG_PROVIDERS", "aws:12345"),
    ("PULUMI_IGNORE_AMBIENT_PLUGINS", "true"),
    ("PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES", "^aws$=https://mirror.example"),
]
by_variable = pytest.mark.parametrize(
    ("variable", "value"), SET_BY_HAND, ids=[name for name, _ in SET_BY_HAND]
)


@by_variable
def test_a_variable_that_leads_a_client_elsewhere_is_refused_by_its_name_with_the_fix(
    environment: dict[str, str], variable: str, value: str
) -> None:
    refusal = guard.refusal({**environment, variable: value}, URN)
    assert refusal is not None
    assert f"refuse: {variable} is set, which " in refusal
    assert 'Run `eval "$(slipway sandbox env)"`' in refusal
    assert guard.refusal({**environment, variable: ""}, URN) is None


@by_variable
def test_what_the_sandbox_starts_does_not_inherit_it(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Sandbox, "environment", lambda _: {"AWS_REGION": "eu-west-1"})
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("KEPT", "as it was")
    inherited = Sandbox(tmp_path).full_environment()
    assert variable not in inherited
    assert (inherited["KEPT"], inherited["AWS_REGION"]) == ("as it was", "eu-west-1")


@by_variable
def test_the_sandbox_s_shell_unsets_it(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    script = f'{shell_exports({})}printf %s "${{{variable}-unset}}"'
    ran = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 (the script is this test's own)
    assert ran.stdout == "unset"


def test_each_row_of_the_table_has_a_variable_here() -> None:
    assert {name for name, _ in SET_BY_HAND} == set(foreign(dict(SET_BY_HAND)))
    unused = [
        pattern
        for pattern in FOREIGN
        if not any(name.startswith(pattern.rstrip("*")) for name, _ in SET_BY_HAND)
    ]
    assert unused == []


HARMLESS = {
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCOUNT_ID",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE",
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_DEFAULTS_MODE",
    "AWS_DEFAULT_REGION",
    "AWS_DISABLE_HOST_PREFIX_INJECTION",
    "AWS_DISABLE_REQUEST_COMPRESSION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_V1_DISABLED",
    "AWS_EXECUTION_ENV",
    "AWS_IMDS_USE_IPV6",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_MAX_ATTEMPTS",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
    "AWS_METADATA_SERVICE_TIMEOUT",
    "AWS_REGION",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
    "AWS_RETRY_MODE",
    "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH",
    "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
    "AWS_S3_USE_ARN_REGION",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT",
    "AWS_SDK_UA_APP_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SIGV4A_SIGNING_REGION_SET",
    "AWS_STS_REGIONAL_ENDPOINTS",
}
"""Change how a call is made, and not where it goes while AWS_ENDPOINT_URL holds."""


def test_every_variable_that_botocore_reads_is_refused_or_checked_or_known_to_be_harmless(
    environment: dict[str, str],
) -> None:
    source = "".join(path.read_text() for path in Path(botocore.__file__).parent.glob("*.py"))
    read = set(re.findall(r"""['"](AWS_[A-Z0-9_]+|BOTO_CONFIG)['"]""", source))
    assert {"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_RETRY_MODE"} <= read
    unknown = read - foreign(dict.fromkeys(read, "x")).keys() - environment.keys() - HARMLESS
    assert unknown == set()


@pytest.mark.parametrize(
    "proxy", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
)
@pytest.mark.parametrize("exempt", ["NO_PROXY", "no_proxy"])
def test_a_proxy_is_accepted_only_while_both_spellings_of_no_proxy_keep_loopback_from_it(
    environment: dict[str, str], proxy: str, exempt: str
) -> None:
    proxied = {**environment, proxy: "http://proxy.example:3128"}
    assert guard.refusal(proxied, URN) is None
    for value in ("", "intranet.example", "localhost"):
        refusal = guard.refusal({**proxied, exempt: value}, URN)
        assert refusal is not None
        assert f"{proxy} is set, and {exempt} does not name 127.0.0.1" in refusal
    assert guard.refusal({**environment, proxy: "", exempt: ""}, URN) is None


def test_one_kubeconfig_of_several_that_is_not_the_sandbox_s_is_refused(environment: dict[str, str]) -> None:
    both = f"{environment['KUBECONFIG']}{os.pathsep}/home/me/.kube/config"
    assert guard.refusal({**environment, "KUBECONFIG": both}, URN)


def test_a_colon_splits_kubeconfig_and_no_other_path(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "a:b"
    own = {
        **environment,
        "SLIPWAY_SANDBOX": f"{folder}",
        "PULUMI_BACKEND_URL": f"file://{folder}/state",
        "PULUMI_HOME": f"{folder}/home",
    }
    refusal = guard.refusal({**own, "KUBECONFIG": f"{folder}/config"}, URN)
    assert refusal is not None
    assert "refuse: KUBECONFIG is" in refusal, "client-go reads two files there"
    (tmp_path / "link").symlink_to(folder)
    assert guard.refusal({**own, "KUBECONFIG": f"{tmp_path}/link/config"}, URN) is None


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
