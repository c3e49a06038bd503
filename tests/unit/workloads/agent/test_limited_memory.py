"""The agent as a process under its own limit of memory, against everything that ended it."""

import contextlib
import hashlib
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from planning.capacity.resources import AGENT_MEMORY
from tests.unit.workloads.agent import surroundings
from tests.unit.workloads.agent.bench import archive
from tests.unit.workloads.agent.samples import MODEL
from tests.unit.workloads.agent.surroundings import Neighbours, Pod
from tests.unit.workloads.agent.test_contents import directory
from workloads.agent import Archive, Configuration, Version, Weights, configuration_json
from workloads.artifacts.manifest import ArtifactFile, digest_of

GOOD = archive("1")
HEX = "ab" * 32


def versions(**more: Version) -> Configuration:
    """Version 1, which is good, and others."""
    return Configuration({MODEL: {"1": Version(_archive(GOOD, "1"), default=True), **more}})


def _archive(content: bytes, version: str) -> Archive:
    found = hashlib.sha256(content).hexdigest()
    surroundings.VERSIONS[found] = version
    return Archive(f"sha256:{found}", f"archives/{found}.mar")


@pytest.fixture(name="pod", scope="module")
def _pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    with Neighbours() as neighbours:
        pod = Pod(tmp_path_factory.mktemp("pod"), neighbours)
        offer(pod, GOOD, "1")
        yield pod
        pod.kill()


@pytest.fixture(name="unharmed")
def _unharmed(pod: Pod) -> Iterator[Pod]:
    """A pod that serves before the attack, and after it with the same process and within its memory."""
    restore(pod)
    if not pod.lives():
        shutil.rmtree(pod.volume, ignore_errors=True)
        pod.start()
    pod.until(lambda: pod.serves(MODEL, "1"))
    yield pod
    restore(pod)
    pod.until(lambda: pod.serves(MODEL, "1") and '"error": null' in pod.asked("/versions")[1])
    assert pod.peak() < int(AGENT_MEMORY), f"{pod.peak() >> 20} MiB were resident"


def restore(pod: Pod) -> None:
    pod.neighbours.instead.clear()
    pod.configuration.write_text(configuration_json(versions()))


def offer(pod: Pod, content: bytes, version: str) -> Archive:
    found = _archive(content, version)
    pod.neighbours.objects[found.location] = content
    return found


def says(pod: Pod, *texts: str) -> Callable[[], bool]:
    return lambda: all(text in pod.asked("/versions")[1] for text in texts)


TEXT = configuration_json(versions())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT.replace('"startupTimeout": 120', f'"startupTimeout": {10**18}'), "startupTimeout"),
        (TEXT.replace('"batchSize": 1', f'"batchSize": {"9" * 4000}'), "a number in it is larger"),
        (TEXT.replace('"drainGraceSeconds": 60', '"drainGraceSeconds": 1e999'), "a number in it is larger"),
        (TEXT.replace('"drainGraceSeconds": 60', '"drainGraceSeconds": -Infinity'), "-Infinity in it is no number"),
        (TEXT.replace('"format"', '"\\ud800": 1, "format"'), "half a character"),
        ('{"models": ' + "[" * 100_000, "nests deeper"),
        ("[" + "{}," * 300_000 + "{}]", "more than 200000 values"),
        ('{"format": 1, "models": {"m": "' + "\U0001f600" * 200_000 + '"}}', "is no object"),
    ],
    ids=["range", "digits", "infinite", "constant", "surrogate", "deep", "values", "text"],
)  # fmt: skip
def test_a_configuration_that_ended_every_agent_is_refused(unharmed: Pod, text: str, said: str) -> None:
    unharmed.configuration.write_text(text, encoding="utf-8")
    unharmed.until(says(unharmed, said))
    assert unharmed.serves(MODEL, "1")


def test_a_configuration_file_of_300_mib_is_refused(unharmed: Pod) -> None:
    with unharmed.configuration.open("wb") as file:
        file.truncate(300 << 20)
    unharmed.until(says(unharmed, "more than 1048576 bytes"))
    unharmed.configuration.unlink()


def weights(pod: Pod, name: str, manifest: bytes, digest: str) -> Version:
    """A version whose archive is good, and whose weights have that manifest."""
    location = f"artifacts/{name}"
    pod.neighbours.objects[f"{location}/manifest.json"] = manifest
    packed = archive(name, digest)
    return Version(offer(pod, packed, name), weights=Weights(digest, location))


