import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workloads.handlers.samples import Context, Torch, lengths
from workloads.handlers.errors import WeightsError
from workloads.handlers.gpu import GpuError, choose_device, limit_memory
from workloads.handlers.torchserve import TorchServeModel
from workloads.handlers.weights import Weights, find_weights, the_file


def agent_says(root: Path, document: Any, model: str = "fr_reader", version: str = "2") -> dict[str, str]:
    place = root / "versions" / model / f"{version}.json"
    place.parent.mkdir(parents=True)
    place.write_text(document if isinstance(document, str) else json.dumps(document))
    return {"SLIPWAY_VERSIONS": str(root / "versions")}


def find(root: Path, environment: dict[str, str]) -> Weights:
    return find_weights(root / "archive", "fr_reader", "2", environment)


def test_an_archive_s_own_weights_come_first_and_the_agent_s_limit_holds_for_them(tmp_path: Path) -> None:
    own = tmp_path / "archive/weights"
    own.mkdir(parents=True)
    environment = agent_says(tmp_path, {"format": 1, "weights": str(tmp_path), "gpuMemoryFraction": 0.25})
    assert find(tmp_path, {}) == Weights(own)
    assert find(tmp_path, environment) == Weights(own, 0.25)


def test_a_thin_archive_s_weights_are_where_the_agent_says(tmp_path: Path) -> None:
    environment = agent_says(tmp_path, {"format": 1, "weights": str(tmp_path), "gpuMemoryFraction": None})
    assert find(tmp_path, environment) == Weights(tmp_path)


@pytest.mark.parametrize("document", [None, {"format": 1, "weights": None, "gpuMemoryFraction": 0.5}])
def test_no_weights_anywhere_is_said_with_both_places(tmp_path: Path, document: Any) -> None:
    environment = agent_says(tmp_path, document) if document else {"SLIPWAY_VERSIONS": str(tmp_path)}
    with pytest.raises(WeightsError, match=r"no folder weights/.*SLIPWAY_VERSIONS/fr_reader/2\.json.*Fix: "):
        find(tmp_path, environment)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "cannot be read"),
        ([], "another format"),
        ({"format": 2}, "another format"),
        ({"format": 1, "weights": "/nowhere"}, "no folder"),
        ({"format": 1, "weights": "/", "gpuMemoryFraction": 0}, "over 0 and up to 1"),
        ({"format": 1, "weights": "/", "gpuMemoryFraction": 1.5}, "over 0 and up to 1"),
        ({"format": 1, "weights": "/", "gpuMemoryFraction": True}, "over 0 and up to 1"),
        ({"format": 1, "weights": "/", "gpuMemoryFraction": "1"}, "over 0 and up to 1"),
    ],
)
def test_what_the_agent_does_not_write_is_refused(tmp_path: Path, document: Any, said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        find(tmp_path, agent_says(tmp_path, document))


def test_the_weights_file_is_the_only_one_of_its_kind(tmp_path: Path) -> None:
    (tmp_path / "lid.176.ftz").touch()
    (tmp_path / "README.md").touch()
    assert the_file(tmp_path, "*.ftz", "*.bin") == tmp_path / "lid.176.ftz"
    (tmp_path / "other.bin").touch()
    with pytest.raises(
        WeightsError, match=r"one file \*\.ftz or \*\.bin, and has 2: README.md, lid.176.ftz, other.bin"
    ):
        the_file(tmp_path, "*.ftz", "*.bin")


def started(
    root: Path, monkeypatch: pytest.MonkeyPatch, torch: Torch, *, uses_gpu: bool, gpu_id: int | None
) -> str:
    """The device that the model was loaded on."""
    devices: list[str] = []

    class Handler(TorchServeModel):
        import_torch = staticmethod(lambda: torch)

        @staticmethod
        def load(folder: Path, device: str) -> Any:
            torch.asked.append(("load", folder, device))
            devices.append(device)
            return lengths()

    Handler.uses_gpu = uses_gpu
    environment = agent_says(root, {"format": 1, "weights": str(root), "gpuMemoryFraction": 0.25})
    monkeypatch.setenv("SLIPWAY_VERSIONS", environment["SLIPWAY_VERSIONS"])
    Handler().initialize(Context(model_dir=root, gpu_id=gpu_id))
    return devices[0]


def test_memory_is_limited_on_the_worker_s_own_gpu_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = Torch()
    assert started(tmp_path, monkeypatch, torch, uses_gpu=True, gpu_id=1) == "cuda:1"
    assert torch.asked == [("limit", 0.25, "cuda:1"), ("load", tmp_path, "cuda:1")]


@pytest.mark.parametrize(("uses_gpu", "gpu_id"), [(False, 1), (True, None)])
def test_a_model_on_the_cpu_never_touches_cuda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uses_gpu: bool, gpu_id: int | None
) -> None:
    torch = Torch()
    assert started(tmp_path, monkeypatch, torch, uses_gpu=uses_gpu, gpu_id=gpu_id) == "cpu"
    assert torch.asked == [("load", tmp_path, "cpu")]


def test_a_gpu_that_torch_cannot_use_is_an_error_and_not_a_slow_answer() -> None:
    with pytest.raises(GpuError, match="gave GPU 0, and torch finds no CUDA"):
        choose_device(Torch(cuda=False), 0)


def test_without_a_fraction_nothing_is_limited() -> None:
    torch = Torch()
    limit_memory(torch, "cuda:0", None)
    assert torch.asked == []
