"""Shares of GPUs: how they are named, what may have one, what it is told, and what the plan says of it."""

import json
import re
import tomllib
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.plan_json import to_json
from cli.plan_markdown import to_markdown
from cli.plan_text import to_text
from hardware import GPUS, INSTANCE_TYPES, MIG_INSTANCE_TYPES, UnknownInstanceTypeError
from planning import (
    GpuShareError,
    MigInstances,
    PlanningError,
    TextGenerationPlan,
    TimeSlices,
    gpu_nodes,
    make_plan,
)
from planning.capacity import estimate
from planning.capacity.gpu_shares import BOTTLEROCKET_MODELS, mig_profiles, shared_name
from planning.capacity.granted_memory import as_granted, device_memory
from planning.capacity.memory import PartName
from planning.capacity.memory.overheads import CUDA_CONTEXT
from planning.node_settings import node_settings
from planning.pools import make_offers
from planning.report import Held, Report, make_report
from planning.workload import text_generation_pod
from tests.unit.planning.capacity.memory.versions import MISTRAL, tgi_version, vllm_version
from tests.unit.planning.shares import SMALL, chat, plan, reader
from tests.unit.planning.shares import settings as nodes

SLICED = "g5.2xlarge/time-sliced-2"
MIG = "p4d.24xlarge/mig-3g.20gb"
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
POOL = re.compile(r"[a-z][a-z0-9-]{0,50}")

ALL_SHARES = [
    f"{kind}/mig-{profile.name}"
    for kind in sorted(MIG_INSTANCE_TYPES - {"p6-b300.48xlarge"})
    for profile in mig_profiles(INSTANCE_TYPES[kind].gpu or GPUS["T4"])
]


