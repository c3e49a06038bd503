"""Whether one more pod would find room in a pool, as far as a plan can tell."""

from planning.pools import PoolPlan


def has_spare_room(pool: PoolPlan, *, gpus: int, taken: int) -> bool:
    """Whether some node has `gpus` GPUs free; for a pod without GPUs, whether a node is free.

    `taken` is what the pool's servers ask for: GPUs, or nodes. Nodes that a pool may have, and nobody adds, are no
    room. Where free GPUs may be scattered over nodes there is room only if no way of scattering them is without it.
    """
    each = pool.gpus_per_node if gpus else 1
    wanted = gpus or 1
    if pool.autoscaled and pool.max_nodes > pool.desired_nodes and wanted <= each:
        return True
    free = pool.desired_nodes * each - taken
    return free > pool.desired_nodes * (wanted - 1)
