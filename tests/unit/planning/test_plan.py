import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hardware import instance_type
from model_catalog import Catalog, EntryFile, Environment, Release, load_catalog
from planning import (
    GPU_TAINT_KEY,
    POOL_LABEL,
    Plan,
    PlanningError,
    PoolSettings,
    Resources,
    TextGenerationPlan,
    TorchServePlan,
    make_plan,
)
from planning.capacity.placement import Lock, Place
from planning.capacity.resources import node_resources
from quantities import Bytes
from tests.support.pools import POOLS

NOTHING_PLACED = Lock()


def entry(model: str = "Reader", **fields: Any) -> dict[str, Any]:
    serving = fields.pop("serving", {})
    memory = fields.pop("memory", {"weights": "440MiB", "per_request": "12MiB"})
    code = {"handler": fields.pop("handler")} if "handler" in fields else {}
    version = {
        "artifact": {"bucket": "research-models", "path": "a/b", "digest": "unresolved"},
        "license": "LicenseRef-internal",
        "memory": memory,
        "serving": serving,
        **code,
    }
    return {
        "task": "QuestionAnswering",
        "model": model,
        "description": "As in tests.",
        "owner": "team",
        "engine": "torchserve",
        "languages": {"fr": {"scripts": ["Latn"], "versions": {"1": version}}},
        **fields,
    }


def plan(
    *entries: dict[str, Any],
    settings: PoolSettings = POOLS,
    released: dict[str, Any] | None = None,
    lock: Lock = NOTHING_PLACED,
) -> Plan:
    release = released or {f"{e['task']}/{e['model']}/fr": {"default": "1"} for e in entries}
    catalog = Catalog(
        entries=tuple(EntryFile.model_validate(e).root for e in entries),
        releases={Environment.DEV: Release.model_validate(release)},
    )
    return make_plan(catalog, Environment.DEV, settings, lock)


SEVEN_B = {
    "parameters": "7.24B",
    "layers": 32,
    "attention_heads": 32,
    "kv_heads": 8,
    "head_size": 128,
    "hidden_size": 4096,
    "vocabulary": 32000,
    "tied_embeddings": False,
    "max_positions": 8192,
    "source": "a test",
}
"""Mistral 7B's, as in the catalog."""


def pools(planned: Plan) -> dict[str, int]:
    return {pool.name: pool.desired_nodes for pool in planned.pools}


def reader() -> TorchServePlan:
    servers = make_plan(load_catalog(), Environment.DEV, POOLS).servers
    server = next(server for server in servers if server.name == "gpu-g4dn-xlarge-torchserve-1")
    assert isinstance(server, TorchServePlan)
    return server


def digest_of(version: str) -> str:
    return f"sha256:{hashlib.sha256(version.encode()).hexdigest()}"


def writer(
    *versions: str, engine: str = "tgi", says: dict[str, Any] | None = None, **serving: Any
) -> dict[str, Any]:
    made = {
        version: {
            "artifact": {"bucket": "research", "path": f"writer/{version}", "digest": digest_of(version)},
            "license": "apache-2.0",
            "memory": {"weights": "3GiB", "per_request": "100MiB"},
            "serving": serving,
            **(says or {}),
        }
        for version in versions or ("1",)
    }
    return {
        "task": "TextGeneration",
        "model": "Writer",
        "description": "As in tests.",
        "owner": "team",
        "engine": engine,
        "languages": {"fr": {"scripts": ["Latn"], "versions": made}},
    }


def test_an_entry_s_released_versions_share_one_torchserve_server() -> None:
    assert [(model.archive, model.default) for model in reader().models] == [
        ("en_reader_1.mar", True),
        ("fr_reader.mar", False),
        ("fr_reader_2.mar", True),
    ]


def test_every_version_and_every_variant_has_a_path() -> None:
    assert reader().paths == {
        "QuestionAnswering/Reader/en": "/predictions/en_reader",
        "QuestionAnswering/Reader/en@1": "/predictions/en_reader/1",
        "QuestionAnswering/Reader/fr": "/predictions/fr_reader",
        "QuestionAnswering/Reader/fr@1.0": "/predictions/fr_reader/1.0",
        "QuestionAnswering/Reader/fr@2": "/predictions/fr_reader/2",
    }


