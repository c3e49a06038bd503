"""A state with its pending operations recovered. It passes the engine's check of integrity (sdk/go/common/snapshot of
pulumi 3.246): dependencies come first and exist, and of one URN all but one resource are to be deleted."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, Final

from recovery.decisions import Decision, Verdict
from recovery.operations import Deployment, resources

_ROOT: Final = "pulumi:pulumi:Stack"


def recovered(deployment: Deployment, decisions: Iterable[Decision]) -> Deployment:
    """Return the state with each decided operation as a resource, and with no pending operation.

    A recovered resource has its inputs and its id, and no outputs: the refresh reads them. It is marked
    `refreshBeforeUpdate`, so that an update that comes first reads it too.
    """
    found = copy.deepcopy(resources(deployment))
    # The last update's operations stand first, and a resource to delete may stand anywhere behind its dependencies.
    for decision in decisions:
        if decision.verdict is Verdict.ADOPT:
            _adopt(found, _resource(found, decision))
        elif decision.verdict is Verdict.REMOVE:
            found.append({**_resource(found, decision), "delete": True})
    result = {key: value for key, value in deployment.items() if key != "pending_operations"}
    return {**result, "resources": found}


def _adopt(found: list[dict[str, Any]], new: dict[str, Any]) -> None:
    """Puts a resource in the place of one that was deleted to be made anew, or at the end.

    The engine drops the former from the state when the create has succeeded (backend/snapshot.go,
    createSnapshotMutation.End).
    """
    for index, item in enumerate(found):
        if item["urn"] == new["urn"] and item.get("pendingReplacement"):
            found[index] = new
            return
    found.append(new)


def _resource(found: list[dict[str, Any]], decision: Decision) -> dict[str, Any]:
    """Return the entry of a recovered resource. What it depended on may have left the state since."""
    resource = copy.deepcopy(dict(decision.operation.resource))
    urns = {item["urn"] for item in found}
    resource.pop("outputs", None)
    resource["id"] = decision.id
    resource["refreshBeforeUpdate"] = True
    for name in ("dependencies", "replaceWith"):
        if name in resource:
            resource[name] = [urn for urn in resource[name] or () if urn in urns]
    if "propertyDependencies" in resource:
        kept = resource["propertyDependencies"] or {}
        resource["propertyDependencies"] = {
            key: [urn for urn in value or () if urn in urns] for key, value in kept.items()
        }
    if resource.get("deletedWith") not in urns:
        resource.pop("deletedWith", None)
    if resource.get("parent") not in urns:
        resource.pop("parent", None)
        root = next((item["urn"] for item in found if item["type"] == _ROOT), None)
        resource |= {"parent": root} if root else {}
    return resource
