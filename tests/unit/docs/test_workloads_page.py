import importlib
import re
from pathlib import Path

import pytest
import yaml

from artifacts.agent_configuration import models_document
from artifacts.archives import RELEASED_HANDLERS, read_handlers
from artifacts.served import ServedFiles, served_files
from model_catalog import Catalog, EntryFile, Environment, Release
from planning import Plan, TorchServePlan, make_plan
from planning.capacity.resources import torchserve_resources
from planning.changes.pods import PARTS, PodPart
from planning.workload import WorkloadSpec, manifests, torchserve_workload
from tests.support.pools import POOLS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/workloads.md").read_text(encoding="utf-8")


def stops(setting: str) -> dict[int, str]:
    """Stop → the last cell of its row, in the table of a setting."""
    (table,) = re.findall(rf"\*\*`{re.escape(setting)}`\*\*.*?\n\n(.*?)\n\n", PAGE, re.DOTALL)
    rows = [row.strip("|").split(" | ") for row in table.splitlines()[2:]]
    return {int(row[0]): row[-1].strip() for row in rows}


@pytest.fixture(scope="module")
def plan() -> Plan:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    entry = EntryFile.model_validate(yaml.safe_load(block)).root
    release = Release.model_validate({"QuestionAnswering/Reader/fr": {"default": "1"}})
    return make_plan(Catalog(entries=(entry,), releases={Environment.DEV: release}), Environment.DEV, POOLS)


@pytest.fixture(scope="module")
def server(plan: Plan) -> TorchServePlan:
    (found,) = plan.servers
    assert isinstance(found, TorchServePlan)
    return found


@pytest.fixture(scope="module")
def workload(server: TorchServePlan) -> WorkloadSpec:
    (model,) = server.models
    files = served_files(model, read_handlers(RELEASED_HANDLERS))
    assert isinstance(files, ServedFiles)
    return torchserve_workload(server, "serving", models_document(server, {model.selector: files}))


def test_a_batch_size_goes_the_way_that_the_page_says(server: TorchServePlan, workload: WorkloadSpec) -> None:
    told = stops("serving.batch_size")
    (model,) = server.models
    assert told[1] == told[3] == str(model.options.batch_size)
    assert (told[2][:4], server.fixed_overrides) == ("none", ())
    assert told[4].strip("`") in workload.live_files["models"]["models.json"]
    name = manifests(workload)["models"]["metadata"]["name"]
    assert told[5] == f"models.json in the ConfigMap `{name}`"


def test_a_number_of_replicas_goes_the_way_that_the_page_says(
    plan: Plan, server: TorchServePlan, workload: WorkloadSpec
) -> None:
    told = stops("replicas")
    (demand,) = plan.demands
    assert told[1] == told[3] == told[4] == str(server.replicas)
    assert told[2] == f"a demand of {demand.replicas} replicas"
    replicas = manifests(workload)["server"]["spec"]["replicas"]
    assert told[5] == f"`spec.replicas: {replicas}` of the Deployment"


def test_the_memory_of_weights_goes_the_way_that_the_page_says(
    plan: Plan, server: TorchServePlan, workload: WorkloadSpec
) -> None:
    told = stops("memory.weights")
    (model,) = server.models
    (demand,) = plan.demands
    assert told[1] == str(model.triple.memory.weights)
    assert told[2] == str(demand.gpu_memory)
    setting, _, file = told[3].partition(" in ")
    assert setting.strip("`") in workload.live_files["models"][file]
    assert told[4] == torchserve_resources([model.triple], gpus=1).memory.kubernetes
    assert told[5] == told[6] == server.resources.memory.kubernetes
    resources = workload.pod.container.manifest()["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"] == told[7].split()[0]


def test_every_place_that_the_page_names_is_there() -> None:
    names = re.findall(r"`((?:artifacts|model_catalog|planning)(?:\.\w+)+)`", PAGE)
    assert len(names) > 10
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name
    paths = re.findall(r"`([a-z_/]+\.py)`", PAGE)
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_the_page_names_every_field_of_a_workload_that_somebody_sets() -> None:
    fields = set(WorkloadSpec.__dataclass_fields__) - {"name", "engine"}
    (table,) = re.findall(r"\| field \| objects.*?\n\n", PAGE, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", re.sub(r"\| [^|]*\| [^|]*\|\n", "|\n", table))) == fields


def test_the_page_s_table_of_parts_is_the_code_s() -> None:
    table = dict(re.findall(r"^\| (`[\w./]+`(?:, `\w+`)*) \| (\w+) \|$", PAGE, re.MULTILINE))
    told = {key: PodPart(part) for keys, part in table.items() for key in re.findall(r"`([\w./]+)`", keys)}
    assert told == dict(PARTS)
