import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugin_server import ProviderError
from sandbox.kubernetes import kubeconfig
from sandbox.kubernetes.credentials import Credentials

Config = Callable[..., dict[str, Any]]
LOCAL = "https://127.0.0.1:6443"


@pytest.mark.parametrize(
    "server",
    ["https://ABC.gr7.eu-west-1.eks.amazonaws.com", "https://10.0.0.1:6443", "https://127.0.0.1.nip.io", ""],
)
def test_an_api_server_that_is_not_on_this_machine_is_refused(kubeconfig_for: Config, server: str) -> None:
    with pytest.raises(ProviderError, match="not on this machine"):
        kubeconfig.access(kubeconfig_for(server))


def test_contents_may_be_yaml_or_json_or_the_path_of_a_file(tmp_path: Path, kubeconfig_for: Config) -> None:
    config = kubeconfig_for(LOCAL)
    (tmp_path / "config").write_text(json.dumps(config))
    assert kubeconfig.parse(json.dumps(config)) == config
    assert kubeconfig.parse(str(tmp_path / "config")) == config
    assert kubeconfig.parse("current-context: all\nclusters: []\n") == {
        "current-context": "all",
        "clusters": [],
    }


def test_a_path_that_does_not_exist_is_named() -> None:
    with pytest.raises(ProviderError, match="'/no/such/file' is neither a kubeconfig nor an existing file"):
        kubeconfig.parse("/no/such/file")


def test_a_missing_context_is_named(kubeconfig_for: Config) -> None:
    with pytest.raises(ProviderError, match="it has no context 'other'"):
        kubeconfig.access(kubeconfig_for(LOCAL), context="other")


def test_the_authority_is_decoded(kubeconfig_for: Config) -> None:
    config = kubeconfig_for(LOCAL)
    config["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(b"PEM").decode()
    assert kubeconfig.access(config).certificate_authority == b"PEM"


@pytest.mark.parametrize("key", ["proxy-url"])
def test_a_proxy_is_refused_because_it_could_lead_off_this_machine(kubeconfig_for: Config, key: str) -> None:
    config = kubeconfig_for(LOCAL)
    config["clusters"][0]["cluster"][key] = "http://proxy"
    with pytest.raises(ProviderError, match="proxy"):
        kubeconfig.access(config)


def _plugin(folder: Path, script: str) -> dict[str, Any]:
    command = folder / "credential"
    command.write_text(f"#!/bin/sh\necho run >> {folder}/runs\n{script}\n")
    command.chmod(0o755)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": str(command)}}


def _answer(expires: str) -> str:
    status = {"token": "secret", "expirationTimestamp": expires}
    credential = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential"}
    return f"echo '{json.dumps({**credential, 'status': status})}'"


def _runs(folder: Path) -> int:
    return len((folder / "runs").read_text().splitlines())


def test_the_exec_credential_is_kept_until_it_expires(tmp_path: Path, kubeconfig_for: Config) -> None:
    user = _plugin(tmp_path, _answer("2999-01-01T00:00:00Z"))
    credentials = Credentials(kubeconfig.access(kubeconfig_for(LOCAL, user)))
    assert [credentials.token() for _ in range(3)] == ["secret"] * 3
    assert _runs(tmp_path) == 1


def test_an_expired_exec_credential_is_fetched_again(tmp_path: Path, kubeconfig_for: Config) -> None:
    user = _plugin(tmp_path, _answer("2001-01-01T00:00:00Z"))
    credentials = Credentials(kubeconfig.access(kubeconfig_for(LOCAL, user)))
    credentials.token()
    credentials.token()
    assert _runs(tmp_path) == 2


def test_the_exec_command_learns_the_version_that_is_expected_of_it(
    tmp_path: Path, kubeconfig_for: Config
) -> None:
    user = _plugin(
        tmp_path, f'echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/told\n{_answer("2999-01-01T00:00:00Z")}'
    )
    Credentials(kubeconfig.access(kubeconfig_for(LOCAL, user))).token()
    told = json.loads((tmp_path / "told").read_text())
    assert told["apiVersion"] == "client.authentication.k8s.io/v1beta1"
    assert told["kind"] == "ExecCredential"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo wrong account >&2; exit 3", "failed with status 3: wrong account"),
        ("echo hello", "something else than an ExecCredential"),
        ('echo \'{"kind":"ExecCredential","apiVersion":"v9"}\'', "answered in v9"),
    ],
)
def test_a_bad_exec_answer_is_explained(
    tmp_path: Path, kubeconfig_for: Config, script: str, message: str
) -> None:
    credentials = Credentials(kubeconfig.access(kubeconfig_for(LOCAL, _plugin(tmp_path, script))))
    with pytest.raises(ProviderError, match=message):
        credentials.token()


def test_a_missing_exec_command_is_named(kubeconfig_for: Config) -> None:
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "no-such-aws",
            "installHint": "Hm.",
        }
    }
    credentials = Credentials(kubeconfig.access(kubeconfig_for(LOCAL, user)))
    with pytest.raises(ProviderError, match=r"'no-such-aws' was not found\. Hm\."):
        credentials.token()
