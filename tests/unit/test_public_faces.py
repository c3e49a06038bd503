import importlib

import pytest

PACKAGES = [
    "artifacts",
    "artifacts.archives",
    "artifacts.hub",
    "artifacts.storage",
    "components",
    "engines",
    "engines.tgi",
    "engines.torchserve",
    "engines.vllm",
    "hardware",
    "model_catalog",
    "model_catalog.changes",
    "model_catalog.editing",
    "model_catalog.imports",
    "planning",
    "planning.capacity",
    "planning.capacity.memory",
    "planning.capacity.placement",
    "planning.report",
    "planning.workload",
    "planning.changes",
    "planning.observability",
    "plugin_server",
    "preprocessing",
    "quantities",
    "recovery",
    "workloads.agent",
]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_s_public_face_is_sorted_and_whole(package: str) -> None:
    module = importlib.import_module(package)
    assert list(module.__all__) == sorted(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
