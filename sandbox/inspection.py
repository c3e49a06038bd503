"""Reads what the emulated account and the real cluster hold, from their own APIs and not from the stack's state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox import tokens
from sandbox.endpoints import Endpoints
from sandbox.errors import SandboxError
from sandbox.lifecycle import REGION, Sandbox
from sandbox.research import seeds

_SYSTEM_NAMESPACES: Final = {"default", "kube-node-lease", "kube-public", "kube-system"}


@dataclass(frozen=True, kw_only=True)
class BucketFacts:
    """A bucket as the S3 API describes it."""

    name: str
    private: bool
    versioned: bool
    encryption: str
    """Algorithm of the default encryption, e.g. ``aws:kms``; empty for none."""


@dataclass(frozen=True, kw_only=True)
class PodFacts:
    """A pod as the API server describes it."""

    name: str
    phase: str
    node: str
    pool: str
    """The pool label of its node; empty while it is not bound."""
    why_pending: str
    """The scheduler's own words; empty once it is bound."""


class Inspection:
    """Reads one running sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._endpoints: Endpoints = sandbox.endpoints()
        self._session = requests.Session()
        # Else REQUESTS_CA_BUNDLE and proxy variables win over what is set here.
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {tokens.admin_token(sandbox.paths)}"
        self._session.verify = str(sandbox.paths.cluster_ca)

    def bucket(self, name: str) -> BucketFacts:
        """Facts of one bucket.

        Raises:
            SandboxError: there is no such bucket.
        """
        s3 = self._aws("s3")
        try:
            versioning = s3.get_bucket_versioning(Bucket=name).get("Status")
        except ClientError as error:
            raise SandboxError(
                f"bucket {name} is in the stack's state, and the account has none: {error}"
            ) from error
        return BucketFacts(
            name=name,
            private=self._is_private(s3, name),
            versioned=versioning == "Enabled",
            encryption=self._encryption(s3, name),
        )

    def pods(self, namespace: str, selector: str) -> list[PodFacts]:
        """The pods with the labels, by name."""
        pools = {
            node["metadata"]["name"]: node["metadata"]["labels"].get("slipway.dev/pool", "")
            for node in self._items("/api/v1/nodes")
        }
        pods = self._items(f"/api/v1/namespaces/{namespace}/pods?labelSelector={quote(selector)}")
        return sorted((_pod_facts(pod, pools) for pod in pods), key=lambda pod: pod.name)

    def leftovers(self) -> list[str]:
        """Return what an account and a cluster hold that a new one does not, e.g. ``bucket models-1a2b3c4``."""
        ec2, iam = self._aws("ec2"), self._aws("iam")
        held = {bucket["Name"] for bucket in self._aws("s3").list_buckets()["Buckets"]}
        found = [f"bucket {name}" for name in sorted(held - seeds.buckets())]
        found += [f"EKS cluster {name}" for name in self._aws("eks").list_clusters()["clusters"]]
        found += [f"VPC {vpc['VpcId']}" for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
        found += [f"address {a['AllocationId']}" for a in ec2.describe_addresses()["Addresses"]]
        found += [f"role {role['RoleName']}" for role in iam.list_roles()["Roles"]]
        found += [f"policy {policy['PolicyName']}" for policy in iam.list_policies(Scope="Local")["Policies"]]
        keys = self._aws("kms")
        found += [f"key {key}" for key in _kept_keys(keys)]
        found += [f"node {node['metadata']['name']}" for node in self._items("/api/v1/nodes")]
        namespaces = {namespace["metadata"]["name"] for namespace in self._items("/api/v1/namespaces")}
        found += [f"namespace {name}" for name in sorted(namespaces - _SYSTEM_NAMESPACES)]
        return found

    def _aws(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]  # one of many literal overloads, chosen by a plain string
            endpoint_url=self._endpoints.aws_url,
            region_name=REGION,
            config=Config(proxies={}),
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 (the emulated account takes any)
        )

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call to the API server as its administrator; a body is a merge patch, or what is posted.

        Raises:
            requests.HTTPError: the server refused it; the message has the server's own words.
        """
        kind = "application/json" if method == "POST" else "application/merge-patch+json"
        headers = {"Content-Type": kind} if body else {}
        url = self._endpoints.api_server_url + path
        answer = self._session.request(method, url, json=body, headers=headers, timeout=30)
        content: dict[str, Any] = answer.json()
        if not answer.ok:
            why = content.get("message", "")
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {why}", response=answer)
        return content

    def watch(self, path: str, seconds: int) -> Iterator[dict[str, Any]]:
        """Yield the objects of a list, and then each of them that changes, for so many seconds.

        Raises:
            requests.HTTPError: the server refused it.
        """
        listed = self.request("GET", path)
        yield from listed["items"]
        query = {
            "watch": "true",
            "timeoutSeconds": str(seconds),
            "resourceVersion": listed["metadata"]["resourceVersion"],
        }
        url = self._endpoints.api_server_url + path
        with self._session.get(url, params=query, stream=True, timeout=seconds + 30) as answer:
            answer.raise_for_status()
            for line in filter(None, answer.iter_lines()):
                event = json.loads(line)
                if event["type"] in ("ADDED", "MODIFIED"):
                    yield event["object"]

    def _items(self, path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.request("GET", path)["items"]
        return items

    @staticmethod
    def _is_private(s3: Any, name: str) -> bool:
        try:
            block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        except ClientError:
            return False
        return len(block) == 4 and all(block.values())

    @staticmethod
    def _encryption(s3: Any, name: str) -> str:
        try:
            rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        except ClientError:
            return ""
        return str(rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])


def _kept_keys(kms: Any) -> list[str]:
    """Ids of keys that are not scheduled for deletion, which is all that deleting a key does for some days."""
    ids = [key["KeyId"] for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]]
    described = [kms.describe_key(KeyId=id_)["KeyMetadata"] for id_ in ids]
    return [
        key["KeyId"]
        for key in described
        if key["KeyManager"] == "CUSTOMER" and key["KeyState"] != "PendingDeletion"
    ]


def _pod_facts(pod: dict[str, Any], pools: dict[str, str]) -> PodFacts:
    node = pod["spec"].get("nodeName", "")
    conditions = {condition["type"]: condition for condition in pod["status"].get("conditions", [])}
    scheduled = conditions.get("PodScheduled", {})
    return PodFacts(
        name=pod["metadata"]["name"],
        phase=pod["status"]["phase"],
        node=node,
        pool=pools.get(node, ""),
        why_pending=scheduled.get("message", "") if scheduled.get("status") == "False" else "",
    )
