"""Trust policies: who may assume a role."""

import json
from collections.abc import Mapping, Sequence


def trust_policy(
    service: str,
    *,
    actions: Sequence[str] = ("sts:AssumeRole",),
    request_tags: Mapping[str, str] | None = None,
) -> str:
    """A trust policy for one AWS service; `request_tags` are session tags that must be sent along."""
    statement: dict[str, object] = {
        "Action": sorted(actions),
        "Effect": "Allow",
        "Principal": {"Service": service},
    }
    if request_tags:
        conditions = {f"aws:RequestTag/{tag}": value for tag, value in sorted(request_tags.items())}
        statement["Condition"] = {"StringEquals": conditions}
    return json.dumps({"Statement": [statement], "Version": "2012-10-17"}, sort_keys=True)