def test_a_manifest_of_63_mib_with_one_emoji_is_refused(unharmed: Pod) -> None:
    manifest = (
        b'{"format": 1, "kind": "tree", "x": "\xf0\x9f\x98\x80", "files": [' + b" " * (63 << 20) + b"]}"
    )
    version = weights(unharmed, "2", manifest, f"sha256:{HEX}")
    unharmed.configuration.write_text(configuration_json(versions(**{"2": version})))
    unharmed.until(says(unharmed, "and is no manifest"))
    assert unharmed.serves(MODEL, "1")


def long_manifest(name: str, files: int) -> tuple[bytes, str]:
    """A good one, as large as an artifact's may be, with an emoji in the first name."""
    names = [f"\U0001f600{name}", *(f"{name}/{'x' * 60}{number:06}" for number in range(1, files))]
    described = [
        {"name": file, "size": 1, "sha256": HEX, "etag": f'"{HEX}"', "version_id": HEX} for file in names
    ]
    digest = digest_of("tree", tuple(ArtifactFile(file, 1, HEX) for file in names))
    document = {"format": 1, "kind": "tree", "digest": digest, "source": "s3://x", "files": described}
    return json.dumps(document, ensure_ascii=False).encode(), digest


def test_two_manifests_of_99_000_files_at_once_fit_the_memory(unharmed: Pod) -> None:
    more = {name: weights(unharmed, name, *long_manifest(name, 99_000)) for name in ("3", "4")}
    unharmed.configuration.write_text(configuration_json(versions(**more)))
    unharmed.until(says(unharmed, "artifacts/3/files/", "artifacts/4/files/", "NoSuchKey"))
    assert unharmed.serves(MODEL, "1")


def test_an_archive_of_400_000_entries_is_refused_also_after_a_restart(unharmed: Pod) -> None:
    version = Version(offer(unharmed, directory(400_000), "5"))
    unharmed.configuration.write_text(configuration_json(versions(**{"5": version})))
    unharmed.until(says(unharmed, "directory of more than"))
    restart(unharmed)
    unharmed.until(says(unharmed, "directory of more than"))
    assert unharmed.serves(MODEL, "1")


def restart(pod: Pod, meanwhile: Callable[[], object] = lambda: None) -> None:
    pod.kill()
    meanwhile()
    pod.start()
    pod.until(lambda: pod.serves(MODEL, "1"))


def in_place_of(path: Path, content: Any) -> None:
    shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)
    if content is None:
        path.symlink_to(path.with_name("nowhere"))
        return
    path.write_bytes(content[:1000])
    with path.open("r+b") as file:
        file.truncate(len(content) if len(content) < 300 else 300 << 20)


@pytest.mark.parametrize("name", ["agent.json", "weights", "versions", "configuration.last.json"])
@pytest.mark.parametrize(
    "content", [b"[]", b"9" * 299, b"[" * 300, None], ids=["list", "number", "300 MiB", "dangling link"]
)
def test_what_another_wrote_in_place_of_its_own_files_does_not_keep_it_from_starting(
    unharmed: Pod, name: str, content: bytes | None
) -> None:
    restart(unharmed, lambda: in_place_of(unharmed.volume / name, content))


def without_end(piece: bytes) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        while True:
            yield piece

    return pieces


@pytest.mark.parametrize(
    "pieces",
    [
        lambda: iter([b"[" * 100_000]),
        lambda: iter([b'{"models": [{"modelName": Infinity}]}']),
        lambda: iter([b'{"models": [], "nextPageToken": "1"}']),
        lambda: iter([b'{"models": [], "nextPageToken": 1e999}']),
        lambda: iter([b'{"models": [' + b"{}," * 1_000_000 + b"{}]}"]),
        without_end(b" " * 65536),
    ],
    ids=["deep", "infinite", "pages", "token", "values", "endless"],
)
def test_an_answer_of_the_management_api_that_ended_it_counts_as_no_answer(
    unharmed: Pod, pieces: Callable[[], Iterator[bytes]]
) -> None:
    unharmed.neighbours.instead["/models"] = pieces
    unharmed.until(lambda: "TorchServe does not answer" in unharmed.asked("/ready")[1])
    assert unharmed.asked("/live")[0] == 200


def test_40_connections_with_6_mb_of_headers_each_are_refused(unharmed: Pod) -> None:
    answers: list[bytes] = []

    def flood() -> None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", unharmed.port), 20) as client,
        ):
            with contextlib.suppress(OSError):
                client.sendall(b"GET /live HTTP/1.1\r\n")
                for number in range(95):
                    client.sendall(b"X-%d: %s\r\n" % (number, b"x" * 65000))
            answers.append(client.recv(20))

    threads = [threading.Thread(target=flood) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unharmed.serves(MODEL, "1")
    assert "Too many headers" in unharmed.log
