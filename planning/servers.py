"""Which servers an environment runs, and what each of them serves.

First cut: one TorchServe server per entry, holding all its released languages and versions, with a GPU of its
own where the entry's device is gpu.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Final

from engines import ImageReference
from engines.torchserve import FETCH_IMAGE, IMAGES, VERSION, ServingOptions, prediction_path
from model_catalog import Catalog, Device, Entry, Environment, RunningVersion, Selector
from planning.resources import Resources, server_resources

FRONTEND_STARTUP: Final = timedelta(seconds=60)
"""Until TorchServe answers at all: 3 s measured on 2 idle cores; a busy node takes more."""


@dataclass(frozen=True, kw_only=True)
class ModelPlan:
    """One version inside a server."""

    selector: Selector
    name: str
    """As TorchServe calls the variant; versions of one variant share it."""
    version: str
    default: bool
    archive: str
    """File name in the server's model store."""
    archive_key: str
    """Object key in the environment's bucket."""
    path: str
    """URL path that reaches this version."""
    options: ServingOptions


@dataclass(frozen=True, kw_only=True)
class ServerPlan:
    """One TorchServe server."""

    name: str
    """A DNS label; the names of the Service and ServiceAccount."""
    environment: Environment
    task: str
    model: str
    owner: str
    engine: str
    engine_version: str
    device: Device
    image: ImageReference
    fetch_image: ImageReference
    replicas: int
    pool: str
    resources: Resources
    """Of one replica."""
    startup_budget: timedelta
    """How long after its start the server may still be loading."""
    archive_prefix: str
    """Every archive's key begins with it, and nothing else of the bucket does."""
    models: tuple[ModelPlan, ...]
    """Sorted by selector."""

    @property
    def default_models(self) -> tuple[ModelPlan, ...]:
        """The version of each variant that answers when a caller names none."""
        return tuple(model for model in self.models if model.default)

    @property
    def paths(self) -> dict[str, str]:
        """Selector → URL path: each version, and each variant without one."""
        versions = {str(model.selector): model.path for model in self.models}
        variants = {str(m.selector.variant): prediction_path(m.name) for m in self.default_models}
        return dict(sorted({**versions, **variants}.items()))


def plan_servers(
    catalog: Catalog, environment: Environment, pools: dict[Device, str]
) -> tuple[ServerPlan, ...]:
    """The environment's servers, sorted by name. `pools` says which pool takes which device."""
    running = catalog.running(environment)
    return tuple(
        sorted(
            (
                _plan_server(versions[0].entry, environment, versions, pools)
                for versions in _by_entry(running)
            ),
            key=lambda server: server.name,
        )
    )


def _by_entry(running: Iterable[RunningVersion]) -> Iterable[tuple[RunningVersion, ...]]:
    for _, group in groupby(running, key=lambda version: (version.selector.task, version.selector.model)):
        yield tuple(group)


def _plan_server(
    entry: Entry, environment: Environment, versions: tuple[RunningVersion, ...], pools: dict[Device, str]
) -> ServerPlan:
    prefix = f"archives/{environment}/{entry.task}/{entry.model}/"
    return ServerPlan(
        name=_server_name(entry),
        environment=environment,
        task=entry.task,
        model=entry.model,
        owner=entry.owner,
        engine=entry.engine,
        engine_version=VERSION,
        device=entry.device,
        image=IMAGES[entry.device],
        fetch_image=FETCH_IMAGE,
        replicas=entry.replicas,
        pool=pools[entry.device],
        resources=server_resources(versions, gpus=1 if entry.device is Device.GPU else 0),
        # TorchServe gives up on a worker after its startup_timeout: nobody need wait longer than all of them.
        startup_budget=sum((v.version.serving.startup_timeout for v in versions), FRONTEND_STARTUP),
        archive_prefix=prefix,
        models=tuple(_plan_model(version, prefix) for version in versions),
    )


def _plan_model(running: RunningVersion, prefix: str) -> ModelPlan:
    name = running.entry.server_model_name(running.language)
    archive = running.entry.archive(running.language, running.version_id)
    return ModelPlan(
        selector=running.selector,
        name=name,
        version=running.version_id,
        default=running.default,
        archive=archive,
        archive_key=f"{prefix}{archive}",
        path=prediction_path(name, running.version_id),
        options=running.version.serving,
    )


def _server_name(entry: Entry) -> str:
    """QuestionAnswering/Reader → question-answering-reader."""
    task, model = entry.path.removeprefix("entries/").removesuffix(".yaml").split("/")
    return f"{task}-{model}".replace("_", "-")
