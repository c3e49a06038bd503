"""What is on each GPU of a pool."""

from collections.abc import Iterator, Sequence

from model_catalog import Selector, Version
from planning.capacity.gpu_shares import TimeSlices
from planning.capacity.granted_memory import device_memory, granted_memory, part_of_device
from planning.capacity.memory import MemoryEstimate, estimate
from planning.pools import PoolPlan
from planning.report.content import GpuBar, Segment
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan
from planning.torchserve_servers import TorchServePlan
from quantities import Bytes

Estimates = Sequence[tuple[Selector, MemoryEstimate]]


def server_versions(server: Server) -> tuple[tuple[Selector, Version], ...]:
    """Each with its selector."""
    match server:
        case TextGenerationPlan():
            return tuple((model.selector, server.version) for model in server.models)
        case TorchServePlan():
            return tuple((model.selector, model.triple) for model in server.models)


def server_estimates(server: Server, pool: PoolPlan) -> tuple[tuple[Selector, MemoryEstimate], ...]:
    """Of each version; () on a CPU, and where the GPU's memory is unknown."""
    memory = device_memory(pool.instance_type, pool.share)
    if memory is None or not server.resources.gpus:
        return ()
    part = part_of_device(pool.share)
    return tuple(
        (selector, estimate(version, memory, share=part)) for selector, version in server_versions(server)
    )


def gpu_bars(servers: Sequence[Server], pool: PoolPlan) -> Iterator[GpuBar]:
    """One for each kind of device: a GPU, or a share of one.

    Time slices of one GPU are one bar where the node has no other: then it is known who is on it. Among several GPUs
    the device plugin chooses, and each slice is a bar as large as its part.
    """
    on_gpu = [server for server in servers if server.resources.gpus]
    if isinstance(pool.share, TimeSlices) and pool.instance_type.gpu_count == 1 and on_gpu:
        yield _sliced_gpu(on_gpu, pool)
        return
    usable = granted_memory(pool.instance_type, pool.share)
    share = str(pool.share or "")
    taken = 0
    for server in on_gpu:
        count = server.replicas * server.resources.gpus
        taken += count
        found = server_estimates(server, pool)
        yield GpuBar(
            count=count,
            usable=usable,
            segments=_segments(server, found),
            servers=(server.name,),
            claimed=_claimed(found),
            share=share,
        )
    gpus = pool.desired_nodes * pool.gpus_per_node
    if gpus > taken:
        yield GpuBar(count=gpus - taken, usable=usable, segments=(), servers=(), claimed=None, share=share)


def _sliced_gpu(servers: Sequence[Server], pool: PoolPlan) -> GpuBar:
    """All nodes of such a pool hold the same servers (docs/placement.md)."""
    memory = device_memory(pool.instance_type, None)
    found = {server.name: server_estimates(server, pool) for server in servers}
    return GpuBar(
        count=pool.desired_nodes,
        usable=memory.usable if memory else None,
        segments=tuple(segment for server in servers for segment in _segments(server, found[server.name])),
        servers=tuple(sorted(found)),
        claimed=_claimed([one for estimates in found.values() for one in estimates]),
        devices=pool.gpus_per_node,
        share=str(pool.share),
    )


def _segments(server: Server, found: Estimates) -> tuple[Segment, ...]:
    return tuple(
        Segment(server=server.name, selector=selector, part=part.name, memory=part.memory, source=part.source)
        for selector, need in found
        for part in need.parts
        if part.memory
    )


def _claimed(found: Estimates) -> Bytes | None:
    return Bytes(sum(need.claimed for _, need in found)) if found else None
