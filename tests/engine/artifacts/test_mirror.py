"""A repository of the Hub comes into a bucket, both over HTTP: copied, checked, refused, and not sent again."""

import base64
import hashlib
import random
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from artifacts import FileDigest, HubError, RefusedError, StorageError
from artifacts.hub import (
    Commit,
    HubAccess,
    HubConnection,
    HubRepository,
    Manner,
    MirrorPlace,
    Survey,
    mirror,
    select,
    survey,
)
from artifacts.storage import Source, digest_source
from tests.support.fake_hub import COMMIT, SIGNATURE, Asked, FakeHub, Refusal, fake_hub
from tests.support.strict_s3 import StrictS3

NAME = "owner/model"
PIECE = 5 << 20
"""The smallest part that S3 takes."""
WEIGHTS = random.Random(20261129).randbytes(2 * PIECE + 4000)  # noqa: S311 (the same each time)
FILES = {
    "README.md": b"# A model",
    "config.json": b'{"model_type": "mistral"}',
    "empty.json": b"",
    "model-00001-of-00002.safetensors": b"small weights",
    "model-00002-of-00002.safetensors": WEIGHTS,
    "pytorch_model.bin": b"\x80\x04.",
    "sub folder/tokenizer.json": "é".encode(),
    "tokenizer.model": b"sentencepiece",
}
MIRRORED = sorted(FILES.keys() - {"README.md", "pytorch_model.bin"})


@pytest.fixture(scope="module")
def _hubs() -> Iterator[FakeHub]:
    with fake_hub() as served:
        yield served


@pytest.fixture
def hub(_hubs: FakeHub) -> FakeHub:
    _hubs.repositories.clear()
    _hubs.asked.clear()
    _hubs.cuts.clear()
    _hubs.hook = lambda _: None
    _hubs.page = 3
    return _hubs


@dataclass
class Mirroring:
    """One mirror, and both ends of it."""

    hub: FakeHub
    s3: StrictS3
    place: MirrorPlace
    token: str | None = None

    def commit(self, include: tuple[str, ...] = (), revision: str = "main", **choice: Any) -> Commit:
        access = HubAccess(endpoint=self.hub.url, token=self.token)
        connection = HubConnection(access, connections=4, first_pause=0.001)
        repository = HubRepository(connection=connection, name=NAME)
        commit = repository.commit_of(revision)
        selection = select(repository.files(commit), include, **choice)
        return Commit(repository=repository, commit=commit, selection=selection, place=self.place)

    def run(self, include: tuple[str, ...] = (), **choice: Any) -> Survey:
        commit = self.commit(include, **choice)
        manner = Manner(workers=4, piece=PIECE)
        surveyed = survey(commit, manner)
        mirror(commit, surveyed, manner)
        return surveyed

    def stored(self, name: str) -> bytes | None:
        found = self.s3.stored(self.place.bucket, f"{self.place.path}/{name}")
        return None if found is None else bytes(found.value)

    def put(self, name: str, body: bytes) -> None:
        self.s3.client().put_object(Bucket=self.place.bucket, Key=f"{self.place.path}/{name}", Body=body)

    def written(self) -> dict[str, int]:
        """Requests that write, since the last call."""
        counts = {name: count for name, count in self.s3.counts.items() if not name.startswith("GET")}
        self.s3.counts.clear()
        return {name: counts[name] for name in sorted(counts) if name != "HEAD"}

    def unfinished(self) -> list[Any]:
        answer = self.s3.client().list_multipart_uploads(Bucket=self.place.bucket)
        return list(answer.get("Uploads", ()))


@pytest.fixture
def mirroring(hub: FakeHub, s3: StrictS3, _shared_client: Any) -> Mirroring:
    hub.add(NAME, dict(FILES))
    bucket = s3.make_bucket(f"research-{uuid.uuid4().hex[:8]}")
    place = MirrorPlace(client=_shared_client, bucket=bucket, path=f"hub/{NAME}/{COMMIT}")
    found = Mirroring(hub=hub, s3=s3, place=place)
    found.written()
    return found


