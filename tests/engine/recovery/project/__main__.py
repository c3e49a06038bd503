"""A role and a policy of it, or an address: the program of test_killed_creates.py."""

import json
from pathlib import Path
from typing import Any

import pulumi

SETTINGS: dict[str, Any] = json.loads(Path("settings.json").read_text())

aws = pulumi.ProviderResource("aws", "aws", {"region": "eu-west-1"})
opts = pulumi.ResourceOptions(provider=aws)


class Role(pulumi.CustomResource):
    name: pulumi.Output[str]
    """Chosen by Check, and an output only once the provider has answered."""

    def __init__(self) -> None:
        inputs = {"name": None, "path": SETTINGS["path"], "deleteFirst": SETTINGS["delete_first"]}
        super().__init__("aws:iam/role:Role", "reader", inputs, opts)


if SETTINGS.get("address"):
    pulumi.CustomResource("aws:ec2/eip:Eip", "nat", {"tags": {"Name": "nat", "path": SETTINGS["path"]}}, opts)
else:
    role = Role()
    pulumi.CustomResource(
        "aws:iam/rolePolicy:RolePolicy", "policy", {"role": role.name, "name": "read"}, opts
    )
    pulumi.export("role", role.name)
