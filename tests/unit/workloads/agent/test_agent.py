"""The loop and what it answers over HTTP, with a TorchServe in memory."""

import ast
import http.client
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.workloads.agent.bench import GOOD, KEY, OBJECTS, WEIGHTS, FakeTorchServe, Source
from tests.unit.workloads.agent.samples import MODEL, configuration, model, registered
from workloads import agent as package
from workloads.agent import Archive, Configuration, Version, api, configuration_json
from workloads.agent.disk import Disk
from workloads.agent.document import MountedFile
from workloads.agent.events import NoEvents
from workloads.agent.executor import Executor
from workloads.agent.loop import Agent
from workloads.agent.state import ObservedModel
from workloads.agent.torchserve import TorchServeAway
from workloads.log import JsonFormatter


class Empty(FakeTorchServe):
    """Has no model until one is registered, and no worker until it is scaled."""

    def describe(self) -> dict[str, ObservedModel]:
        self._note("describe")
        done = {asked.split()[0] for asked in self.asked}
        workers = int("scale" in done)
        return {MODEL: model("1", registered(KEY, ready=workers))} if "register" in done else {}


def document() -> str:
    archive = Archive(digest=KEY.digest, location="1.mar")
    return configuration_json(Configuration({MODEL: {"1": Version(archive, default=True)}}))


@pytest.fixture(name="made")
def _made(tmp_path: Path) -> tuple[Agent, Empty, Path]:
    torchserve, file = Empty(), tmp_path / "models.json"
    executor = Executor(Disk.at(tmp_path / "store", Source()), torchserve)
    return Agent(MountedFile(file), executor, tmp_path / "agent.json", NoEvents()), torchserve, file


def turn_until(agent: Agent, condition: str) -> None:
    """Turns, waking with each outcome, until /versions holds the text."""
    for _ in range(2400):  # two minutes: the machine may have other work
        agent.take_a_turn()
        if condition in api.versions(agent)[2]:
            return
        agent.wait(0.05)
    raise AssertionError(f"{condition!r} is not in {api.versions(agent)[2]}")


def test_a_configuration_becomes_a_servable_version(made: tuple[Agent, Empty, Path]) -> None:
    agent, torchserve, file = made
    file.write_text(document())
    turn_until(agent, '"state": "servable"')
    assert [asked for asked in torchserve.asked if asked != "describe"] == ["register 1 1", "scale 1 1 1"]
    assert api.ready(agent)[0] == 200
    shown = json.loads(api.versions(agent)[2])
    assert shown["models"][MODEL]["default"] == {"wanted": "1", "serving": "1", "as_wanted": True}
    page = api.metrics(agent)[2]
    assert "slipway_agent_ready 1\n" in page
    assert f'slipway_agent_default_servable{{model="{MODEL}"}} 1\n' in page
    assert f"slipway_agent_archives_bytes {len(GOOD)}\n" in page
    assert 'slipway_agent_steps_total{result="done",step="Warm"} 1\n' in page


def test_a_configuration_that_is_refused_leaves_the_one_in_force_and_says_why(
    made: tuple[Agent, Empty, Path],
) -> None:
    agent, _, file = made
    file.write_text(document())
    turn_until(agent, '"state": "servable"')
    file.write_text("{")
    agent.take_a_turn()
    shown = json.loads(api.versions(agent)[2])
    assert "is no JSON" in shown["configuration"]["error"]
    assert shown["models"][MODEL]["versions"]["1"]["servable"]
    assert api.ready(agent)[0] == 200
    assert "slipway_agent_configuration_valid 0\n" in api.metrics(agent)[2]


def test_a_torchserve_that_is_away_makes_the_pod_unready_and_the_agent_live(
    made: tuple[Agent, Empty, Path],
) -> None:
    agent, torchserve, file = made
    torchserve.fails["describe"] = TorchServeAway("refused")
    file.write_text(document())
    agent.take_a_turn()
    assert json.loads(api.ready(agent)[2]) == {"ready": False, "reason": "TorchServe does not answer"}
    assert api.live(agent)[0] == 200
    assert "slipway_agent_torchserve_up 0\n" in api.metrics(agent)[2]


def test_without_a_configuration_the_pod_is_not_ready(made: tuple[Agent, Empty, Path]) -> None:
    agent, _, _ = made
    assert api.ready(agent)[0] == 503
    agent.take_a_turn()
    assert json.loads(api.ready(agent)[2])["reason"] == "no configuration was read yet"


def test_what_failed_says_why_in_versions_metrics_and_log(
    made: tuple[Agent, Empty, Path], caplog: pytest.LogCaptureFixture
) -> None:
    agent, _, file = made
    missing = configuration("2", default="2")
    agent.disk.archives._source.held["2.mar"] = OSError(5, "I/O error")  # type: ignore[attr-defined]
    file.write_text(configuration_json(missing))
    with caplog.at_level(logging.INFO):
        turn_until(agent, '"state": "failed"')
    version = json.loads(api.versions(agent)[2])["models"][MODEL]["versions"]["2"]
    assert (version["stage"], version["failures"], version["servable"]) == ("fetch", 1, False)
    assert "I/O error" in version["reason"]
    counted = f'slipway_agent_failures_total{{model="{MODEL}",stage="fetch",version="2"}} 1\n'
    assert counted in api.metrics(agent)[2]
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    (line,) = [line for line in lines if line["message"] == "failed"]
    assert (line["level"], line["model"], line["version"], line["stage"]) == ("error", MODEL, "2", "fetch")


