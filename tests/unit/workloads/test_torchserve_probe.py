import ast
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from workloads.torchserve_probe import EXPECTATION_FILE, SCRIPT, Expectation, ExpectedModel, expectation_json
from workloads.torchserve_probe.ready import missing, read_expectation


class Management:
    """A management API on loopback: model name → what it answers."""

    def __init__(self) -> None:
        self.models: dict[str, Any] = {}
        management = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = management.models.get(self.path)
                self.send_response(200 if body is not None else 404)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Tests print nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def serve(self, name: str, **versions: list[str]) -> None:
        self.models[f"/models/{name}/all"] = [
            {"modelVersion": version.removeprefix("v"), "workers": [{"status": status} for status in workers]}
            for version, workers in versions.items()
        ]


@pytest.fixture
def management() -> Iterator[Management]:
    running = Management()
    thread = threading.Thread(target=running.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.server.shutdown()
    thread.join()
    running.server.server_close()


def expecting(url: str, *models: ExpectedModel) -> Expectation:
    return Expectation(management_url=url, timeout_seconds=5, models=models)


READER = ExpectedModel(name="fr_reader", version="2", min_workers=2)


def test_a_server_is_ready_when_every_default_version_has_its_workers(management: Management) -> None:
    management.serve("fr_reader", v1=["UNLOADING"], v2=["READY", "READY", "READY"])
    assert missing(expecting(management.url, READER)) == []


@pytest.mark.parametrize(
    ("workers", "report"),
    [
        (["READY"], "fr_reader 2: 1 of 2 workers READY"),
        (["READY", "UNLOADING"], "fr_reader 2: 1 of 2 workers READY"),
        ([], "fr_reader 2: 0 of 2 workers READY"),
    ],
)
def test_a_server_with_too_few_workers_is_not_ready(
    management: Management, workers: list[str], report: str
) -> None:
    management.serve("fr_reader", v2=workers)
    assert missing(expecting(management.url, READER)) == [report]


def test_a_version_that_is_not_loaded_is_reported_with_those_that_are(management: Management) -> None:
    management.serve("fr_reader", v1=["READY"])
    assert missing(expecting(management.url, READER)) == ["fr_reader 2: not loaded; the server has 1"]


def test_every_model_that_is_missing_is_named(management: Management) -> None:
    management.serve("fr_reader", v2=["READY", "READY"])
    other = ExpectedModel(name="de_reader", version="1", min_workers=1)
    (report,) = missing(expecting(management.url, READER, other))
    assert report.startswith("de_reader 1: HTTP Error 404")


@pytest.mark.parametrize("answer", [b"", b"<html>", b"{}", b'[{"modelVersion": "2"}]', b'["2"]'])
def test_an_answer_that_makes_no_sense_is_not_ready(management: Management, answer: bytes) -> None:
    management.models["/models/fr_reader/all"] = answer
    assert len(missing(expecting(management.url, READER))) == 1


def run_probe(directory: Path) -> "subprocess.CompletedProcess[str]":
    shutil.copy(SCRIPT, directory / "ready.py")
    command = [sys.executable, "-I", str(directory / "ready.py")]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own script


def test_the_script_alone_exits_0_when_ready(management: Management, tmp_path: Path) -> None:
    management.serve("fr_reader", v2=["READY", "READY"])
    (tmp_path / EXPECTATION_FILE).write_text(expectation_json(expecting(management.url, READER)))
    result = run_probe(tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_script_alone_exits_1_with_one_line_when_nobody_answers(tmp_path: Path) -> None:
    (tmp_path / EXPECTATION_FILE).write_text(expectation_json(expecting("http://127.0.0.1:9", READER)))
    result = run_probe(tmp_path)
    assert result.returncode == 1
    assert result.stdout.startswith("not ready: fr_reader 2: <urlopen error")
    assert result.stderr == ""


@pytest.mark.parametrize("text", [None, "", "{}", '{"management_url": 1}'])
def test_the_script_says_so_when_it_does_not_know_what_to_expect(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / EXPECTATION_FILE).write_text(text)
    result = run_probe(tmp_path)
    assert (result.returncode, result.stderr) == (1, "")
    assert EXPECTATION_FILE in result.stdout


def test_what_is_written_for_the_probe_is_what_it_reads(tmp_path: Path) -> None:
    expectation = expecting("http://127.0.0.1:8081", READER)
    (tmp_path / EXPECTATION_FILE).write_text(expectation_json(expectation))
    assert read_expectation(tmp_path / EXPECTATION_FILE) == expectation


def test_the_script_runs_on_the_image_s_python_with_the_standard_library_alone() -> None:
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 9))
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names
