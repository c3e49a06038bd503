"""Exported states as small as they can be, and the engine's rules for whole ones."""

import json
from typing import Any

STACK = "urn:pulumi:dev::slipway::pulumi:pulumi:Stack::slipway-dev"
PROVIDER = "urn:pulumi:dev::slipway::pulumi:providers:aws::aws"
PROVIDER_ID = "0d6c2f0e-0000-4000-8000-000000000000"
DEFAULT_TAGS = {"slipway:environment": "dev", "slipway:project": "slipway"}


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::slipway::{type_}::{name}"


def resource(type_: str, name: str, inputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "urn": urn(type_, name),
        "custom": True,
        "type": type_,
        "inputs": inputs or {},
        "parent": STACK,
        "provider": f"{PROVIDER}::{PROVIDER_ID}",
        **more,
    }


def creating(type_: str, name: str, inputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "creating", "resource": resource(type_, name, inputs, **more)}


def deployment(*pending: dict[str, Any], has: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    base = [
        {"urn": STACK, "custom": False, "type": "pulumi:pulumi:Stack"},
        {
            "urn": PROVIDER,
            "custom": True,
            "type": "pulumi:providers:aws",
            "id": PROVIDER_ID,
            "inputs": {"region": "eu-west-1", "defaultTags": json.dumps({"tags": DEFAULT_TAGS})},
        },
    ]
    return {"manifest": {}, "resources": [*base, *has], "pending_operations": list(pending)}


def assert_whole(state: dict[str, Any]) -> None:
    """Fail where the engine would refuse the state (sdk/go/common/snapshot, VerifyIntegrity)."""
    seen: set[str] = set()
    providers: set[str] = set()
    for item in state["resources"]:
        if item["type"].startswith("pulumi:providers:"):
            providers.add(f"{item['urn']}::{item['id']}")
        if item.get("provider"):
            assert item["provider"] in providers, item["urn"]
        needed = [item.get("parent"), item.get("deletedWith"), *(item.get("dependencies") or ())]
        for urns in (item.get("propertyDependencies") or {}).values():
            needed += urns
        assert {one for one in needed if one} <= seen, item["urn"]
        seen.add(item["urn"])
    for one in seen:
        same = [item for item in state["resources"] if item["urn"] == one]
        assert sum(not item.get("delete") for item in same) <= 1, one