def test_weights_tokenizer_and_configuration_arrive_whole_and_nothing_else(mirroring: Mirroring) -> None:
    mirroring.run()
    assert sorted(mirroring.place.sizes()) == MIRRORED
    assert {name: mirroring.stored(name) for name in MIRRORED} == {name: FILES[name] for name in MIRRORED}


def test_the_digest_is_what_the_digest_command_computes_of_the_copy(mirroring: Mirroring) -> None:
    surveyed = mirroring.run()
    place = mirroring.place
    source = Source(client=place.client, bucket=place.bucket, path=place.path)
    assert surveyed.digest == digest_source(source).digest


def test_a_large_file_goes_in_parts_and_a_small_one_in_one_request(mirroring: Mirroring) -> None:
    mirroring.run()
    assert mirroring.written() == {"POST uploadId": 1, "POST uploads": 1, "PUT": 5, "PUT uploadId": 3}


def test_a_second_run_copies_nothing(mirroring: Mirroring) -> None:
    first = mirroring.run()
    mirroring.written()
    mirroring.hub.asked.clear()
    second = mirroring.run()
    assert mirroring.written() == {}
    assert (second.digest, second.missing, second.size_missing) == (first.digest, frozenset(), 0)
    assert mirroring.hub.of("cdn") == []


def test_a_survey_writes_nothing_and_knows_the_digest_already(mirroring: Mirroring) -> None:
    surveyed = survey(mirroring.commit(), Manner(piece=PIECE))
    assert mirroring.written() == {}
    assert mirroring.hub.of("cdn") == []
    assert surveyed.missing == set(MIRRORED)
    assert surveyed.digest == mirroring.run().digest


def test_what_somebody_altered_in_the_bucket_is_copied_anew_and_the_rest_is_not(mirroring: Mirroring) -> None:
    mirroring.run()
    mirroring.written()
    mirroring.put("config.json", b'{"model_type": "mistreL"}')
    mirroring.put("model-00002-of-00002.safetensors", WEIGHTS[:-1] + b"?")
    surveyed = mirroring.run()
    assert surveyed.missing == {"config.json", "model-00002-of-00002.safetensors"}
    assert mirroring.stored("config.json") == FILES["config.json"]
    assert mirroring.stored("model-00002-of-00002.safetensors") == WEIGHTS


def test_every_file_is_asked_for_by_commit_and_never_by_branch(mirroring: Mirroring) -> None:
    mirroring.run()
    branches = [asked.path for asked in mirroring.hub.of("hub") if "/main" in asked.path]
    assert branches == [f"/api/models/{NAME}/revision/main"]


def test_the_token_goes_to_the_hub_and_never_to_the_content_network(mirroring: Mirroring) -> None:
    mirroring.token = mirroring.hub.token
    mirroring.hub.repositories[NAME].gated = True
    mirroring.run()
    bearer = f"Bearer {mirroring.hub.token}"
    assert {asked.authorization for asked in mirroring.hub.of("hub")} == {bearer}
    assert {asked.authorization for asked in mirroring.hub.of("cdn")} == {None}


