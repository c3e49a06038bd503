"""A real Kubernetes control plane on loopback: etcd, API server, scheduler, controllers; kwok plays the nodes.

kwok runs no container: a bound pod becomes Running in name. Everything before that is real: admission, Pod
Security, RBAC, quotas, scheduling.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from sandbox import certificates, processes, tokens
from sandbox.endpoints import Endpoints
from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths
from sandbox.probes import answers
from sandbox.toolchain.build import assets_of
from sandbox.toolchain.programs import KWOK

ROLES: Final = ("kwok", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")
"""The processes in the order in which they are stopped: an API server without its etcd holds its port for a minute."""

_USERS: Final = {
    "admin": "system:masters",
    "deployer": "system:masters",
    "system:kube-scheduler": "",
    "system:kube-controller-manager": "",
}
"""Token users and their group. ``deployer`` is who the sandbox's `aws eks get-token` answers for."""

_NODE_LEASE_SECONDS: Final = 40
"""A kubelet's own default (nodeLeaseDurationSeconds)."""

_START_SECONDS: Final = 60.0
"""Measured 2 s on 2 idle cores (2026-11); the rest is for a busy machine."""


def start(paths: SandboxPaths, endpoints: Endpoints, programs: Mapping[str, Path]) -> list[str]:
    """Starts what does not run yet and waits until the API server is ready; returns the roles started."""
    known = _credentials(paths, endpoints)
    alive = processes.running(paths)
    started = []

    def launch(role: str, *arguments: str) -> None:
        if role not in alive:
            processes.start(paths, role, [programs[role], *arguments])
            started.append(role)

    folder = paths.control_plane
    if "etcd" not in alive:
        launch(
            "etcd",
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls={endpoints.etcd_url}",
            f"--advertise-client-urls={endpoints.etcd_url}",
            f"--listen-peer-urls=http://127.0.0.1:{endpoints.etcd_peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{endpoints.etcd_peer}",
            f"--initial-cluster=default=http://127.0.0.1:{endpoints.etcd_peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
        processes.wait_until(lambda: answers(f"{endpoints.etcd_url}/readyz"), paths, "etcd", _START_SECONDS)
    launch(
        "kube-apiserver",
        f"--etcd-servers={endpoints.etcd_url}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={endpoints.api_server}",
        f"--tls-cert-file={folder / 'server.crt'}",
        f"--tls-private-key-file={folder / 'server.key'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--anonymous-auth=true",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'service-account.key'}",
        f"--service-account-signing-key-file={folder / 'service-account.key'}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--endpoint-reconciler-type=none",
        "--v=1",
    )
    processes.wait_until(
        lambda: answers(f"{endpoints.api_server_url}/readyz", paths.cluster_ca, known["admin"]),
        paths,
        "kube-apiserver",
        _START_SECONDS,
    )
    for role, port, user in (
        ("kube-scheduler", endpoints.scheduler, "system:kube-scheduler"),
        ("kube-controller-manager", endpoints.controller_manager, "system:kube-controller-manager"),
    ):
        kubeconfig = _write_kubeconfig(paths, endpoints, folder / f"{role}.kubeconfig", user, known[user])
        common = (
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={folder / role}",
            "--leader-elect=false",
        )
        extra: tuple[str, ...] = ()
        if role == "kube-controller-manager":
            extra = (
                f"--root-ca-file={paths.cluster_ca}",
                f"--service-account-private-key-file={folder / 'service-account.key'}",
                "--use-service-account-credentials",
            )
        launch(role, *common, *extra)
    launch(
        "kwok",
        f"--kubeconfig={paths.admin_kubeconfig}",
        # kwok splits the value at commas, and a clone's path may have one: relative to the folder it is started in.
        f"--config={_stages(folder).relative_to(paths.root)}",
        "--manage-all-nodes=true",
        # Without it kwok renews no lease, and 40 s later the node controller takes every node for lost.
        f"--node-lease-duration-seconds={_NODE_LEASE_SECONDS}",
        f"--server-address=127.0.0.1:{endpoints.kwok}",
    )
    for role, port in (
        ("kube-scheduler", endpoints.scheduler),
        ("kube-controller-manager", endpoints.controller_manager),
        ("kwok", endpoints.kwok),
    ):
        processes.wait_until(partial(processes.listens, paths, role, port), paths, role, _START_SECONDS)
    return started


def wait(paths: SandboxPaths, endpoints: Endpoints) -> None:
    """Waits until the processes that nobody asks anything have come to listen.

    Raises:
        SandboxError: one of them ended or does not listen; the message has the end of its log.
    """
    for role, port in (
        ("kube-scheduler", endpoints.scheduler),
        ("kube-controller-manager", endpoints.controller_manager),
        ("kwok", endpoints.kwok),
    ):
        processes.wait_until(partial(_listens, port), paths, role, _START_SECONDS)


def _listens(port: int) -> bool:
    return not processes.port_is_free(port)


def _credentials(paths: SandboxPaths, endpoints: Endpoints) -> dict[str, str]:
    folder = paths.control_plane
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if not (folder / "tokens.csv").exists():
        certificates.make_authority_and_server(paths.cluster_ca, folder / "server.crt", folder / "server.key")
        certificates.make_service_account_key(folder / "service-account.key")
        rows = [f'{secrets.token_urlsafe(32)},{user},{user},"{group}"\n' for user, group in _USERS.items()]
        scratch = folder / "tokens.tmp"
        scratch.touch(mode=0o600)
        scratch.write_text("".join(rows))
        scratch.replace(folder / "tokens.csv")
    known = tokens.of_users(paths)
    _write_kubeconfig(paths, endpoints, paths.admin_kubeconfig, "admin", known["admin"])
    return known


def _write_kubeconfig(paths: SandboxPaths, endpoints: Endpoints, path: Path, user: str, token: str) -> Path:
    authority = base64.b64encode(paths.cluster_ca.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "sandbox",
                "cluster": {"server": endpoints.api_server_url, "certificate-authority-data": authority},
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
        "current-context": "sandbox",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2) + "\n")
    return path


def _stages(folder: Path) -> Path:
    stages = assets_of(KWOK)
    if not stages:
        raise SandboxError("kwok's stages are not in the cache. Run `slipway doctor`.")
    path = folder / "kwok-stages.yaml"
    own = sorted((Path(__file__).parent / "stages").glob("*.yaml"))
    path.write_text("---\n".join(stage.read_text().rstrip() + "\n" for stage in (*stages, *own)))
    return path
