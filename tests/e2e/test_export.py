"""What `slipway artifacts export` writes, in a plain TorchServe: no agent, no Slipway, the config as it came."""

import http.client
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from artifacts.archives import fat
from cli import artifacts_export, main
from tests.e2e import archives
from tests.e2e.servers import TorchServe
from tests.e2e.waiting import until
from tests.support.exports import make_checkout

OWN: Final = ("inference_address", "management_address", "metrics_address", "grpc_")
"""Ports: the export has TorchServe's own, and other tests run beside."""


@dataclass(frozen=True)
class Plain:
    """A TorchServe that runs."""

    server: TorchServe
    config: str
    """As exported."""

    def answer(self, path: str, body: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.inference, timeout=60)
        try:
            connection.request(
                "POST", f"/predictions/{path}", body.encode(), {"Content-Type": "application/json"}
            )
            response = connection.getresponse()
            text = response.read().decode()
            assert response.status == http.client.OK, text
            return text
        finally:
            connection.close()

    def described(self, path: str) -> Any:
        """What the management API says; None while it says nothing."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.management, timeout=10)
        try:
            connection.request("GET", f"/models/{path}")
            response = connection.getresponse()
            return json.loads(response.read()) if response.status == http.client.OK else None
        except OSError:
            return None
        finally:
            connection.close()


@pytest.fixture(scope="module")
def plain(runtime: Any) -> Iterator[Plain]:
    folder = Path(tempfile.mkdtemp(prefix="slipway-e2e-"))  # short: worker sockets have 108 characters
    checkout = make_checkout(folder, archives.build("fr", "1.0"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artifacts_export, "CLONE", checkout.clone)
        # Headers as files of gigabytes have them (zip64), so that TorchServe's Java is seen to read them.
        patch.setattr(fat, "_WIDE", 1)
        words = ["artifacts", "export", "QuestionAnswering/Reader/fr", "--env", "dev"]
        places = ["--weights", str(checkout.weights), "--to", str(folder / "out")]
        exported = CliRunner().invoke(main.app, [*words, *places])
        assert exported.exit_code == 0, exported.output
        # Nothing of ours may help: neither the checkout nor what the agent writes.
        patch.delenv("PYTHONPATH", raising=False)
        patch.delenv("SLIPWAY_VERSIONS", raising=False)
        server = TorchServe(runtime, folder, folder / "out" / "model-store")
        config = (folder / "out" / "config.properties").read_text()
        started_with = folder / "config.properties"
        ports = [line for line in started_with.read_text().splitlines() if line.startswith(OWN)]
        started_with.write_text(
            config + "\n".join(ports) + "\n"
        )  # of a key that comes twice the last one counts
        server.start()
        made = Plain(server, config)
        try:
            until(lambda: ready(made), f"all workers are ready; {folder}")
            yield made
        finally:
            server.stop()
    shutil.rmtree(folder)


def ready(plain: Plain) -> bool:
    versions = plain.described("fr_reader/all") or []
    workers = [worker["status"] for version in versions for worker in version["workers"]]
    return len(versions) == 2 and len(workers) == 2 and set(workers) == {"READY"}


def test_a_released_handler_answers_from_the_weights_inside_its_archive(plain: Plain) -> None:
    question = {
        "question": "Où se trouve le musée d'Orsay ?",
        "context": "Le musée d'Orsay se trouve à Paris, sur la rive gauche de la Seine.",
    }
    for path in ("fr_reader", "fr_reader/2"):
        assert json.loads(plain.answer(path, json.dumps(question)))["answer"] == "Paris"


def test_an_archive_that_research_packed_answers_as_it_always_did(plain: Plain) -> None:
    assert plain.answer("fr_reader/1.0", "{}") == "fr|1.0|a"


def test_versions_default_and_batching_are_the_plan_s(plain: Plain) -> None:
    (snapshot,) = (
        line.partition("=")[2] for line in plain.config.splitlines() if line.startswith("model_snapshot=")
    )
    wanted = json.loads(snapshot)["models"]["fr_reader"]
    assert (wanted["2"]["batchSize"], wanted["2"]["maxBatchDelay"], wanted["2"]["maxWorkers"]) == (4, 20, 2)
    keys = ("batchSize", "maxBatchDelay", "maxWorkers", "minWorkers", "responseTimeout")
    served = {
        version["modelVersion"]: {key: version[key] for key in keys}
        for version in plain.described("fr_reader/all")
    }
    assert served == {name: {key: version[key] for key in keys} for name, version in wanted.items()}
    (default,) = plain.described("fr_reader")
    assert wanted[default["modelVersion"]]["defaultVersion"] is True
    assert default["modelVersion"] == "2"
