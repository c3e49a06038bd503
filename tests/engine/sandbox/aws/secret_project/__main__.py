"""Resources whose inputs are secret at different depths: the program of test_secrets.py."""

import base64
import json
from pathlib import Path

import pulumi

WORDS: dict[str, str] = json.loads(Path("settings.json").read_text())
SECRET = {name: pulumi.Output.secret(word) for name, word in WORDS.items()}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}

opts = pulumi.ResourceOptions(provider=pulumi.ProviderResource("aws", "aws", {"region": "eu-west-1"}))
pulumi.CustomResource(
    "aws:kms/key:Key", "key", {"description": SECRET["description"], "tags": {"team": SECRET["tag"]}}, opts
)
pulumi.CustomResource(
    "aws:ec2/launchTemplate:LaunchTemplate",
    "template",
    {
        "userData": SECRET["user_data"].apply(lambda word: base64.b64encode(word.encode()).decode()),
        "tags": {"team": SECRET["tag"]},
    },
    opts,
)
pulumi.CustomResource(
    "aws:iam/role:Role",
    "role",
    {"assumeRolePolicy": json.dumps(TRUST), "tags": {"team": SECRET["tag"]}},
    opts,
)
