"""The part of a node that a TorchServe server requests: constant, so that a new model in it replaces no pod.

Pods of one pool may meet on any of its nodes. Where every server of the pool needs no more than an even part for each
of its devices, each TorchServe server gets that part, and whatever the scheduler puts together fits. Where one needs
more, all keep what they need, and grow with their models.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from hardware import instance_type
from planning.capacity.placement import NodeGroup, Placement
from planning.capacity.resources import Resources, node_resources
from planning.server import ServerPlan
from quantities import Bytes

ADD_ONS: Final = Resources(millicores=200, memory=Bytes.mebibytes(140), gpus=0)
"""Kept free on nodes without a taint, where cluster DNS may come to lie: both replicas of EKS's CoreDNS at 100m and
70Mi (https://github.com/coredns/deployment/blob/master/kubernetes/coredns.yaml.sed)."""


def even_parts(placement: Placement, servers: Iterable[ServerPlan]) -> Mapping[str, Resources]:
    """Pool → what a server with one device of its nodes, or with a CPU node, may request. Pools that someone in
    `servers`, which have their own needs yet, outgrows are left out."""
    parts = {group.name: _part(group) for group in placement.groups}
    outgrown = {
        server.pool for server in servers if not server.resources.fits(_of(server, parts[server.pool]))
    }
    return {pool: part for pool, part in sorted(parts.items()) if pool not in outgrown}


def _part(group: NodeGroup) -> Resources:
    kind = instance_type(group.instance_type)
    node = node_resources(kind)
    if kind.gpu is None:
        # Its servers have a CPU node each.
        return _whole(node - ADD_ONS, 1, gpus=0)
    return _whole(node, kind.gpu_count * (group.share.devices if group.share else 1), gpus=1)


def _whole(node: Resources, servers: int, *, gpus: int) -> Resources:
    """An even part in whole millicores and Mi, rounded down."""
    mebibyte = Bytes.mebibytes(1)
    return Resources(
        millicores=node.millicores // servers,
        memory=Bytes(node.memory // servers // mebibyte * mebibyte),
        gpus=gpus,
    )


def _of(server: ServerPlan, part: Resources) -> Resources:
    """A language model's server with several devices has as many parts."""
    devices = max(1, server.resources.gpus)
    return Resources(
        millicores=part.millicores * devices,
        memory=Bytes(part.memory * devices),
        gpus=part.gpus * devices,
    )
