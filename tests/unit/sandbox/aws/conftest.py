"""The emulated provider without its servers: a check sends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugin_server.provider import Check, Checked
from sandbox.aws.provider import AwsProvider


class Silent:
    """Stands in for the engine's log."""

    def status(self, _urn: str, _message: str) -> None: ...

    def info(self, _urn: str, _message: str) -> None: ...

    def warning(self, _urn: str, _message: str) -> None: ...


def provider_of(folder: Path, configuration: dict[str, Any]) -> AwsProvider:
    """A configured provider whose account does not answer."""
    environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "SLIPWAY_SANDBOX": str(folder)}
    provider = AwsProvider(Silent(), environment)  # type: ignore[arg-type]
    provider.configure(configuration)
    return provider


@pytest.fixture
def provider(tmp_path: Path) -> AwsProvider:
    """With one default tag."""
    return provider_of(tmp_path, {"region": "eu-west-1", "defaultTags": '{"tags": {"project": "slipway"}}'})


def check(provider: AwsProvider, token: str, inputs: dict[str, Any], name: str = "subject") -> Checked:
    """The answer to the engine's Check of a new resource."""
    urn = f"urn:pulumi:sandbox::slipway::{token}::{name}"
    return provider.check(Check(urn=urn, old_inputs={}, new_inputs=inputs, random_seed=b"seed"))
