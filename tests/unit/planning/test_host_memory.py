"""The host has room for the files that a language model's server reads, as they are, and says what it assumed."""

from typing import Any, Final

import pytest

from engines import tgi, vllm
from model_catalog import Catalog, EntryFile, Environment, Release, TgiVersion, VllmVersion
from planning import Plan, PlanningError, PoolSettings, make_plan
from planning.capacity import fits, weight_files
from planning.capacity.memory.weights import SCHEMES
from quantities import Bytes
from tests.support.pools import POOLS
from tests.unit.planning.capacity.memory.versions import T4, tgi_version, vllm_version

QWEN_72B: Final[dict[str, Any]] = {
    "parameters": 72_706_203_648,
    "layers": 80,
    "attention_heads": 64,
    "kv_heads": 8,
    "head_size": 128,
    "hidden_size": 8192,
    "vocabulary": 152_064,
    "tied_embeddings": False,
    "max_positions": 32_768,
    "source": "Qwen/Qwen2.5-72B-Instruct-AWQ",
}
WHOLE: Final = 2 * 72_706_203_648
GIB: Final = 1024**3


def version(quantization: tgi.Quantization | vllm.Quantization, **keys: Any) -> TgiVersion | VllmVersion:
    said = {"architecture": QWEN_72B, "quantization": quantization, **keys}
    if isinstance(quantization, tgi.Quantization):
        return tgi_version(precision=None, **said)
    return vllm_version(**said)


ALL: Final = (*tgi.QUANTIZATION_FACTS.items(), *vllm.QUANTIZATION_FACTS.items())


@pytest.mark.parametrize(
    ("quantization", "facts"), ALL, ids=[f"{type(one).__module__.split('.')[1]}-{one}" for one, _ in ALL]
)
def test_files_count_as_small_as_they_are_read(
    quantization: tgi.Quantization | vllm.Quantization,
    facts: tgi.QuantizationFacts | vllm.QuantizationFacts,
) -> None:
    files = weight_files(version(quantization))
    if not facts.prequantized:
        assert files.memory == WHOLE
        assert "shrinks them after they are read" in files.source
        assert str(quantization) in SCHEMES, "what an engine makes itself has a width"
    elif str(quantization) in SCHEMES:
        assert WHOLE / 4 < files.memory < 0.6 * WHOLE
        assert files.source.endswith("memory.weights replaces this")
    else:
        assert files.memory == WHOLE
        assert f"as if {quantization} left them whole; memory.weights replaces this" in files.source


def test_the_files_of_qwen_72b_in_awq_are_as_large_as_on_the_hub() -> None:
    """Its safetensors are 41.6 GB: 38.7 GiB (measured on the GPU by Qwen: 39.44, docs/memory-model.md)."""
    files = weight_files(version(vllm.Quantization.AWQ))
    assert 38 * GIB < files.memory < 40 * GIB


def test_files_do_not_depend_on_the_number_of_gpus() -> None:
    sizes = {
        weight_files(version(vllm.Quantization.AWQ, serving={"tensor_parallel_size": gpus})).memory
        for gpus in (1, 2, 4, 8)
    }
    assert len(sizes) == 1


@pytest.mark.parametrize(
    ("keys", "size"),
    [
        ({"quantization": None}, "40GiB"),
        ({"quantization": "awq"}, "40GiB"),
        ({"quantization": "compressed-tensors"}, "40GiB"),
        # The engine shrinks 16 bits to 8: the files are twice what the device holds.
        ({"quantization": "fp8_per_tensor", "architecture": None}, "80GiB"),
    ],
)
def test_what_the_catalog_says_of_the_weights_replaces_what_is_computed(
    keys: dict[str, Any], size: str
) -> None:
    said = vllm_version(memory={"weights": "40GiB", "per_request": "1GiB"}, **keys)
    assert weight_files(said).memory == Bytes.parse(size)


def planned(settings: PoolSettings, **keys: Any) -> Plan:
    entry = EntryFile.model_validate(
        {
            "task": "TextGeneration",
            "model": "Chat",
            "description": "As in tests.",
            "owner": "team",
            "engine": "vllm",
            "languages": {
                "en": {
                    "scripts": ["Latn"],
                    "versions": {
                        "1": {
                            "artifact": {
                                "repository": "a/b",
                                "revision": "unresolved",
                                "digest": "unresolved",
                            },
                            "license": "apache-2.0",
                            "architecture": QWEN_72B,
                            "serving": {
                                "tensor_parallel_size": 4,
                                "max_model_len": 4096,
                                "max_num_seqs": 16,
                                "max_num_batched_tokens": 2048,
                            },
                            **keys,
                        }
                    },
                }
            },
        }
    ).root
    release = Release.model_validate({"TextGeneration/Chat/en": {"default": "1"}})
    catalog = Catalog(entries=(entry,), releases={Environment.DEV: release})
    return make_plan(catalog, Environment.DEV, settings)


def settings(*machines: str) -> PoolSettings:
    return PoolSettings(
        region=POOLS.region,
        gpu_nodes=dict.fromkeys(machines, 2),
        cpu_nodes={},
        system_instance_type=POOLS.system_instance_type,
        system_nodes=POOLS.system_nodes,
    )


def test_a_quantized_model_stays_on_the_machine_that_holds_its_files() -> None:
    """As if in 16 bits it asked for 194 GiB of a host that has 192, and moved to one for $1,804 a month more."""
    plan = planned(settings("g5.12xlarge", "g5.24xlarge"), quantization="awq")
    (server,) = plan.servers
    assert server.pool == "gpu-g5-12xlarge"
    assert 73 * GIB < server.resources.memory < 74 * GIB


def test_a_refusal_for_host_memory_names_what_was_assumed_and_the_key_that_replaces_it() -> None:
    # An L40S holds 18 B parameters in 16 bits; the 32 GiB of its smallest machine do not hold the files.
    with pytest.raises(PlanningError) as raised:
        planned(
            settings("g6e.xlarge"),
            quantization="quark",
            architecture={**QWEN_72B, "parameters": 18 * 10**9, "layers": 20},
            serving={"max_model_len": 4096, "max_num_seqs": 16, "max_num_batched_tokens": 2048},
        )
    assert "GiB of host memory short; offer g6e.2xlarge" in str(raised.value)
    assert str(raised.value).endswith(
        ". Its host memory counts 33.6GiB of files: 18000000000 parameters of 2 bytes each, as if quark left them "
        "whole; memory.weights replaces this"
    )


def test_a_refusal_for_gpu_memory_names_an_unknown_width_and_the_key_that_replaces_it() -> None:
    said = str(fits(vllm_version(quantization="compressed-tensors", serving={"max_model_len": 2048}), T4))
    assert said.endswith(
        "weights count as if compressed-tensors left them whole, and memory.weights replaces this"
    )
