"""The programs that the sandbox runs, each built from a Go module of this folder.

A module's go.mod pins the version and its go.sum the content of everything that goes in, so the pair names a
build. The modules are apart because their dependencies exclude each other.
"""

from __future__ import annotations

import hashlib
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MODULES_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Program:
    """One executable."""

    name: str
    package: str
    """Go package; one that begins with ``./`` lies beside go.mod."""
    version_arguments: tuple[str, ...] | None = ("--version",)
    """None for a provider plugin: it has no such flag, and its protocol has a call for it."""
    oldest: str | None = None
    """The oldest version on PATH that fits; None: the module's."""


@dataclass(frozen=True, kw_only=True)
class Trimmed:
    """A dependency that is built without the packages that nobody runs, from a copy of the rest of it."""

    source: str
    """The Go module."""
    kept: tuple[str, ...]
    """Its files that are copied, as globs."""
    replaced: tuple[str, str]
    """One of these files, and the file beside go.mod that is built in its place."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """A Go module whose only content is what to build."""

    folder: str
    source: str
    """The Go module whose version is this one's."""
    programs: tuple[Program, ...] = ()
    stamps: tuple[str, ...] = ()
    """Variables set at link time; ``{version}``, ``{major}`` and ``{minor}`` are filled in."""
    assets: tuple[str, ...] = ()
    """Files of the source module that are needed at run time, as globs."""
    trimmed: Trimmed | None = None
    what: str = ""
    """Its purpose, as shown to a person."""

    @property
    def path(self) -> Path:
        """The folder that holds go.mod and go.sum."""
        return _MODULES_FOLDER / self.folder

    @property
    def version(self) -> str:
        """The pinned version, e.g. ``3.259.0``, read from go.mod.

        Raises:
            ValueError: go.mod does not require the source module.
        """
        text = (self.path / "go.mod").read_text()
        found = re.search(rf"^(?:require)?\s*{re.escape(self.source)} v(\S+)", text, re.MULTILINE)
        if not found:
            raise ValueError(f"{self.path / 'go.mod'} does not require {self.source}")
        return found.group(1)

    @property
    def linker_flags(self) -> str:
        """Value of ``-ldflags``: stripped, and stamped with the version that the program reports."""
        major, minor, _ = self.version.split(".", 2)
        stamps = [f"-X {s.format(version=self.version, major=major, minor=minor)}" for s in self.stamps]
        return " ".join(["-s", "-w", *stamps])

    @property
    def key(self) -> str:
        """Content hash of all that decides the build; names its folder in the cache."""
        digest = hashlib.sha256()
        for part in (
            (self.path / "go.mod").read_bytes(),
            (self.path / "go.sum").read_bytes(),
            self.linker_flags.encode(),
            " ".join(program.package for program in self.programs).encode(),
            *(source.read_bytes() for source in sorted(self.path.rglob("*.go"))),
            " ".join(self.assets).encode(),
            repr(self.trimmed).encode(),
            f"{platform.system()}-{platform.machine()}".encode(),
        ):
            digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()[:16]


KUBERNETES_PROVIDER: Final = "pulumi-resource-kubernetes"

_K8S_VERSION: Final = "k8s.io/component-base/version"

PULUMI: Final = Module(
    folder="pulumi",
    source="github.com/pulumi/pulumi/pkg/v3",
    programs=(
        Program(
            name="pulumi",
            package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            version_arguments=("version",),
        ),
        # In the engine's module, since most of what it is made of is the engine's, or Go compiles that twice.
        Program(
            name=KUBERNETES_PROVIDER,
            package=f"./{KUBERNETES_PROVIDER}",
            version_arguments=None,
            oldest="4.25.0",
        ),
    ),
    stamps=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{version}",),
    trimmed=Trimmed(
        source="github.com/pulumi/pulumi-kubernetes/sdk/v4",
        kept=(
            "go.mod",
            "go/kubernetes/*.go",
            "go/kubernetes/utilities/*.go",
            "go/kubernetes/helm/v4/*.go",
            "go/kubernetes/yaml/v2/*.go",
        ),
        replaced=("go/kubernetes/yaml/v2/kinds.go", "overlay/kinds.go"),
    ),
    what="the Pulumi engine, its command line and its Kubernetes provider",
)
ETCD: Final = Module(
    folder="etcd",
    source="go.etcd.io/etcd/server/v3",
    programs=(Program(name="etcd", package="go.etcd.io/etcd/server/v3"),),
    what="the API server's database",
)
KWOK: Final = Module(
    folder="kwok",
    source="sigs.k8s.io/kwok",
    programs=(Program(name="kwok", package="sigs.k8s.io/kwok/cmd/kwok"),),
    assets=(
        "kustomize/stage/node/fast/node-*.yaml",
        "kustomize/stage/node/heartbeat-with-lease/node-*.yaml",
        "kustomize/stage/pod/fast/pod-*.yaml",
    ),
    what="the stand-in for the kubelets",
)
KUBERNETES: Final = Module(
    folder="kubernetes",
    source="k8s.io/kubernetes",
    programs=(
        Program(name="kube-apiserver", package="k8s.io/kubernetes/cmd/kube-apiserver"),
        Program(name="kube-controller-manager", package="k8s.io/kubernetes/cmd/kube-controller-manager"),
        Program(name="kube-scheduler", package="k8s.io/kubernetes/cmd/kube-scheduler"),
    ),
    # Without these the API server calls itself v0.0.0-master.
    stamps=(
        f"{_K8S_VERSION}.gitVersion=v{{version}}",
        f"{_K8S_VERSION}.gitMajor={{major}}",
        f"{_K8S_VERSION}.gitMinor={{minor}}",
    ),
    what="the Kubernetes control plane",
)

PROMETHEUS_OPERATOR_DEFINITIONS: Final = Module(
    folder="crds",
    source="github.com/prometheus-operator/prometheus-operator",
    # What the charts prometheus-operator-crds and kube-prometheus-stack carry (their hack/update_crds.sh).
    assets=("example/prometheus-operator-crd/*.yaml",),
    what="the definitions of PodMonitor, PrometheusRule and their like",
)
MODULES: Final = (PULUMI, ETCD, KWOK, KUBERNETES, PROMETHEUS_OPERATOR_DEFINITIONS)
"""The modules in build order: those that others need come first."""
