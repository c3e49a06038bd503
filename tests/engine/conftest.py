"""Real parts for the engine tier: one local control plane for the session."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import account, control_plane, endpoints, processes, tokens
from sandbox.paths import SandboxPaths
from sandbox.toolchain.build import ensure_programs


@dataclass(frozen=True)
class ControlPlane:
    """A running API server with scheduler, controllers and kwok."""

    paths: SandboxPaths
    url: str
    aws_url: str

    @property
    def admin_kubeconfig(self) -> Path:
        return self.paths.admin_kubeconfig

    @property
    def ca(self) -> Path:
        return self.paths.cluster_ca

    @property
    def token(self) -> str:
        return tokens.admin_token(self.paths)


@pytest.fixture(scope="session", name="control_plane")
def _control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    paths = SandboxPaths(tmp_path_factory.mktemp("control-plane"))
    programs = {name: program.path for name, program in ensure_programs(print).items()}
    ports = endpoints.choose(paths.endpoints)
    try:
        account.start(paths, ports)
        control_plane.start(paths, ports, programs)
        account.wait(paths, ports)
        yield ControlPlane(paths=paths, url=ports.api_server_url, aws_url=ports.aws_url)
    finally:
        processes.stop(paths, (account.ROLE, *control_plane.ROLES))


@pytest.fixture(scope="session", autouse=True)
def _managed_policies() -> Iterator[None]:
    """moto's IAM, once made, has AWS's policies or never gets them, and whoever asks any service first makes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        yield
