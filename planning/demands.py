"""What an environment's versions ask of the hardware, in the placement's words.

All running versions of a TorchServe variant are one demand, since one process serves them; each version of a language
model is a server, and so a demand, of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from types import MappingProxyType
from typing import Final

from hardware import instance_type
from model_catalog import (
    Device,
    Entry,
    Release,
    RunningVersion,
    Selector,
    TgiVersion,
    TorchServeEntry,
    TorchServeVersion,
    VllmVersion,
)
from planning.capacity import ChangeKind, Fit, GpuMemory, estimate, fits, weight_files
from planning.capacity.errors import PlanningError
from planning.capacity.gpu_memory import larger_gpus
from planning.capacity.gpu_shares import TimeSlices
from planning.capacity.granted_memory import as_granted, device_memory, part_of_device
from planning.capacity.placement import Demand, Offer, SharedDemand, WholeDemand, known_offers
from planning.capacity.placement.words import size
from planning.capacity.resources import llm_resources, torchserve_share
from planning.text_generation_servers import compute_capability, text_generation_name
from quantities import Bytes

_ANY_GPU: Final = GpuMemory(name="any GPU", usable=Bytes(1), compute_capability=(0, 0))
"""What a TorchServe worker takes does not depend on the card (planning/capacity/memory/torchserve.py)."""


def make_demands(
    running: Sequence[RunningVersion], release: Release, offers: Sequence[Offer]
) -> tuple[Demand, ...]:
    """A demand for each variant of TorchServe and each version of a language model, sorted by selector.

    Raises PlanningError where a language model fits no offered GPU, with what would make it fit.
    """
    demands: list[Demand] = []
    for variant, group in groupby(running, key=lambda version: version.selector.variant):
        versions = tuple(group)
        pinned = _pin(release, variant)
        if isinstance(versions[0].entry, TorchServeEntry):
            demands.append(_shared(versions[0].entry, variant, versions, pinned))
        else:
            demands.extend(_whole(version, pinned, offers) for version in versions)
    return tuple(sorted(demands, key=lambda demand: demand.selector))


def demand_names(running: Sequence[RunningVersion]) -> frozenset[str]:
    """The selectors that a lock of these versions has lines for."""
    return frozenset(
        str(version.selector.variant if isinstance(version.entry, TorchServeEntry) else version.selector)
        for version in running
    )


def _pin(release: Release, variant: Selector) -> str | None:
    pin = release.root[variant].pin
    return pin.instance_type if pin else None


def _shared(
    entry: TorchServeEntry, variant: Selector, running: Sequence[RunningVersion], pinned: str | None
) -> SharedDemand:
    versions = [one.version for one in running if isinstance(one.version, TorchServeVersion)]
    share = torchserve_share(versions)
    on_gpu = entry.device is Device.GPU
    gpu_memory = sum(estimate(version, _ANY_GPU).total for version in versions) if on_gpu else 0
    sharing = entry.sharing
    return SharedDemand(
        selector=str(variant),
        owner=entry.owner,
        device=entry.device,
        gpu_memory=Bytes(gpu_memory),
        millicores=share.millicores,
        memory=share.memory,
        replicas=entry.least_replicas,
        keep_apart_from=frozenset(sharing.keep_apart_from) if sharing else frozenset(),
        instance_type=pinned,
        max_models=sharing.max_models if sharing else None,
        most_replicas=_most_replicas(entry),
    )


def _whole(running: RunningVersion, pinned: str | None, offers: Sequence[Offer]) -> WholeDemand:
    version = running.version
    assert not isinstance(version, TorchServeVersion)  # noqa: S101 - its entry is an LLM's
    resources = llm_resources(version)
    needs = _gpu_needs(running, version, resources.gpus, offers)
    return WholeDemand(
        selector=str(running.selector),
        owner=running.entry.owner,
        gpus=resources.gpus,
        gpu_memory=Bytes(min(needs.values(), default=0)),
        gpu_memory_by_type=needs,
        millicores=resources.millicores,
        memory=resources.memory.whole_mebibytes,
        replicas=running.entry.least_replicas,
        compute_capability=compute_capability(version),
        instance_type=pinned,
        most_replicas=_most_replicas(running.entry),
        memory_source=_files(version),
        bounded=isinstance(version, VllmVersion),
    )


def _files(version: TgiVersion | VllmVersion) -> str:
    files = weight_files(version)
    return f"{size(files.memory)} of files: {files.source}"


def _most_replicas(entry: Entry) -> int | None:
    return entry.autoscaling.max_replicas if entry.autoscaling else None


def _gpu_needs(
    running: RunningVersion, version: TgiVersion | VllmVersion, gpus: int, offers: Sequence[Offer]
) -> Mapping[str, Bytes]:
    """Offer → what each GPU must have, for offers with enough GPUs that are new enough; where there are none, for all
    types that could be offered, since the placement will suggest some.

    Raises PlanningError where there are such offers and the model fits none.
    """
    tried = _tried(version, gpus, offers)
    if tried and not any(fit.fits for _, fit in tried):
        nearest = max((found for found, _ in tried), key=lambda found: (found.gpu_memory, found.name))
        said = _what_would_fit(version, gpus, nearest)
        raise PlanningError(f"server {text_generation_name(running)} does not fit its GPU: {said}")
    return MappingProxyType(
        {
            # One byte more than there is keeps it away where engines refuse for another reason than the sum.
            found.name: fit.estimate.total if fit.fits else Bytes(found.gpu_memory + 1)
            for found, fit in tried or _tried(version, gpus, known_offers())
        }
    )


def _tried(
    version: TgiVersion | VllmVersion, gpus: int, offers: Sequence[Offer]
) -> tuple[tuple[Offer, Fit], ...]:
    """Offers with enough GPUs that are new enough, and how the model fits each."""
    capable = [
        found
        for found in offers
        if found.gpus >= gpus
        and found.compute_capability >= compute_capability(version)
        # TGI may have no slice, however small it is: the placement says why, and less memory would be no way out.
        and (isinstance(version, VllmVersion) or not isinstance(found.share, TimeSlices))
    ]
    return tuple((found, _fit(version, memory, gpus, found)) for found, memory in _with_memory(capable))


def _what_would_fit(version: TgiVersion | VllmVersion, gpus: int, nearest: Offer) -> str:
    """What is missing on the nearest offer, and what to change. No server spreads over shares of GPUs."""
    kind = instance_type(nearest.instance_type)
    whole = device_memory(kind, None)
    memory = device_memory(kind, nearest.share)
    assert whole is not None  # noqa: S101 - an offer is made of memory that somebody read
    assert memory is not None  # noqa: S101 - likewise
    if nearest.share is None:
        return str(fits(version, memory, gpus, alternatives=larger_gpus(memory, gpus)))
    # What a share is told would stand in the way of smaller models; it decides where the rest would fit.
    fit = fits(version, memory, gpus, share=part_of_device(nearest.share))
    if fit.fits:
        fit = _fit(version, memory, gpus, nearest)
    one_gpu = tuple(change for change in fit.changes if change.kind is not ChangeKind.PARALLEL)
    undivided = f"; {kind.name} undivided holds it" if fits(version, whole, gpus).fits else ""
    return f"{replace(fit, changes=one_gpu)}{undivided}"


def _fit(version: TgiVersion | VllmVersion, memory: GpuMemory, gpus: int, found: Offer) -> Fit:
    told = as_granted(version, instance_type(found.instance_type), found.share)
    return fits(told, memory, gpus, share=part_of_device(found.share))


def _with_memory(offers: Sequence[Offer]) -> Iterator[tuple[Offer, GpuMemory]]:
    for found in offers:
        memory = device_memory(instance_type(found.instance_type), found.share)
        if memory is not None:
            yield found, memory