def test_nobody_s_netrc_is_read(mirroring: Mirroring, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password mine\nmachine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    mirroring.run()
    assert {asked.authorization for asked in mirroring.hub.asked} == {None}


@pytest.mark.parametrize(
    ("token", "said"),
    [(None, ["gated", "accept its terms", "HF_TOKEN"]), ("hf_other", ["gated", "the token's account"])],
)
def test_a_gated_repository_says_what_to_do(mirroring: Mirroring, token: str | None, said: list[str]) -> None:
    mirroring.token = token
    mirroring.hub.repositories[NAME].gated = True
    with pytest.raises(RefusedError) as refused:
        mirroring.run()
    printed = str(refused.value)
    assert [part for part in [*said, f"{mirroring.hub.url}/{NAME}", "Fix: "] if part not in printed] == []
    assert "hf_other" not in printed


@pytest.mark.parametrize("with_token", [False, True])
def test_a_repository_that_is_missing_or_private_says_what_to_do(
    mirroring: Mirroring, with_token: bool
) -> None:
    mirroring.token = mirroring.hub.token if with_token else None
    mirroring.hub.repositories.clear()
    with pytest.raises(RefusedError, match=r"not there and for a private one. Fix: correct owner and name"):
        mirroring.run()


def test_a_revision_that_is_missing_says_so(mirroring: Mirroring) -> None:
    with pytest.raises(RefusedError, match=r"owner/model at v2: there is no such revision. Fix: "):
        mirroring.commit(revision="v2")


def test_another_commit_than_the_one_asked_for_is_refused(mirroring: Mirroring) -> None:
    mirroring.hub.repositories[NAME].branch = "0" * 40
    with pytest.raises(HubError, match=f"answers with commit {COMMIT}"):
        mirroring.commit(revision="0" * 40)


def test_a_throttled_request_waits_as_long_as_the_hub_asks(mirroring: Mirroring) -> None:
    left = {"/resolve/": 2, "/revision/": 1, "/tree/": 1}

    def throttle(asked: Asked) -> Refusal | None:
        for part, count in left.items():
            if part in asked.path and count:
                left[part] -= 1
                return Refusal(429, {"Retry-After": "0"})
        return None

    mirroring.hub.hook = throttle
    mirroring.run()
    assert not any(left.values())
    assert sorted(mirroring.place.sizes()) == MIRRORED


def test_a_hub_that_asks_for_an_hour_is_not_waited_for(mirroring: Mirroring) -> None:
    mirroring.hub.hook = lambda _: Refusal(429, {"RateLimit": '"resolvers";r=0;t=3600'})
    with pytest.raises(HubError, match=r"answers 429, and asks to wait 3,600 s. Fix: "):
        mirroring.run()


def test_a_server_that_goes_on_failing_ends_it_after_a_bounded_number_of_tries(mirroring: Mirroring) -> None:
    mirroring.hub.hook = lambda _: Refusal(503)
    with pytest.raises(HubError, match="answers 503, 10 times one after the other"):
        mirroring.commit()
    assert len(mirroring.hub.asked) == 10


def test_a_connection_that_breaks_is_taken_up_where_it_broke(mirroring: Mirroring) -> None:
    mirroring.hub.repositories[NAME].files = {"model.safetensors": WEIGHTS}
    mirroring.hub.cuts[:] = [3_000_000]
    mirroring.run()
    assert mirroring.stored("model.safetensors") == WEIGHTS
    starts = {
        int((asked.range or "").removeprefix("bytes=").partition("-")[0]) for asked in mirroring.hub.of("cdn")
    }
    (taken_up,) = starts - {0, PIECE, 2 * PIECE}
    assert taken_up % PIECE == 2 << 20  # the last whole megabyte before the break


def test_an_expired_address_on_the_content_network_is_asked_for_anew(mirroring: Mirroring) -> None:
    left = [1]

    def expire(asked: Asked) -> Refusal | None:
        if asked.host == "cdn" and left:
            left.pop()
            return Refusal(403)
        return None

    mirroring.hub.hook = expire
    mirroring.run()
    assert not left
    assert sorted(mirroring.place.sizes()) == MIRRORED


@pytest.mark.parametrize(
    ("name", "altered", "kind"),
    [
        ("config.json", b'{"model_type": "mistreL"}', "git blob SHA-1"),
        ("model-00001-of-00002.safetensors", b"SMALL weights", "SHA-256"),
        ("model-00002-of-00002.safetensors", WEIGHTS[:-1] + b"?", "SHA-256"),
    ],
)
def test_a_tampered_file_is_refused_and_never_stands_in_the_bucket(
    mirroring: Mirroring, name: str, altered: bytes, kind: str
) -> None:
    mirroring.hub.repositories[NAME].altered[name] = altered
    with pytest.raises(HubError, match=f"{name}: the bytes are not those that the Hub lists") as refused:
        mirroring.run()
    assert f"listed {kind}" in str(refused.value)
    assert mirroring.stored(name) is None
    assert mirroring.place.key(name) not in [upload["Key"] for upload in mirroring.unfinished()]


def test_a_file_that_is_longer_than_listed_is_not_read_to_its_end(mirroring: Mirroring) -> None:
    mirroring.hub.repositories[NAME].altered["config.json"] = b"x" * 100
    with pytest.raises(HubError, match="sends more than the 25 bytes"):
        mirroring.run()


@pytest.mark.parametrize(
    "name", ["../../other/config.json", "/etc/config.json", "a//config.json", "a\\b.json"]
)
def test_a_name_that_climbs_is_refused_before_anything_is_copied(mirroring: Mirroring, name: str) -> None:
    mirroring.hub.repositories[NAME].files[name] = b"{}"
    with pytest.raises(RefusedError, match="cannot be part of an artifact"):
        mirroring.run()
    assert mirroring.written() == {}


def test_a_redirect_to_an_address_without_https_is_not_followed(mirroring: Mirroring) -> None:
    target = "http://content.example.com/weights?secret"
    mirroring.hub.hook = lambda asked: (
        Refusal(302, {"Location": target}) if "/resolve/" in asked.path else None
    )
    with pytest.raises(
        HubError, match=r"redirects to 'http://content.example.com/weights', which is not https"
    ):
        mirroring.run()


@pytest.mark.timeout(400)
def test_a_failure_ends_those_who_wait_for_the_hub(mirroring: Mirroring) -> None:
    mirroring.hub.repositories[NAME].altered["config.json"] = b"?" * len(FILES["config.json"])
    waiting = threading.Event()

    def throttle(asked: Asked) -> Refusal | None:
        if asked.path.endswith("tokenizer.model"):
            waiting.set()
            return Refusal(429, {"Retry-After": "500"})
        if asked.path.endswith("config.json"):
            assert waiting.wait(300)
        return None

    mirroring.hub.hook = throttle
    with pytest.raises(HubError, match=r"config.json: the bytes are not those"):
        mirroring.run()


def test_redirects_that_do_not_end_are_given_up(mirroring: Mirroring) -> None:
    mirroring.hub.hook = lambda asked: Refusal(307, {"Location": asked.path})
    with pytest.raises(HubError, match="more than 5 redirects"):
        mirroring.commit()


def test_other_files_in_the_place_are_refused_since_they_would_be_part_of_the_artifact(
    mirroring: Mirroring,
) -> None:
    mirroring.put("notes.txt", b"?")
    with pytest.raises(RefusedError, match=r"holds other files.*'notes.txt'. Fix: "):
        mirroring.run()
    assert mirroring.stored("config.json") is None


def test_a_file_that_somebody_adds_meanwhile_is_noticed(mirroring: Mirroring) -> None:
    commit = mirroring.commit()
    manner = Manner(workers=2, piece=PIECE)
    surveyed = survey(commit, manner)
    mirroring.put("notes.txt", b"?")
    with pytest.raises(StorageError, match=r"somebody else writes there: 'notes.txt'"):
        mirror(commit, surveyed, manner)


def test_an_upload_that_was_left_is_taken_up_and_its_parts_are_not_sent_again(mirroring: Mirroring) -> None:
    mirroring.place.begin(_file("model-00002-of-00002.safetensors"))
    (left,) = mirroring.place.unfinished()
    part = WEIGHTS[:PIECE]
    mirroring.place.put_part(left, 1, part, base64.b64encode(hashlib.sha256(part).digest()).decode())
    mirroring.written()
    mirroring.run()
    assert mirroring.written()["PUT uploadId"] == 2
    assert mirroring.stored("model-00002-of-00002.safetensors") == WEIGHTS
    assert mirroring.unfinished() == []


def test_a_part_that_was_left_with_other_bytes_is_sent_again(mirroring: Mirroring) -> None:
    mirroring.place.begin(_file("model-00002-of-00002.safetensors"))
    (left,) = mirroring.place.unfinished()
    part = b"?" * PIECE
    mirroring.place.put_part(left, 1, part, base64.b64encode(hashlib.sha256(part).digest()).decode())
    mirroring.run()
    assert mirroring.stored("model-00002-of-00002.safetensors") == WEIGHTS


def test_uploads_that_cannot_be_taken_up_are_ended(mirroring: Mirroring) -> None:
    client, place = mirroring.s3.client(), mirroring.place
    for name in ("model-00002-of-00002.safetensors", "config.json", "of another choice.safetensors"):
        client.create_multipart_upload(Bucket=place.bucket, Key=place.key(name))  # without SHA-256
    elsewhere = client.create_multipart_upload(Bucket=place.bucket, Key="elsewhere")["UploadId"]
    mirroring.run()
    assert [upload["UploadId"] for upload in mirroring.unfinished()] == [elsewhere]
    mirroring.written()
    assert mirroring.run().missing == frozenset(), "an upload without marks was taken up"


def test_files_that_are_named_take_the_place_of_the_default_ones(mirroring: Mirroring) -> None:
    mirroring.run(("config.json", "*-00001-*"))
    assert sorted(mirroring.place.sizes()) == ["config.json", "model-00001-of-00002.safetensors"]


def test_pickles_come_only_when_they_are_named_and_allowed(mirroring: Mirroring) -> None:
    with pytest.raises(RefusedError, match=r"'pytorch_model.bin': a pickle runs whatever code is in it"):
        mirroring.run(("*.bin",))
    mirroring.run(("*.bin",), allow_pickles=True)
    assert mirroring.stored("pytorch_model.bin") == FILES["pytorch_model.bin"]


def test_progress_counts_every_byte_that_is_copied(mirroring: Mirroring) -> None:
    steps: list[tuple[int, int]] = []
    commit = mirroring.commit()
    manner = Manner(workers=4, piece=PIECE, report=lambda done: steps.append((done.size, done.size_total)))
    surveyed = survey(commit, manner)
    mirror(commit, surveyed, manner)
    assert steps[-1] == (surveyed.size, surveyed.size)
    assert sorted(steps) == steps


def test_pieces_in_memory_are_no_more_than_workers(mirroring: Mirroring) -> None:
    size = 12 * PIECE
    mirroring.hub.repositories[NAME].files = {"model.safetensors": WEIGHTS[:PIECE] * 12}
    held, most, lock = [0], [0], threading.Lock()

    def taken(asked: Asked) -> None:
        if asked.host == "cdn":
            with lock:
                held[0] += 1
                most[0] = max(most[0], held[0])

    def sent(operation: str, _key: str) -> None:
        if operation == "PUT uploadId":
            with lock:
                held[0] -= 1

    mirroring.hub.hook, mirroring.s3.hook = taken, sent
    assert mirroring.run().size == size
    assert most[0] <= 4


def test_no_message_holds_the_signature_of_the_content_network(mirroring: Mirroring) -> None:
    mirroring.hub.hook = lambda asked: Refusal(410) if asked.host == "cdn" else None
    with pytest.raises(HubError, match="localhost, where the Hub keeps it, answers 410") as failed:
        mirroring.run()
    assert SIGNATURE not in str(failed.value)


def test_a_bucket_of_somebody_else_is_refused(mirroring: Mirroring) -> None:
    mirroring.place = replace(mirroring.place, owner="000000000000")
    with pytest.raises(StorageError, match="AccessDenied"):
        mirroring.run()


def _file(name: str) -> FileDigest:
    return FileDigest(name=name, size=len(FILES[name]), sha256=hashlib.sha256(FILES[name]).hexdigest())