def test_what_a_shared_server_may_read_does_not_depend_on_its_models() -> None:
    servers = (reader(), *plan(entry("A"), entry("B")).servers)
    assert {server.artifact_prefixes for server in servers} == {("archives/", "artifacts/")}


def test_a_shared_server_requests_an_even_part_of_its_node_whatever_its_models_need() -> None:
    (one,), (two,) = plan(entry("A")).servers, plan(entry("A"), entry("B")).servers
    assert one.resources == two.resources
    # g4dn.xlarge: one GPU, 4 vCPUs, 16 GiB.
    assert one.resources == Resources(millicores=3500, memory=Bytes.mebibytes(14225), gpus=1)


def test_a_node_with_several_gpus_is_divided_among_as_many_servers() -> None:
    settings = replace(POOLS, gpu_nodes={"g4dn.12xlarge": 1})
    (server,) = plan(entry("A"), settings=settings).servers
    node = node_resources(instance_type("g4dn.12xlarge"))
    assert server.resources.millicores == node.millicores // 4
    assert Bytes(0) <= node.memory - server.resources.memory * 4 < Bytes.mebibytes(5)


def test_where_one_server_outgrows_its_part_all_of_the_pool_request_what_they_need() -> None:
    settings = replace(POOLS, gpu_nodes={"g5.12xlarge": 2})
    heavy = entry("A", serving={"max_workers": 28}, memory={"weights": "100MiB", "per_request": "1MiB"})
    apart = entry("B", sharing={"keep_apart_from": ["payments"]})
    first, second = plan({**heavy, "owner": "payments"}, apart, settings=settings).servers
    part = node_resources(instance_type("g5.12xlarge")).millicores // 4
    assert first.pool == second.pool
    assert {first.resources.millicores > part, second.resources.millicores > part} == {True, False}
    assert min(first.resources.millicores, second.resources.millicores) == 250 + 100 + 500


def test_a_node_that_cluster_dns_may_lie_on_keeps_room_for_it() -> None:
    (server,) = plan(entry("A", device="cpu")).servers
    node = node_resources(instance_type("m6i.2xlarge"))
    assert node.millicores - server.resources.millicores == 200
    assert node.memory - server.resources.memory >= Bytes.mebibytes(140)


def test_only_overrides_that_a_running_torchserve_cannot_take_are_fixed() -> None:
    name = "QuestionAnswering/A/fr"
    decision = {"reason": "As in tests.", "by": "nlp-platform", "until": "2027-06-30"}

    def fixed(serving: dict[str, Any]) -> tuple[str, ...]:
        override = {**decision, "serving": serving}
        (server,) = plan(entry("A"), released={name: {"default": "1", "overrides": [override]}}).servers
        assert isinstance(server, TorchServePlan)
        return server.fixed_overrides

    assert fixed({"min_workers": 2, "max_workers": 2}) == ()
    assert fixed({"batch_size": 1}) == (), "what the version says itself"
    assert fixed({"batch_size": 4, "response_timeout": "10s", "max_workers": 2}) == (
        f"{name}@1 batch_size=4",
        f"{name}@1 response_timeout=10s",
    )


def test_the_allocator_s_part_is_of_the_card_and_told_to_our_handlers_alone() -> None:
    handled = entry("A", handler={"name": "language_identification", "version": "1.0.0"})
    (server,) = plan(handled, entry("B"), entry("C")).servers
    assert isinstance(server, TorchServePlan)
    fractions = {model.selector.model: model.gpu_memory_fraction for model in server.models}
    # (440 + 12) MiB and a quarter on top, of the 14336 MiB that a T4 has to give.
    assert fractions == {"A": 0.0395, "B": None, "C": None}
    assert 0.0394 < 452 * 1.25 / 14336 <= 0.0395


def test_a_model_on_a_cpu_has_no_part_of_a_gpu() -> None:
    handled = entry("A", device="cpu", handler={"name": "language_identification", "version": "1.0.0"})
    (server,) = plan(handled).servers
    assert isinstance(server, TorchServePlan)
    assert [model.gpu_memory_fraction for model in server.models] == [None]


