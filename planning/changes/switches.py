"""What a server holds while it switches versions: one that leaves stays loaded until another answers and its drain
grace is over. A plan counts only what its release runs, so old and new together may be more than there is.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from model_catalog import Selector, TorchServeVersion
from planning.capacity import estimate
from planning.capacity.granted_memory import device_memory, granted_memory, part_of_device
from planning.capacity.resources import torchserve_resources
from planning.pools import PoolPlan
from planning.servers import Server
from planning.torchserve_servers import TorchServePlan
from quantities import Bytes

_NAMED: Final = 3
"""Versions that the message names before it counts."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """What is needed of one kind of memory, and what there is."""

    needed: Bytes
    there: Bytes

    @property
    def missing(self) -> bool:
        """Whether it is more than there is."""
        return self.needed > self.there

    def __str__(self) -> str:
        return f"{_mebibytes(self.needed, up=True):,} MiB of {_mebibytes(self.there):,} MiB"


@dataclass(frozen=True, kw_only=True)
class Switch:
    """What one replica holds until its versions that leave are gone."""

    server: str
    leaving: tuple[Selector, ...]
    """Sorted."""
    coming: tuple[Selector, ...]
    """Those that get more workers too. Sorted."""
    gpu: Room | None
    """None without a GPU, and where nobody has read its memory."""
    host: Room
    """Of the pod's limit, with the headroom that the plan adds."""

    @property
    def too_much(self) -> bool:
        """Whether old and new do not fit together."""
        return self.host.missing or (self.gpu is not None and self.gpu.missing)

    def __str__(self) -> str:
        leaving, coming = _few(self.leaving), _few(self.coming)
        said = []
        if self.gpu is not None and self.gpu.missing:
            said.append(
                f"{self.gpu} of its GPU: what comes may fail to load, and what leaves may fail requests meanwhile"
            )
        if self.host.missing:
            said.append(f"{self.host} of its pod: it may be killed for memory, with all of its models")
        return (
            f"{self.server} holds {leaving} (leaving) beside {coming} (coming) until it has switched: "
            f"{'; '.join(said)}. Add {coming} in one change and retire {leaving} in the next: a plan counts what runs "
            "together"
        )


def switch(old: Server, new: Server, pool: PoolPlan) -> Switch | None:
    """Of a server whose pods stay. None where no version leaves or shrinks while another comes or grows."""
    if not (isinstance(old, TorchServePlan) and isinstance(new, TorchServePlan)):
        return None
    before, after = _loaded(old), _loaded(new)
    leaving = tuple(selector for selector in before if selector not in after)
    coming = tuple(
        selector for selector, version in after.items() if _workers(version) > _workers(before.get(selector))
    )
    if not leaving or not coming:
        return None
    return Switch(
        server=new.name,
        leaving=leaving,
        coming=coming,
        gpu=_on_gpu(before, after, new, pool),
        host=Room(needed=_most(before, after, _host_memory), there=new.resources.memory),
    )


_Loaded = Mapping[Selector, TorchServeVersion]


def _loaded(server: TorchServePlan) -> _Loaded:
    return {model.selector: model.triple for model in server.models if not model.not_served}


def _workers(version: TorchServeVersion | None) -> int:
    return 0 if version is None else version.serving.worker_limit


def _on_gpu(before: _Loaded, after: _Loaded, server: TorchServePlan, pool: PoolPlan) -> Room | None:
    device = device_memory(pool.instance_type, pool.share)
    there = granted_memory(pool.instance_type, pool.share)
    if device is None or there is None or not server.resources.gpus:
        return None
    part = part_of_device(pool.share)

    def needed(versions: Iterable[TorchServeVersion]) -> int:
        return sum(estimate(version, device, share=part).total for version in versions)

    return Room(needed=_most(before, after, needed), there=there)


def _host_memory(versions: Iterable[TorchServeVersion]) -> int:
    return torchserve_resources(versions, gpus=0).memory


def _most(before: _Loaded, after: _Loaded, need: Callable[[Iterable[TorchServeVersion]], int]) -> Bytes:
    """Of all that is loaded on either side; what is on both as the side says that needs more, since fewer workers
    and smaller batches wait for the next start."""
    both = {*before, *after}
    larger = [
        max((side[selector] for side in (before, after) if selector in side), key=lambda one: need((one,)))
        for selector in both
    ]
    return Bytes(need(larger))


def _few(selectors: tuple[Selector, ...]) -> str:
    rest = len(selectors) - _NAMED
    named = ", ".join(map(str, selectors[:_NAMED]))
    return f"{named} and {rest} more" if rest > 0 else named


def _mebibytes(memory: Bytes, *, up: bool = False) -> int:
    """Up, so that what is too much never looks as if it fitted."""
    mebibyte = int(Bytes.mebibytes(1))
    return -(-memory // mebibyte) if up else memory // mebibyte
