"""The places of the sandbox's files: one folder in the clone, ignored by git."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.guard import SANDBOX_VARIABLE


@dataclass(frozen=True)
class SandboxPaths:
    """The sandbox's folder and what lies in it."""

    root: Path

    @classmethod
    def of_clone(cls, clone: Path) -> SandboxPaths:
        """The sandbox of a clone of the repository."""
        return cls((clone / ".slipway" / "sandbox").resolve())

    @classmethod
    def of_environment(cls, environment: dict[str, str]) -> SandboxPaths:
        """The sandbox that ``slipway sandbox env`` named.

        Raises:
            KeyError: the variable is not set; the guard refuses earlier.
        """
        return cls(Path(environment[SANDBOX_VARIABLE]))

    @property
    def programs(self) -> Path:
        """Executables put first on PATH: engine, language host, providers, the `aws` that answers the exec call."""
        return self.root / "bin"

    @property
    def logs(self) -> Path:
        """Output of each background process, one file a process."""
        return self.root / "logs"

    @property
    def endpoints(self) -> Path:
        """The ports in use."""
        return self.root / "endpoints.json"

    @property
    def lock(self) -> Path:
        """The file whose lock is held while the sandbox is started, stopped or updated."""
        return self.root / "lock"

    @property
    def unfinished(self) -> Path:
        """The file that is there while an update runs, or while the state may not describe the account. It says why."""
        return self.root / "unfinished"

    @property
    def cut_off(self) -> Path:
        """The file that is there once an update of this account was cut off: the account may hold unknown objects."""
        return self.root / "cut-off"

    @property
    def engine_home(self) -> Path:
        """PULUMI_HOME."""
        return self.root / "pulumi-home"

    @property
    def backend(self) -> Path:
        """The stack's state (the engine's file backend)."""
        return self.root / "state"

    @property
    def control_plane(self) -> Path:
        """Keys, certificates, tokens and etcd's data."""
        return self.root / "control-plane"

    @property
    def helm(self) -> Path:
        """Helm's configuration and cache, and the charts that are served."""
        return self.root / "helm"

    @property
    def pods(self) -> Path:
        """Links to the folders of pods that run for real: they lie where paths are short."""
        return self.root / "pods"

    @property
    def admin_kubeconfig(self) -> Path:
        """The kubeconfig with full access to the local API server; for the emulated EKS, for people and for tests."""
        return self.control_plane / "admin.kubeconfig"

    @property
    def cluster_ca(self) -> Path:
        """PEM certificate of the API server's authority."""
        return self.control_plane / "ca.crt"
