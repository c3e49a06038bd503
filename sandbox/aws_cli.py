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
from http import HTTPStatus
from typing import Final
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from sandbox import guard, tokens
from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths

_LIFETIME: Final = datetime.timedelta(minutes=14)
"""The real command's period: the AWS CLI hands out tokens for 14 minutes."""

_TIMEOUT_SECONDS: Final = 20.0


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
    asked = parser.parse_args()
    if reason := guard.refusal(os.environ):
        sys.stderr.write(f"aws: {reason}\n")
        return 254
    if _is_gone(asked.cluster_name, asked.region or os.environ.get("AWS_REGION", "")):
        sys.stderr.write(
            "An error occurred (ResourceNotFoundException) when calling the DescribeCluster operation: "
            f"No cluster found for name: {asked.cluster_name}\n"
        )
        return 254
    try:
        token = tokens.deployer_token(SandboxPaths.of_environment(dict(os.environ)))
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


def _is_gone(cluster: str, region: str) -> bool:
    """True if the account says that it has no such cluster.

    The real command signs a token without asking; the address of a cluster that is gone then answers nobody. Here
    every cluster has the same address, and only the account knows which of them exist.
    """
    scope = f"Credential=sandbox/20260101/{region}/eks/aws4_request, SignedHeaders=host, Signature=none"
    url = f"{os.environ['AWS_ENDPOINT_URL']}/clusters/{quote(cluster)}"
    request = Request(url, headers={"Authorization": f"AWS4-HMAC-SHA256 {scope}"})  # noqa: S310 (loopback: the guard)
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=_TIMEOUT_SECONDS):
            return False
    except HTTPError as error:
        return error.code == HTTPStatus.NOT_FOUND
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