def test_every_released_version_of_a_text_generator_is_a_server_of_its_own() -> None:
    released = {"TextGeneration/Writer/fr": {"default": "2", "versions": ["1.0", "2"]}}
    one, two = plan(writer("1.0", "2"), released=released).servers
    assert (one.name, two.name) == ("text-generation-writer-fr-1-0", "text-generation-writer-fr-2")
    assert one.paths == {"TextGeneration/Writer/fr@1.0": "/generate"}
    assert two.paths == {"TextGeneration/Writer/fr": "/generate", "TextGeneration/Writer/fr@2": "/generate"}
    assert (one.artifact_prefixes, two.artifact_prefixes) == (
        (f"artifacts/{digest_of('1.0')}/",),
        (f"artifacts/{digest_of('2')}/",),
    )


def test_another_default_changes_where_a_text_generator_s_clients_go_and_none_of_its_servers() -> None:
    for default, server in (("1", 0), ("2", 1)):
        released = {"TextGeneration/Writer/fr": {"default": default, "versions": ["1", "2"]}}
        planned = plan(writer("1", "2"), released=released)
        answering = [index for index, s in enumerate(planned.servers) if len(s.paths) == 2]
        assert answering == [server]
        unlike = [replace(s, models=()) for s in planned.servers]
        assert unlike == [replace(s, models=()) for s in plan(writer("1", "2"), released=_BOTH).servers]


_BOTH: dict[str, Any] = {"TextGeneration/Writer/fr": {"default": "1", "versions": ["1", "2"]}}


def test_two_servers_of_one_name_are_refused_with_both_that_want_it() -> None:
    released = {"TextGeneration/Writer/fr": {"default": "1.0", "versions": ["1.0", "1-0"]}}
    with pytest.raises(PlanningError, match=r"fr@1-0 and .*fr@1\.0 would both be served by text-gen"):
        plan(writer("1.0", "1-0"), released=released)


