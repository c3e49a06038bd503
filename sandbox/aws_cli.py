"""The one `aws` command that a kubeconfig needs: `aws eks get-token`, answered for the local API server.

The kubeconfig is the production one, with an exec credential and no token in it, so the answer to its call is
where the sandbox differs.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from typing import Final

from sandbox import control_plane, guard
from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths

_LIFETIME: Final = datetime.timedelta(minutes=14)
"""As the real command's (the AWS CLI hands out tokens for 14 minutes)."""


def main() -> int:
    """Prints an ExecCredential; 252 for any other command, as the real one for bad usage."""
    parser = argparse.ArgumentParser(
        prog="aws", description="The sandbox's stand-in; knows `eks get-token` only."
    )
    parser.add_argument("service", choices=["eks"])
    parser.add_argument("operation", choices=["get-token"])
    parser.add_argument("--cluster-name", required=True)
    parser.add_argument("--region")
    parser.add_argument("--output", default="json")
    parser.add_argument("--role-arn")
    parser.add_argument("--profile")
    parser.parse_args()
    if reason := guard.refusal(os.environ):
        sys.stderr.write(f"aws: {reason}\n")
        return 254
    try:
        token = control_plane.deployer_token(SandboxPaths.of_environment(dict(os.environ)))
    except SandboxError as error:
        sys.stderr.write(f"aws: {error}\n")
        return 254
    expires = datetime.datetime.now(datetime.UTC) + _LIFETIME
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "kind": "ExecCredential",
        "spec": {},
        "status": {"expirationTimestamp": expires.strftime("%Y-%m-%dT%H:%M:%SZ"), "token": token},
    }
    sys.stdout.write(json.dumps(credential) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