@pytest.mark.parametrize(
    ("name", "devices", "mebibytes"),
    [
        ("g4dn.xlarge", 1, 14336),
        ("g4dn.xlarge/time-sliced-2", 2, 7168),
        ("g5.12xlarge/time-sliced-4", 16, 5501),
        ("p4d.24xlarge/mig-1g.5gb", 56, 4608),
        ("p4d.24xlarge/mig-3g.20gb", 16, 19712),
        ("p5.48xlarge/mig-2g.20gb", 24, 19834),
    ],
)
def test_an_offer_of_shares_has_more_and_smaller_gpus(name: str, devices: int, mebibytes: int) -> None:
    (found,) = (offer for offer in make_offers(nodes(**{name: 2})) if offer.gpus)
    assert (found.name, found.gpus, found.gpu_memory // 2**20) == (name, devices, mebibytes)
    assert found.instance_type == name.partition("/")[0]


@pytest.mark.parametrize("name", [SLICED, "g6e.48xlarge/time-sliced-16", *ALL_SHARES])
def test_a_share_is_part_of_a_pool_s_name_and_a_label(name: str) -> None:
    found = gpu_nodes(name)
    assert shared_name(found.instance_type.name, found.share) == name
    assert found.share is not None
    assert LABEL.fullmatch(found.share.name)
    (offer,) = (offer for offer in make_offers(nodes(**{name: 1})) if offer.gpus)
    assert POOL.fullmatch(f"{offer.pool}-set-99")


REFUSED = [
    ("g5.xlarge/mig-1g.5gb", "g5.xlarge/mig-1g.5gb: the A10G has no MIG; take"),
    (
        "p4d.24xlarge/mig-1g.6gb",
        (
            "p4d.24xlarge/mig-1g.6gb is none of the shares of the A100-40GB; write one of mig-1g.5gb (7 a card), "
            "mig-1g.10gb (4 a card), mig-2g.10gb (3 a card), mig-3g.20gb (2 a card)"
        ),
    ),
    ("p4d.24xlarge/mig-4g.20gb", "p4d.24xlarge/mig-4g.20gb is none of the shares of the A100-40GB"),
    ("p4d.24xlarge/mig-7g.40gb", "p4d.24xlarge/mig-7g.40gb is none of the shares of the A100-40GB"),
    ("p6-b200.48xlarge/mig-3g.90gb", "p6-b200.48xlarge/mig-3g.90gb is none of the shares of the B200"),
    (
        "p5.4xlarge/mig-1g.10gb",
        (
            "p5.4xlarge/mig-1g.10gb: whether p5.4xlarge takes MIG was read nowhere; take one of p4d.24xlarge, "
            "p4de.24xlarge, p5.48xlarge, p5e.48xlarge, p5en.48xlarge, p6-b200.48xlarge"
        ),
    ),
    (
        "p6-b300.48xlarge/mig-1g.34gb",
        "p6-b300.48xlarge/mig-1g.34gb: how Bottlerocket spells the B300 in its MIG",
    ),
    (
        "g5.xlarge/half",
        "g5.xlarge/half names no share; write g5.xlarge for whole GPUs, g5.xlarge/time-sliced-2 for",
    ),
    ("g5.xlarge/", "g5.xlarge/ names no share"),
    ("g5.xlarge/time-sliced-1", "g5.xlarge/time-sliced-1 divides nothing; write g5.xlarge"),
    ("m6i.large/time-sliced-2", "'m6i.large' has no GPU; take one that has"),
]


@pytest.mark.parametrize(("name", "says"), REFUSED, ids=[name for name, _ in REFUSED])
def test_a_share_that_a_machine_does_not_have_is_refused_with_those_that_it_has(name: str, says: str) -> None:
    with pytest.raises(GpuShareError) as raised:
        gpu_nodes(name)
    assert str(raised.value).startswith(says)
    assert "b300" not in str(raised.value).partition("; ")[2]


def test_a_type_that_nobody_knows_is_named_with_its_nearest() -> None:
    with pytest.raises(UnknownInstanceTypeError, match=r"g5\.tiny"):
        gpu_nodes("g5.tiny/time-sliced-2")


def test_no_instance_is_counted_with_more_than_a_process_sees_on_the_whole_card() -> None:
    for gpu in GPUS.values():
        whole = next(
            (
                found
                for found in gpu.mig_profiles or ()
                if found.max_instances == 1 and found.compute_slices >= 7
            ),
            None,
        )
        if whole and whole.usable and gpu.seen_by_process:
            assert whole.usable <= gpu.seen_by_process.memory, gpu.model


def test_mig_settings_are_those_that_bottlerocket_documents() -> None:
    for name in ALL_SHARES:
        found = gpu_nodes(name)
        gpu, share = found.instance_type.gpu, found.share
        assert gpu is not None
        assert isinstance(share, MigInstances)
        plugins = tomllib.loads(node_settings(gpu, share))["settings"]["kubelet-device-plugins"]
        assert plugins == {
            "nvidia": {
                "device-partitioning-strategy": "mig",
                "mig": {"profile": {BOTTLEROCKET_MODELS[gpu.model]: share.profile.name}},
            }
        }


def test_time_slices_keep_the_name_that_pods_ask_for() -> None:
    (pool,) = (pool for pool in plan(chat("A"), chat("B"), gpu_nodes={SLICED: 1}).pools if pool.share)
    assert pool.node_settings is not None
    assert tomllib.loads(pool.node_settings)["settings"]["kubelet-device-plugins"]["nvidia"] == {
        "device-sharing-strategy": "time-slicing",
        "time-slicing": {"replicas": 2, "rename-by-default": False, "fail-requests-greater-than-one": True},
    }
    assert dict(pool.labels)["slipway.dev/gpu-share"] == "time-sliced-2"


def test_pools_of_whole_gpus_have_no_settings_and_no_further_label() -> None:
    (pool,) = (
        pool for pool in plan(chat("A"), gpu_nodes={"g5.xlarge": 1}).pools if pool.name.startswith("gpu")
    )
    assert (pool.node_settings, pool.labels) == (None, (("slipway.dev/pool", "gpu-g5-xlarge"),))


GIB = 2**30
SERVING = st.fixed_dictionaries(
    {"max_model_len": st.sampled_from((1024, 4096, 16384)), "max_num_seqs": st.sampled_from((8, 64, 256))},
    optional={
        "enforce_eager": st.just(True),
        "gpu_memory_utilization": st.sampled_from((0.1, 0.3, 0.45, 0.9)),
        "kv_cache_memory_bytes": st.sampled_from(("256MiB", "4GiB")),
    },
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    servings=st.lists(SERVING, min_size=2, max_size=4),
    kind=st.sampled_from(("g4dn.xlarge", "g5.xlarge", "g6e.xlarge")),
    total_above=st.floats(0, 1),
    large=st.booleans(),
)
def test_in_whatever_order_vllm_servers_start_each_finds_its_share_free(
    servings: list[dict[str, object]], kind: str, total_above: float, *, large: bool
) -> None:
    machine = INSTANCE_TYPES[kind]
    slices = TimeSlices(devices=len(servings))
    memory = device_memory(machine, slices)
    assert memory is not None
    assert machine.gpu is not None
    assert machine.gpu.driver_total is not None
    version = vllm_version(architecture=MISTRAL if large else SMALL)
    told = [
        as_granted(vllm_version(serving, architecture=version.architecture), machine, slices)
        for serving in servings
    ]
    found = [(one, estimate(one, memory, share=slices.part)) for one in told]
    fitting = [(one, need) for one, need in found if need.fits]
    assert sum(need.claimed for _, need in fitting) <= memory.usable
    for _, need in fitting:
        assert need.claimed <= memory.part(slices.part)
    # CUDA's total is somewhere between what can be used and what the driver says.
    total = memory.usable + total_above * (machine.gpu.driver_total.memory - memory.usable)
    for order in permutations(fitting):
        free = total
        for one, need in order:
            utilization = one.serving.gpu_memory_utilization  # type: ignore[union-attr]
            assert utilization is not None
            assert free - CUDA_CONTEXT >= utilization * total
            free -= need.claimed


def test_what_a_person_wrote_of_the_share_stays() -> None:
    told = as_granted(
        vllm_version({"gpu_memory_utilization": 0.3, "kv_cache_memory_bytes": "2GiB"}, architecture=SMALL),
        INSTANCE_TYPES["g5.xlarge"],
        TimeSlices(devices=2),
    )
    serving = told.serving
    assert (serving.gpu_memory_utilization, serving.kv_cache_memory_bytes) == (0.3, 2 * GIB)  # type: ignore[union-attr]


@pytest.mark.parametrize("share", [None, gpu_nodes(MIG).share, gpu_nodes("p5.48xlarge/mig-1g.10gb").share])
def test_only_a_time_slice_changes_what_an_engine_is_told(share: MigInstances | None) -> None:
    for version in (vllm_version(), tgi_version()):
        assert as_granted(version, INSTANCE_TYPES["p4d.24xlarge"], share) is version


def test_two_servers_on_one_sliced_gpu_are_told_their_halves() -> None:
    found = plan(chat("A"), chat("B"), gpu_nodes={SLICED: 1})
    servers = [server for server in found.servers if isinstance(server, TextGenerationPlan)]
    assert {server.pool for server in servers} == {"gpu-g5-2xlarge-time-sliced-2-set-1"}
    for server in servers:
        words = text_generation_pod(server).container.arguments
        told = dict(word.lstrip("-").split("=") for word in words if "=" in word)
        assert told["gpu-memory-utilization"] == "0.4727"
        assert int(told["kv-cache-memory-bytes"]) % 2**20 == 0
        assert server.resources.gpus == 1


def test_sixteen_servers_fill_the_instances_of_one_node() -> None:
    found = plan(*(chat(f"M{number:02d}") for number in range(16)), gpu_nodes={MIG: 1})
    (pool,) = (pool for pool in found.pools if pool.share)
    assert (pool.name, pool.desired_nodes, pool.gpus_per_node) == (
        "gpu-p4d-24xlarge-mig-3g-20gb-set-1",
        1,
        16,
    )
    server = next(server for server in found.servers if isinstance(server, TextGenerationPlan))
    assert server.options.gpu_memory_utilization is None  # type: ignore[union-attr]


NO_HOME = [
    (
        "TGI on time slices",
        [chat("A", "tgi")],
        {SLICED: 2},
        (
            "TextGeneration/A/mul@1 fits no offered node: the nearest, g5.2xlarge/time-sliced-2, is time-sliced, where "
            "what TGI gets depends on who starts first; offer"
        ),
    ),
    (
        "TGI on time slices that it would not fit",
        [chat("A", "tgi", architecture=MISTRAL)],
        {SLICED: 2},
        (
            "TextGeneration/A/mul@1 fits no offered node: the nearest, g5.2xlarge/time-sliced-2, is time-sliced, where "
            "what TGI gets depends on who starts first"
        ),
    ),
    (
        "TorchServe on time slices",
        [reader()],
        {SLICED: 2},
        (
            "QuestionAnswering/Reader/fr fits no offered node: the nearest, g5.2xlarge/time-sliced-2, is time-sliced, "
            "where nothing limits what TorchServe takes of the GPU; offer"
        ),
    ),
    (
        "a tensor-parallel group on MIG instances",
        [chat("A", tensor_parallel_size=2)],
        {MIG: 1},
        (
            "TextGeneration/A/mul@1 fits no offered node: the nearest, p4d.24xlarge/mig-3g.20gb, is in parts of GPUs, "
            "over which no server spreads; offer"
        ),
    ),
    (
        "a tensor-parallel group on time slices",
        [chat("A", tensor_parallel_size=2)],
        {"g5.12xlarge/time-sliced-2": 1},
        "TextGeneration/A/mul@1 fits no offered node: the nearest, g5.12xlarge/time-sliced-2, is in parts of GPUs",
    ),
    (
        "more than the share",
        [chat("A", architecture=MISTRAL)],
        {SLICED: 2},
        "server text-generation-a-mul-1 does not fit its GPU: short by",
    ),
    (
        "a utilization of the whole card",
        [chat("A", gpu_memory_utilization=0.9)],
        {SLICED: 2},
        "server text-generation-a-mul-1 does not fit its GPU: short by",
    ),
]


@pytest.mark.parametrize(
    ("entries", "offers", "says"), [case[1:] for case in NO_HOME], ids=[case[0] for case in NO_HOME]
)
def test_who_may_not_have_a_share_is_refused_with_the_reason(
    entries: list[dict[str, object]], offers: dict[str, int], says: str
) -> None:
    with pytest.raises(PlanningError) as raised:
        plan(*entries, gpu_nodes=offers)
    assert str(raised.value).startswith(says)


@pytest.mark.parametrize(
    "offers",
    [{}, {SLICED: 2}, {"g4dn.xlarge": 1}],
    ids=["nothing", "shares that it may not have", "too few GPUs"],
)
def test_what_is_suggested_where_nothing_can_be_tried_holds_the_model(offers: dict[str, int]) -> None:
    large = chat("A", "tgi", architecture={**MISTRAL, "parameters": 46_700_000_000}, num_shard=4)
    with pytest.raises(PlanningError) as raised:
        plan(large, gpu_nodes=offers)
    suggested = str(raised.value).partition("; offer ")[2].partition(", which would hold it")[0].split(" or ")
    for name in suggested:
        assert plan(large, gpu_nodes={name: 1}).servers


def test_tgi_and_torchserve_may_have_mig_instances() -> None:
    found = plan(chat("A", "tgi"), reader("fr", "de"), gpu_nodes={MIG: 1})
    assert {server.pool for server in found.servers} == {"gpu-p4d-24xlarge-mig-3g-20gb-set-1"}


def test_an_environment_may_offer_a_type_whole_and_in_shares() -> None:
    found = plan(chat("A"), chat("B"), reader(), gpu_nodes={SLICED: 1, "g5.xlarge": 2})
    pools = {server.models[0].selector.model: server.pool for server in found.servers}
    assert pools["Reader"] == "gpu-g5-xlarge"
    assert pools["A"] == pools["B"] == "gpu-g5-2xlarge-time-sliced-2-set-1"


def told(*entries: dict[str, object], gpu_nodes: dict[str, int]) -> Report:
    return make_report(plan(*entries, gpu_nodes=gpu_nodes), "us-east-1")


def test_the_bar_of_a_sliced_gpu_shows_all_its_servers_within_what_is_usable() -> None:
    report = told(chat("A"), chat("B"), gpu_nodes={SLICED: 1})
    (pool,) = (pool for pool in report.pools if pool.share)
    (bar,) = pool.bars
    assert (bar.count, bar.devices, pool.gpus, pool.gpus_taken) == (1, 2, 2, 2)
    assert bar.servers == ("text-generation-a-mul-1", "text-generation-b-mul-1")
    assert bar.usable is not None
    assert bar.usable == GPUS["A10G"].usable
    assert bar.claimed is not None
    assert bar.claimed <= bar.usable
    assert bar.parts[PartName.FRAMEWORK] > 2 * CUDA_CONTEXT


def test_the_bar_of_a_mig_instance_is_as_large_as_the_instance_and_costs_follow_instances() -> None:
    report = told(chat("A"), chat("B"), gpu_nodes={MIG: 1})
    (pool,) = (pool for pool in report.pools if pool.share)
    assert [(bar.count, bar.usable, len(bar.servers)) for bar in pool.bars] == [
        (1, 19712 * 2**20, 1),
        (1, 19712 * 2**20, 1),
        (14, 19712 * 2**20, 0),
    ]
    assert pool.cost.usd_per_hour == 16 * pool.servers[0].cost.usd_per_hour


def test_the_plan_says_of_each_server_what_keeps_it_within_its_memory() -> None:
    entries = (chat("A"), chat("B"), chat("C", "tgi"), reader("fr", "de"))
    report = told(*entries, gpu_nodes={SLICED: 1, "g4dn.xlarge": 2})
    bounds = {
        (version.selector.model, version.bound.held, version.bound.by)
        for pool in report.pools
        for server in pool.servers
        for version in server.versions
        if version.bound
    }
    sliced = (
        "vLLM's arguments, not hardware: 1/2 of a GPU in time slices, and a fault of one of its processes ends its "
        "neighbours' too"
    )
    assert bounds == {
        ("A", Held.ENFORCED, sliced),
        ("B", Held.ENFORCED, sliced),
        ("C", Held.ENFORCED, "hardware: a whole GPU"),
        (
            "Reader",
            Held.TRUSTED,
            "2 versions share one server, and TorchServe limits none whose archive brings its own handler",
        ),
    }
    text, markdown, said = to_text(report), to_markdown(report), json.loads(to_json(report))
    for line in (
        "memory enforced: vLLM's arguments, not hardware",
        "memory trusted: 2 versions share one server",
    ):
        assert line in text
        assert line.removeprefix("memory ").replace(":", ",").split(" share")[0] in markdown.replace("\\", "")
    versions = [
        version for pool in said["pools"] for server in pool["servers"] for version in server["versions"]
    ]
    assert {version["gpu_memory_bound"]["held"] for version in versions} == {"enforced", "trusted"}
    assert {pool["share"] for pool in said["pools"]} == {None, "time-sliced-2"}


def test_our_handler_s_version_is_held_by_its_allocator_and_an_opaque_neighbour_by_nothing() -> None:
    said = reader("fr", "de")
    said["languages"]["de"]["versions"]["1"] = {
        **said["languages"]["de"]["versions"]["1"],
        "handler": {"name": "extractive_reader", "version": "1.0.0"},
    }
    report = told(said, gpu_nodes={"g4dn.xlarge": 1})
    bounds = {
        version.selector.language: version.bound
        for pool in report.pools
        for server in pool.servers
        for version in server.versions
        if version.bound
    }
    assert bounds["de"].held is Held.ENFORCED
    # (400 + 12) MiB and a quarter on top, of 14336.
    assert "PyTorch's allocator as our handler sets it, not hardware: 3.6% of the GPU" in bounds["de"].by
    assert bounds["fr"].held is Held.TRUSTED


def test_the_same_input_gives_the_same_plan() -> None:
    entries = (chat("A"), chat("B"), reader())
    first = plan(*entries, gpu_nodes={SLICED: 1, "g4dn.xlarge": 2})
    assert plan(*entries, gpu_nodes={"g4dn.xlarge": 2, SLICED: 1}) == first
    assert make_plan.__module__ == "planning.plan"
