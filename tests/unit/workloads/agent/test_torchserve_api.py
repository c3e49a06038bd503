"""The management API as TorchServe 0.12.0 answers it (recorded from the real one)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.workloads.agent.samples import digest, key, spec
from tests.unit.workloads.http_server import Answers, answering
from workloads.agent.archives import archive_file
from workloads.agent.configuration import Smoke
from workloads.agent.limits import LONGEST_ANSWER
from workloads.agent.torchserve import Refused, TorchServeApi, TorchServeAway

SECOND = timedelta(seconds=1)


@pytest.fixture(name="server")
def _server() -> Iterator[Answers]:
    with answering() as answers:
        yield answers


def api(server: Answers) -> TorchServeApi:
    return TorchServeApi(management=server.address, inference=server.address)


def described(version: str, url: str, *statuses: str) -> dict[str, Any]:
    return {
        "modelName": "fr_reader",
        "modelVersion": version,
        "modelUrl": url,
        "minWorkers": len(statuses),
        "maxWorkers": len(statuses),
        "batchSize": 4,
        "maxBatchDelay": 50,
        "responseTimeout": 20,
        "startupTimeout": 30,
        "workers": [{"id": "9000", "status": status, "pid": 1} for status in statuses],
        "jobQueueStatus": {"remainingCapacity": 98, "pendingRequests": 2},
    }


def test_it_is_seen_with_its_default_versions_workers_and_queues(server: Answers) -> None:
    first, second = (
        described("1", archive_file(digest("1")), "READY", "UNLOADING"),
        described("2", "by_hand.mar"),
    )
    server.put("GET", "/models", {"models": [{"modelName": "fr_reader", "modelUrl": "x.mar"}]})
    server.put("GET", "/models/fr_reader", [first])
    server.put("GET", "/models/fr_reader/all", [first, second])
    model = api(server).describe()["fr_reader"]
    assert model.default == "1"
    one, two = model.versions["1"], model.versions["2"]
    assert (one.key, one.ready, one.workers, one.pending_requests) == (key("1"), 1, 2, 2)
    assert (two.key.digest, two.ready, two.workers) == ("", 0, 0)


def test_every_page_of_models_is_read(server: Answers) -> None:
    server.put("GET", "/models", {"nextPageToken": "1", "models": [{"modelName": "a"}]})
    server.put("GET", "/models", {"models": [{"modelName": "b"}]})
    for name in ("a", "b"):
        server.put("GET", f"/models/{name}", [described("1", "x.mar")])
        server.put("GET", f"/models/{name}/all", [described("1", "x.mar")])
    assert sorted(api(server).describe()) == ["a", "b"]


def test_a_model_that_left_since_it_was_listed_is_left_out(server: Answers) -> None:
    server.put("GET", "/models", {"models": [{"modelName": "gone"}]})
    assert api(server).describe() == {}


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"<html>", {}, {"models": [{}]}, [], b"[" * 100_000, b"9" * 5000,
        {"models": [{"modelName": 1}]}, {"models": [{"modelName": "x" * 201}]}, {"models": [{"modelName": "\ud800"}]},
        {"models": [{"modelName": "a"}] * 2001}, {"models": [], "nextPageToken": "Infinity"},
        b"[]" + b" " * LONGEST_ANSWER,
        {"models": [], "nextPageToken": 10**400},
    ],
)  # fmt: skip
def test_a_description_that_makes_no_sense_counts_as_no_answer(server: Answers, answer: Any) -> None:
    server.put("GET", "/models", answer)
    with pytest.raises(TorchServeAway):
        api(server).describe()


def test_a_version_is_registered_from_its_digest_with_no_worker(server: Answers) -> None:
    server.put("POST", "/models", {"status": "registered"})
    api(server).register(key("1"), spec("1"))
    (path,) = server.paths("POST")
    assert f"url={archive_file(digest('1'))}" in path
    assert "initial_workers=0" in path
    assert "max_batch_delay=100&response_timeout=120&startup_timeout=120" in path


def test_what_it_refuses_carries_its_status_and_words(server: Answers) -> None:
    server.put("DELETE", "/models/fr_reader/1", {"message": "Cannot remove default version"}, 403)
    with pytest.raises(Refused, match="TorchServe says 403: Cannot remove default version") as refused:
        api(server).unregister(key("1"))
    assert refused.value.status == 403


def test_the_smoke_input_goes_to_that_very_version_as_it_is(server: Answers) -> None:
    server.put("POST", "/predictions/fr_reader/1", b"fine")
    api(server).predict(key("1"), Smoke(body="مرحبا", content_type="text/plain"), SECOND)
    (asked,) = server.asked
    assert (asked.body.decode(), asked.headers["Content-Type"]) == ("مرحبا", "text/plain")


def test_the_other_requests_are_those_of_the_management_api(server: Answers) -> None:
    server.put("PUT", "/models/fr_reader/1", {})
    server.put("PUT", "/models/fr_reader/1/set-default", {})
    api(server).scale(key("1"), 2, 3, SECOND)
    api(server).set_default(key("1"))
    assert server.paths("PUT") == [
        "/models/fr_reader/1?min_worker=2&max_worker=3&synchronous=true",
        "/models/fr_reader/1/set-default",
    ]


def test_nobody_there_is_told_apart_from_a_refusal() -> None:
    with answering() as gone:
        nobody = api(gone)
    with pytest.raises(TorchServeAway, match="GET /models"):
        nobody.describe()


@pytest.mark.parametrize("token", ["1", "0", "-1"])
def test_pages_without_an_end_count_as_no_answer(server: Answers, token: str) -> None:
    server.put("GET", "/models", {"nextPageToken": token, "models": []})
    with pytest.raises(TorchServeAway, match="its pages have no end"):
        api(server).describe()
    assert len(server.asked) <= 2


def test_pages_that_go_on_and_on_are_read_up_to_a_limit(server: Answers) -> None:
    names = [{"modelName": "a"}] * 1000
    for number in range(1, 100):
        server.put("GET", "/models", {"nextPageToken": number, "models": names})
    with pytest.raises(TorchServeAway, match="it lists more than 2000 models"):
        api(server).describe()
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"minWorkers": float("inf")}, {"minWorkers": 10**400}, {"batchSize": "x"}, {"workers": None}, {"workers": [1]},
        {"jobQueueStatus": []}, {"modelVersion": "x" * 201}, {"modelUrl": None}, {"modelUrl": "\ud800"},
    ],
)  # fmt: skip
def test_a_version_that_is_described_by_nonsense_counts_as_no_answer(
    server: Answers, changed: dict[str, Any]
) -> None:
    server.put("GET", "/models", {"models": [{"modelName": "fr_reader"}]})
    shown = {**described("1", "x.mar"), **changed}
    server.put("GET", "/models/fr_reader", [shown])
    server.put("GET", "/models/fr_reader/all", [shown])
    with pytest.raises(TorchServeAway, match="makes no sense"):
        api(server).describe()


def test_a_refusal_is_shown_up_to_a_length(server: Answers) -> None:
    for body in ({"message": "x" * 10**6}, b"x" * 10**6, b"[" * 10**5):
        server.put("DELETE", "/models/fr_reader/1", body, 500)
        with pytest.raises(Refused) as refused:
            api(server).unregister(key("1"))
        assert len(str(refused.value)) < 1100


def test_a_smoke_input_may_be_answered_at_any_length(server: Answers) -> None:
    server.put("POST", "/predictions/fr_reader/1", b"x" * (LONGEST_ANSWER + 1000))
    api(server).predict(key("1"), Smoke(body="tell a story"), timedelta(seconds=20))
