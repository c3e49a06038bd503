"""Compares a promotion with boto3's transfer manager and the AWS CLI: the same server, files and machine.

The server is moto's S3 in a process of its own. It copies in memory, in one Python process, so what is compared is how
many requests a copy takes and how much of the client's time, not S3's speed. Of the large file it says little: moto
reads the whole of it again for each part (5.2.5), which S3 does not, and the others copy it in parts of 8 MiB. A
promotion does more than the others: it proves the digest and publishes a manifest.
"""

import argparse
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
from boto3.s3.transfer import TransferConfig, create_transfer_manager

from artifacts.storage import Manner, Source, Target, digest_source, make_client, promote

REGION: Final = "eu-west-1"
WORKERS: Final = 10
"""Requests at once, for all: the AWS CLI's and the transfer manager's default."""

TIMES_FASTER: Final = 50
"""An unchanged second run must be this many times faster."""

ROUNDS: Final = 3

CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": REGION}


@dataclass(frozen=True, kw_only=True)
class Case:
    """Files of one shape."""

    name: str
    count: int
    size: int
    """Bytes of each."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The time that one run took."""

    seconds: float
    processor: float
    """CPU seconds of the client; other work on the machine changes them little."""


CASES: Final = (
    Case(name="one large", count=1, size=256 << 20),
    Case(name="ten thousand small", count=10_000, size=4096),
)
QUICK_CASES: Final = (
    Case(name="one large", count=1, size=64 << 20),
    Case(name="many small", count=300, size=4096),
)


def main() -> int:
    """Prints the ratios; 1 where a promotion is slower than both others, or a second run not 50 times faster."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="64 MiB and 300 files")
    parser.add_argument(
        "--aws", help="an aws executable; else one is installed into a folder that is removed again"
    )
    parser.add_argument("--files", type=int, help="how many small files, instead of ten thousand")
    options = parser.parse_args()
    large, small = QUICK_CASES if options.quick else CASES
    if options.files:
        small = Case(name="many small", count=options.files, size=small.size)
    os.environ.update(CREDENTIALS)
    with tempfile.TemporaryDirectory() as folder, _moto(Path(folder)) as url:
        aws = options.aws or _installed_cli(Path(folder))
        return max(_measure(case, url, aws) for case in (large, small))


def _measure(case: Case, url: str, aws: str | None) -> int:
    client = make_client(region=REGION, endpoint=url, workers=WORKERS)
    source = _filled(client, case)
    digest = digest_source(source).digest
    ways: dict[str, Callable[[], object]] = {
        "boto3 transfer manager": lambda: _transfer(client, url, source),
        **({"AWS CLI, s3 sync": lambda: _sync(client, url, source, aws)} if aws else {}),
    }
    ours: list[Taken] = []
    again: list[Taken] = []
    others: dict[str, list[Taken]] = {name: [] for name in ways}
    for _ in range(ROUNDS):  # in turn, so that whatever else the machine does meets all of them
        target = Target(client=client, bucket=_bucket(client, "ours"), digest=digest)
        ours.append(_timed(lambda: promote(source, target, Manner(workers=WORKERS))))  # noqa: B023 - called at once
        again.append(_timed(lambda: promote(source, target)))  # noqa: B023
        for name, way in ways.items():
            others[name].append(_timed(way))
    return _report(case, _best(ours), _best(again), {name: _best(taken) for name, taken in others.items()})


def _report(case: Case, ours: Taken, again: Taken, others: dict[str, Taken]) -> int:
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{case.name}: {case.count:,} x {case.size:,} bytes, the best of {ROUNDS}; {load}")
    print(f"  promotion                {_shown(case, ours)}")
    for name, taken in others.items():
        print(f"  {name:24} {_shown(case, taken)}  {taken.seconds / ours.seconds:5.2f} times as long")
    if len(others) == 1:
        print("  AWS CLI: not measured, it could not be installed")
    faster = ours.seconds / again.seconds
    print(
        f"  promotion, unchanged     {again.seconds:8.3f} s  {faster:.0f} times faster (at least {TIMES_FASTER})"
    )
    slower = ours.seconds > min(taken.seconds for taken in others.values())
    return int(slower or faster < TIMES_FASTER)


def _best(taken: list[Taken]) -> Taken:
    """The least of each: other work on the machine adds to both."""
    return Taken(seconds=min(one.seconds for one in taken), processor=min(one.processor for one in taken))


def _shown(case: Case, taken: Taken) -> str:
    return f"{taken.seconds:8.2f} s  {_rate(case, taken.seconds)}  client's CPU {taken.processor:7.2f} s"


def _rate(case: Case, seconds: float) -> str:
    return f"{case.count * case.size / 1e6 / seconds:8.1f} MB/s {case.count / seconds:8.0f} files/s"


def _timed(work: Callable[[], object]) -> Taken:
    start, used = time.perf_counter(), _processor_seconds()
    work()
    return Taken(seconds=time.perf_counter() - start, processor=_processor_seconds() - used)


def _processor_seconds() -> float:
    """Return the CPU seconds of this process and its ended children: the AWS CLI, never the server."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _bucket(client: Any, name: str) -> str:
    unique = f"bench-{name}-{time.monotonic_ns()}"
    client.create_bucket(Bucket=unique, CreateBucketConfiguration={"LocationConstraint": REGION})
    return unique


def _filled(client: Any, case: Case) -> Source:
    bucket = _bucket(client, "source")
    body = os.urandom(case.size)

    def put(number: int) -> None:
        client.put_object(Bucket=bucket, Key=f"models/{number:05}.bin", Body=body)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(put, range(case.count)))
    return Source(client=client, bucket=bucket, path="models")


def _transfer(client: Any, url: str, source: Source) -> None:
    """Copy as people do with boto3: one listing, and a copy of each key by one transfer manager."""
    plain = boto3.session.Session().client("s3", endpoint_url=url, region_name=REGION)
    bucket = _bucket(client, "boto3")
    with create_transfer_manager(plain, TransferConfig(max_concurrency=WORKERS)) as manager:
        pages = plain.get_paginator("list_objects_v2").paginate(Bucket=source.bucket, Prefix=source.path)
        copies = [
            manager.copy({"Bucket": source.bucket, "Key": entry["Key"]}, bucket, entry["Key"])
            for page in pages
            for entry in page["Contents"]
        ]
        for copy in copies:
            copy.result()


def _sync(client: Any, url: str, source: Source, aws: str) -> None:
    bucket = _bucket(client, "cli")
    places = [f"s3://{source.bucket}/{source.path}/", f"s3://{bucket}/copied/"]
    _run([aws, "--endpoint-url", url, "s3", "sync", "--only-show-errors", *places])


def _installed_cli(folder: Path) -> str | None:
    """The AWS CLI from the package index, apart from the project's own packages; None where it cannot be had."""
    try:
        venv.create(folder / "cli", with_pip=True)
        _run([str(folder / "cli" / "bin" / "python"), "-m", "pip", "install", "--quiet", "awscli"])
    except (OSError, subprocess.CalledProcessError):
        return None
    return str(folder / "cli" / "bin" / "aws")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 (this file's own words)


@contextmanager
def _moto(folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "moto.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 (likewise)
        try:
            _wait(port, server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


def _wait(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("moto did not start")


if __name__ == "__main__":
    raise SystemExit(main())