def test_a_long_server_name_is_cut_and_stays_its_own() -> None:
    released = {"TextGeneration/Writer/fr": {"default": "x" * 60, "versions": ["x" * 60, "x" * 61]}}
    names = [server.name for server in plan(writer("x" * 60, "x" * 61), released=released).servers]
    assert len(set(names)) == 2
    assert all(len(name) <= 51 and re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", name) for name in names)


@pytest.mark.parametrize(
    ("engine", "option", "own"),
    [("tgi", "num_shard", 1024 + 1024), ("vllm", "tensor_parallel_size", 2048 + 2048)],
)
@pytest.mark.parametrize("shards", [1, 4])
def test_a_text_generator_asks_for_a_gpu_for_each_shard(
    engine: str, option: str, own: int, shards: int
) -> None:
    settings = replace(POOLS, gpu_nodes={"g5.12xlarge": 4})
    (server,) = plan(writer(engine=engine, **dict[str, Any]({option: shards})), settings=settings).servers
    assert isinstance(server, TextGenerationPlan)
    assert server.resources.gpus == shards
    mebibytes = own + 4096 * shards + 3 * 1024
    assert server.resources.memory == Bytes.mebibytes(mebibytes * 125 // 100)


def test_weights_that_nobody_measured_take_what_the_parameters_take() -> None:
    architecture = {
        "parameters": "1.5B",
        "layers": 28,
        "attention_heads": 12,
        "kv_heads": 2,
        "head_size": 128,
        "hidden_size": 1536,
        "source": "a test",
    }
    unmeasured = writer(says={"architecture": architecture, "memory": None})
    (server,) = plan(unmeasured).servers
    mebibytes = 1024 + 1024 + 4096
    assert server.resources.memory == Bytes(-(-(Bytes.mebibytes(mebibytes) + 3_000_000_000) * 125 // 100))


@pytest.mark.parametrize(
    ("engine", "says", "serving"),
    [
        ("tgi", {"precision": "bfloat16"}, {}),
        ("tgi", {"quantization": "fp8"}, {}),
        ("tgi", {}, {"kv_cache_dtype": "fp8_e5m2"}),
        ("vllm", {"precision": "bfloat16"}, {}),
        ("vllm", {}, {"kv_cache_dtype": "fp8_e4m3"}),
    ],
)
def test_options_that_the_pool_s_gpu_cannot_do_are_refused(
    engine: str, says: dict[str, Any], serving: dict[str, Any]
) -> None:
    with pytest.raises(
        PlanningError,
        match=r"fits no offered node: the nearest, g4dn\.xlarge, is of compute capability 7\.5, too low",
    ):
        plan(writer(engine=engine, says=says, **serving))
    plan(writer(engine=engine, says={"precision": "float16"}))


def test_an_override_changes_its_environment_s_server_alone() -> None:
    decided = {"reason": "a busy week", "by": "sre", "until": "2026-12-31"}
    variant = "QuestionAnswering/Reader/fr"
    released = {variant: {"default": "1", "overrides": [{"serving": {"min_workers": "3"}, **decided}]}}
    changed, usual = (plan(entry(), released=r).servers[0] for r in (released, None))
    assert isinstance(changed, TorchServePlan)
    assert isinstance(usual, TorchServePlan)
    assert [server.models[0].options.min_workers for server in (changed, usual)] == [3, 1]


def test_an_autoscaled_entry_begins_with_the_fewest_servers() -> None:
    scaled = entry(autoscaling={"min_replicas": 2, "max_replicas": 4, "target_concurrency": 8})
    assert plan(scaled).servers[0].replicas == 2


def test_two_plans_of_equal_input_are_equal_whatever_the_order_of_entries() -> None:
    assert plan(entry("A"), entry("B")) == plan(entry("B"), entry("A"))


def test_an_environment_without_releases_has_only_the_pool_of_the_add_ons() -> None:
    planned = make_plan(load_catalog(), Environment.PROD, POOLS)
    assert (planned.servers, pools(planned)) == ((), {"system-m6i-large": 2})


def test_add_ons_have_a_pool_without_taints_because_no_gpu_node_takes_them() -> None:
    system = next(pool for pool in plan(entry()).pools if pool.name.startswith("system"))
    assert system.taints == ()
    assert system.max_nodes == system.desired_nodes + 1


def test_a_gpu_pool_is_labelled_and_tainted_and_its_servers_name_it() -> None:
    planned = plan(entry())
    gpu = next(pool for pool in planned.pools if pool.name.startswith("gpu"))
    assert gpu.labels == ((POOL_LABEL, "gpu-g4dn-xlarge"),)
    assert [(taint.key, taint.effect) for taint in gpu.taints] == [(GPU_TAINT_KEY, "NO_SCHEDULE")]
    assert [server.pool for server in planned.servers] == [gpu.name]


def test_a_server_on_cpu_asks_for_no_gpu_and_gets_a_pool_without_taint() -> None:
    planned = plan(entry(device="cpu"))
    assert planned.servers[0].resources.gpus == 0
    assert str(planned.servers[0].image) == "pytorch/torchserve:0.12.0-cpu"
    assert pools(planned) == {"cpu-m6i-2xlarge": 1, "system-m6i-large": 2}


@pytest.mark.parametrize(
    ("replicas", "kind", "nodes"),
    [(1, "g4dn.xlarge", 1), (3, "g4dn.xlarge", 3), (1, "g4dn.12xlarge", 1), (2, "g4dn.12xlarge", 2)],
)
def test_replicas_are_on_as_many_nodes_since_one_that_fails_must_not_take_two(
    replicas: int, kind: str, nodes: int
) -> None:
    planned = plan(entry(replicas=replicas), settings=replace(POOLS, gpu_nodes={kind: 4}))
    gpu = {name: number for name, number in pools(planned).items() if name.startswith("gpu-")}
    assert list(gpu.values()) == [nodes]


def test_memory_decides_the_number_of_nodes_where_gpus_do_not() -> None:
    large = entry(device="cpu", replicas=2, memory={"weights": "15GiB", "per_request": "1MiB"})
    assert pools(plan(large))["cpu-m6i-2xlarge"] == 2


def test_a_server_requests_memory_for_every_worker_s_copy_with_headroom() -> None:
    one, two = (plan(entry(serving={"max_workers": n})).placement.shared[0] for n in (1, 2))
    worker = Bytes.parse("500MiB") + Bytes.parse("440MiB") + Bytes.parse("12MiB")
    assert two.memory - one.memory == worker * 125 // 100
    assert two.millicores - one.millicores == 500


def test_startup_may_take_as_long_as_torchserve_waits_for_all_workers() -> None:
    planned = plan(entry(serving={"startup_timeout": "5m"}))
    assert planned.servers[0].startup_budget == timedelta(minutes=6)


@pytest.mark.parametrize(
    ("entries", "settings", "message"),
    [
        (
            (entry(replicas=5),),
            POOLS,
            r"g4dn\.xlarge, is allowed 4 nodes, 1 too few; allow 5 nodes of it, one for each replica",
        ),
        (
            (entry(device="cpu", memory={"weights": "30GiB", "per_request": "1MiB"}),),
            POOLS,
            r"the nearest, m6i\.2xlarge, is 1\d\.\dGiB of host memory short; offer .*, which would hold it",
        ),
        (
            (entry(memory={"weights": "20GiB", "per_request": "1MiB"}),),
            POOLS,
            r"g4dn\.xlarge, is 11\.6GiB of GPU memory short and .*; offer g6e\.\w+ or .*, which would hold it",
        ),
        (
            (entry(serving={"max_workers": 4}, memory={"weights": "3GiB", "per_request": "1MiB"}),),
            POOLS,
            r"g4dn\.xlarge, is 3\.4GiB of GPU memory short .*, or lower its max_workers or batch_size",
        ),
        (
            (writer(says={"memory": None, "architecture": SEVEN_B, "precision": "float16"}),),
            POOLS,
            r"does not fit its GPU: short by .* on g4dn\.xlarge: weights 13\.\d.* fits with one of: .*bitsandbytes",
        ),
        ((entry(),), replace(POOLS, gpu_nodes={"g4.large": 1}), "not in the hardware table"),
    ],
)
def test_what_does_not_fit_says_by_how_much_and_what_to_change(
    entries: tuple[dict[str, Any], ...], settings: PoolSettings, message: str
) -> None:
    with pytest.raises(PlanningError, match=message):
        plan(*entries, settings=settings)


def servers(planned: Plan) -> list[tuple[str, list[str]]]:
    return [
        (server.name, sorted({str(m.selector.variant) for m in server.models})) for server in planned.servers
    ]


def test_models_of_several_entries_share_the_gpu_that_holds_them() -> None:
    assert servers(plan(entry("A"), entry("B"), entry("C"))) == [
        (
            "gpu-g4dn-xlarge-torchserve-1",
            ["QuestionAnswering/A/fr", "QuestionAnswering/B/fr", "QuestionAnswering/C/fr"],
        )
    ]


def with_archive(said: dict[str, Any], archive: str) -> dict[str, Any]:
    (version,) = said["languages"]["fr"]["versions"].values()
    languages = {"fr": {"scripts": ["Latn"], "versions": {"1": {**version, "archive": archive}}}}
    return {**said, "languages": languages}


def test_archives_of_one_file_name_lie_side_by_side_where_a_server_is_exported() -> None:
    named = [with_archive(entry(model), "model.mar") for model in ("A", "B")]
    (server,) = plan(*named).servers
    assert isinstance(server, TorchServePlan)
    assert [model.archive for model in server.models] == ["fr_a-model.mar", "fr_b-model.mar"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"owner": "payments"}, {"sharing": {"keep_apart_from": ["payments"]}}),
        ({"sharing": {"max_models": "1"}}, {}),
        ({"device": "cpu"}, {}),
        ({"replicas": "2"}, {}),
    ],
    ids=["owners that keep apart", "a server of its own", "devices", "replicas"],
)
def test_what_cannot_share_gets_servers_of_its_own(one: dict[str, Any], other: dict[str, Any]) -> None:
    planned = plan(entry("A", **one), entry("B", **other))
    assert sorted(variants for _, variants in servers(planned)) == [
        ["QuestionAnswering/A/fr"],
        ["QuestionAnswering/B/fr"],
    ]


def test_a_pinned_model_stays_on_its_instance_type_whatever_is_cheaper() -> None:
    both = replace(POOLS, gpu_nodes={"g4dn.xlarge": 4, "g5.xlarge": 4})
    pinned = {"instance_type": "g5.xlarge", "reason": "measured there", "by": "sre", "until": "2027-01-31"}
    released = {"QuestionAnswering/Reader/fr": {"default": "1", "pin": pinned}}
    assert plan(entry(), settings=both).servers[0].pool == "gpu-g4dn-xlarge"
    assert plan(entry(), settings=both, released=released).servers[0].pool == "gpu-g5-xlarge"


def test_what_the_lock_has_placed_stays_there() -> None:
    place = Place(pool="gpu-g5-xlarge", server=7)
    lock = Lock(places={"QuestionAnswering/A/fr": place})
    both = replace(POOLS, gpu_nodes={"g4dn.xlarge": 4, "g5.xlarge": 4})
    planned = plan(entry("A"), entry("B"), settings=both, lock=lock)
    assert servers(planned) == [
        ("gpu-g5-xlarge-torchserve-7", ["QuestionAnswering/A/fr", "QuestionAnswering/B/fr"])
    ]
    assert planned.stale
    assert planned.placement.moves == ()
    again = plan(entry("A"), entry("B"), settings=both, lock=planned.placement.lock)
    assert not again.stale
    assert again.servers == planned.servers


def test_another_version_or_default_leaves_the_lock_as_it_is() -> None:
    two = entry()
    (version,) = two["languages"]["fr"]["versions"].values()
    two["languages"] = {"fr": {"scripts": ["Latn"], "versions": {"1": version, "2": version}}}
    variant = "QuestionAnswering/Reader/fr"
    releases: tuple[dict[str, Any], ...] = (
        {"default": "1"},
        {"default": "2"},
        {"default": "2", "versions": ["1", "2"]},
    )
    locks = {plan(two, released={variant: one}).placement.lock.places[variant] for one in releases}
    assert len(locks) == 1


def test_a_pool_that_an_autoscaler_owns_is_marked_and_has_head_room() -> None:
    scaled = plan(entry(replicas=3), settings=replace(POOLS, autoscaled=True))
    gpu = next(pool for pool in scaled.pools if pool.name.startswith("gpu"))
    assert (gpu.autoscaled, gpu.min_nodes, gpu.desired_nodes, gpu.max_nodes) == (True, 0, 3, 4)
    assert not any(pool.autoscaled for pool in plan(entry(replicas=3)).pools)


def test_the_head_room_of_a_pool_holds_what_autoscaled_models_may_ask_for() -> None:
    most: dict[str, Any] = {
        "autoscaling": {"min_replicas": "1", "max_replicas": "6", "target_concurrency": "8"}
    }
    allowed = replace(POOLS, gpu_nodes={"g4dn.xlarge": 8})
    (gpu,) = (pool for pool in plan(entry(**most), settings=allowed).pools if pool.name.startswith("gpu"))
    assert (gpu.desired_nodes, gpu.max_nodes) == (1, 6)
    (gpu,) = (pool for pool in plan(entry(**most)).pools if pool.name.startswith("gpu"))
    assert (gpu.desired_nodes, gpu.max_nodes) == (1, 4)


def test_a_language_model_goes_to_the_cheapest_gpu_that_holds_it_and_not_to_one_it_does_not_fit() -> None:
    large = writer(says={"memory": None, "architecture": SEVEN_B, "precision": "float16"})
    offers = replace(POOLS, gpu_nodes={"g4dn.xlarge": 4, "g5.2xlarge": 4, "g6e.xlarge": 4})
    assert plan(large, settings=offers).servers[0].pool == "gpu-g5-2xlarge"
    assert plan(writer(), settings=offers).servers[0].pool == "gpu-g4dn-xlarge"
