"""The emulated AWS account: a moto server on loopback. Its memory is the account; when it ends, the account is gone."""

from __future__ import annotations

import sys
from typing import Final

from sandbox import processes
from sandbox.endpoints import Endpoints
from sandbox.paths import SandboxPaths
from sandbox.probes import answers

ROLE: Final = "aws"
_START_SECONDS: Final = 60.0


def start(paths: SandboxPaths, endpoints: Endpoints) -> bool:
    """Starts the server unless it runs; True when it was started. Does not wait for it."""
    if ROLE in processes.running(paths):
        return False
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(endpoints.aws)]
    # Without the managed policies, attaching AmazonEKSClusterPolicy is a 404; the default AMIs are not used.
    environment = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
    processes.start(paths, ROLE, command, environment)
    return True


def wait(paths: SandboxPaths, endpoints: Endpoints) -> None:
    """Waits until the server answers."""
    # Not data.json, which writes out the whole account: of a full one, on a busy machine, in more than 5 s.
    url = f"{endpoints.aws_url}/moto-api/config"
    processes.wait_until(lambda: answers(url, timeout_seconds=5), paths, ROLE, _START_SECONDS)
