"""Stand-ins for the program's charts: which there are, what they hold, how Helm finds them."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from infra.stack_files import read_stack_config
from sandbox import endpoints, processes
from sandbox.charts import repository
from sandbox.charts.repository import StandIn
from sandbox.paths import SandboxPaths
from tests.unit.infra.test_program import recorded

CHART = StandIn(name="some-chart", version="1.2.3")


def _files(archive: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as opened:
        return {
            member.name: opened.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in opened.getmembers()
        }


def test_there_is_a_stand_in_for_each_chart_of_the_sandbox_and_for_no_other() -> None:
    releases = recorded("sandbox").of_type("kubernetes:helm.sh/v3:Release")
    wanted = {(release.inputs["chart"], release.inputs["version"]) for release in releases}
    assert {(chart.name, chart.version) for chart in StandIn.listed()} == wanted


@pytest.mark.parametrize("stack", ["sandbox", "sandbox-platform"])
def test_the_stack_names_the_repository_as_the_sandbox_s_helm_knows_it(stack: str) -> None:
    assert read_stack_config(stack)["slipway:chartMirror"] == repository.NAME


def test_a_stand_in_says_in_its_notes_what_it_is() -> None:
    notes = _files(CHART.archive())["some-chart/templates/NOTES.txt"]
    assert notes.startswith("This is a stand-in for some-chart 1.2.3")
    assert "nothing of it runs" in notes


def test_the_same_chart_is_the_same_bytes() -> None:
    assert CHART.archive() == CHART.archive()


def test_descriptions_go_and_properties_of_that_name_stay() -> None:
    schema = {
        "description": "prose",
        "properties": {"description": {"type": "string", "description": "more prose"}},
        "anyOf": [{"description": "prose", "required": ["description"]}],
    }
    assert repository.without_descriptions(schema) == {
        "properties": {"description": {"type": "string"}},
        "anyOf": [{"required": ["description"]}],
    }


@pytest.fixture(name="paths")
def _paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxPaths]:
    monkeypatch.setattr(StandIn, "listed", lambda: [CHART])
    paths = SandboxPaths(tmp_path)
    yield paths
    processes.stop(paths, [repository.ROLE])


def test_it_is_served_with_an_index_that_helm_s_configuration_names(paths: SandboxPaths) -> None:
    ports = endpoints.choose(paths.endpoints)
    assert repository.start(paths, ports)
    repository.wait(paths, ports)
    assert not repository.start(paths, ports), "it runs already"
    (known,) = json.loads((paths.helm / "repositories.yaml").read_text())["repositories"]
    assert known == {"name": repository.NAME, "url": ports.charts_url}
    index = yaml.safe_load((paths.helm / "cache/repository" / f"{repository.NAME}-index.yaml").read_text())
    (entry,) = index["entries"]["some-chart"]
    assert entry["urls"] == [f"{ports.charts_url}/some-chart-1.2.3.tgz"]
    assert (paths.helm / "charts" / "some-chart-1.2.3.tgz").read_bytes() == CHART.archive()