def status(port: int, path: str, method: str = "GET") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture(name="port")
def _port(made: tuple[Agent, Empty, Path]) -> Iterator[int]:
    agent, _, file = made
    file.write_text(document())
    agent.take_a_turn()
    server = api.serve(agent, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/versions", "/metrics", "/live", "/ready"])
def test_whatever_is_no_get_is_refused(port: int, path: str, method: str) -> None:
    assert status(port, path, method) == http.HTTPStatus.METHOD_NOT_ALLOWED
    assert status(port, path) in {200, 503}


def test_a_request_line_without_an_end_is_refused(port: int) -> None:
    assert status(port, f"/live?{'x' * 1900}") == 200
    assert status(port, f"/live?{'x' * 2048}") == http.HTTPStatus.REQUEST_URI_TOO_LONG


def test_an_agent_is_live_for_as_long_as_its_first_turn_may_take_and_no_longer(
    made: tuple[Agent, Empty, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, _, file = made
    began = agent.turned

    def after(seconds: float) -> tuple[int, int]:
        monkeypatch.setattr("time.monotonic", lambda: agent.turned + seconds)
        return api.live(agent)[0], api.ready(agent)[0]

    assert after(0) == after(api.STUCK_SECONDS - 1) == (200, 503)
    assert after(api.STUCK_SECONDS + 1) == (503, 503)
    monkeypatch.undo()
    file.write_text(document())
    turn_until(agent, '"state": "servable"')
    assert agent.turned > began
    assert after(1) == (200, 200)
    assert after(api.STUCK_SECONDS + 1) == (503, 503)


def test_a_clock_that_jumps_does_not_make_the_agent_look_stuck(
    made: tuple[Agent, Empty, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, _, file = made
    file.write_text(document())
    turn_until(agent, '"state": "servable"')
    monkeypatch.setattr("time.time", lambda: 1e12)
    assert (api.live(agent)[0], api.ready(agent)[0]) == (200, 200)


def test_weights_are_fetched_named_while_they_are_and_counted_once_they_are_here(
    made: tuple[Agent, Empty, Path],
) -> None:
    agent, _, file = made
    source = agent.disk.weights._source
    assert isinstance(source, Source)
    source.held.update(OBJECTS)
    source.gate = threading.Event()
    archive = Archive(digest=KEY.digest, location="1.mar")
    version = Version(archive, default=True, weights=WEIGHTS, gpu_memory_fraction=0.5)
    file.write_text(configuration_json(Configuration({MODEL: {"1": version}})))
    turn_until(agent, '"bytes": 1002')
    shown = json.loads(api.versions(agent)[2])["models"][MODEL]["versions"]["1"]
    assert shown["state"] == "waiting"
    assert shown["weights"] == WEIGHTS.digest
    assert shown["fetching"] == {"what": "weights", "digest": WEIGHTS.digest, "bytes": 1002, "of_bytes": 1002}
    source.gate.set()
    turn_until(agent, '"state": "servable"')
    shown = json.loads(api.versions(agent)[2])["models"][MODEL]["versions"]["1"]
    assert (shown["fetching"], shown["pending_settings"]) == (None, {})
    page = api.metrics(agent)[2]
    assert "slipway_agent_weights 1\n" in page
    assert "slipway_agent_weights_bytes 1002\n" in page


def test_a_fetch_of_weights_ends_once_their_version_left_the_configuration(
    made: tuple[Agent, Empty, Path],
) -> None:
    agent, _, file = made
    source = agent.disk.weights._source
    assert isinstance(source, Source)
    source.held.update(OBJECTS)
    source.gate = threading.Event()
    version = Version(Archive(digest=KEY.digest, location="1.mar"), default=True, weights=WEIGHTS)
    file.write_text(configuration_json(Configuration({MODEL: {"1": version}})))
    turn_until(agent, '"bytes": 1002')
    file.write_text(configuration_json(Configuration({})))
    agent.take_a_turn()
    source.gate.set()
    while ("FetchWeights", "failed") not in agent.counters.steps:
        agent.wait(0.01)
        agent.take_a_turn()
    assert agent.disk.weights.present() == {}


def test_a_changed_share_of_the_gpu_waits_for_the_next_registration(made: tuple[Agent, Empty, Path]) -> None:
    agent, torchserve, file = made

    def configure(fraction: float) -> None:
        archive = Archive(digest=KEY.digest, location="1.mar")
        version = Version(archive, default=True, gpu_memory_fraction=fraction)
        file.write_text(configuration_json(Configuration({MODEL: {"1": version}})))

    configure(0.5)
    turn_until(agent, '"state": "servable"')
    configure(0.25)
    agent.take_a_turn()
    shown = json.loads(api.versions(agent)[2])["models"][MODEL]["versions"]["1"]
    assert shown["pending_settings"] == {"gpuMemoryFraction": [0.5, 0.25]}
    assert "slipway_agent_version_settings_pending" in api.metrics(agent)[2]
    assert sum(asked.startswith("register") for asked in torchserve.asked) == 1


def test_the_answers_come_over_http(made: tuple[Agent, Empty, Path]) -> None:
    agent, _, file = made
    file.write_text(document())
    agent.take_a_turn()
    server = api.serve(agent, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        port = server.server_port
        found = {path: status(port, path) for path in ("/live", "/ready", "/versions", "/metrics", "/other")}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert found == {"/live": 200, "/ready": 503, "/versions": 200, "/metrics": 200, "/other": 404}


FILES = sorted(Path(str(package.__file__)).parent.glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_agent_runs_on_the_image_s_python_with_the_standard_library_alone(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=(3, 9))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in top
        for alias in node.names
    }
    assert {name.split(".")[0] for name in imported} <= {*sys.stdlib_module_names, "workloads"}
    assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in top)
