"""The bearer tokens of the local API server's users.

A module of its own that imports nothing large: `aws eks get-token` runs for each command of the engine.
"""

from __future__ import annotations

from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths


def admin_token(paths: SandboxPaths) -> str:
    """Bearer token with full access."""
    return of_users(paths)["admin"]


def deployer_token(paths: SandboxPaths) -> str:
    """Bearer token that `aws eks get-token` hands to the deploying program."""
    return of_users(paths)["deployer"]


def of_users(paths: SandboxPaths) -> dict[str, str]:
    """Bearer token of each user.

    Raises:
        SandboxError: the sandbox was never started.
    """
    try:
        rows = (paths.control_plane / "tokens.csv").read_text().splitlines()
    except FileNotFoundError:
        raise SandboxError("the sandbox was never started here. Run `slipway sandbox start`.") from None
    return {row.split(",")[1]: row.split(",")[0] for row in rows}
