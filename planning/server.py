"""What every planned server has, whichever engine it runs."""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from engines import ImageReference
from model_catalog import Device, Engine, Entry, Environment, Selector
from planning.capacity.resources import Resources

NAME_LIMIT: Final = 51
"""Characters of a server's name. An IAM role's has at most 64
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html), of which "-role-" and Pulumi's seven
random digits take 13."""
DRAIN: Final = timedelta(seconds=15)
"""The time until every node's routing has forgotten a pod that is to stop."""


@dataclass(frozen=True, kw_only=True)
class ModelPlan:
    """One version inside a server."""

    selector: Selector
    owner: str
    default: bool
    """Whether it answers where a caller names the variant and no version."""
    path: str
    """URL path that reaches this version."""
    variant_path: str
    """URL path that reaches the variant's default version, in the server of that version."""
    not_served: str
    """The reason why its server leaves it out although it is placed and paid for, with the fix. Empty where it is
    served."""


@dataclass(frozen=True, kw_only=True)
class ServerPlan:
    """One server. Its subclass says what its engine needs besides."""

    name: str
    """A DNS label of at most NAME_LIMIT characters; the names of the Service and ServiceAccount."""
    environment: Environment
    engine: Engine
    engine_version: str
    device: Device
    image: ImageReference
    replicas: int
    pool: str
    resources: Resources
    """Of one replica."""
    startup_budget: timedelta
    """How long after its start the server may still be loading."""
    inference_port: int
    metrics_port: int
    """May be the inference port."""
    artifact_prefixes: tuple[str, ...]
    """The keys of all that the server reads from the bucket begin with one of them, and nothing else does. Sorted."""
    models: tuple[ModelPlan, ...]
    """Sorted by selector."""

    @property
    def running_replicas(self) -> int:
        """The replicas that the server's Deployment asks for."""
        return self.replicas

    @property
    def owners(self) -> tuple[str, ...]:
        """Teams that answer for its models, sorted."""
        return tuple(sorted({model.owner for model in self.models}))

    @property
    def entries(self) -> tuple[Selector, ...]:
        """Task/Model of each entry that has a version here, sorted."""
        found = {Selector(task=model.selector.task, model=model.selector.model) for model in self.models}
        return tuple(sorted(found, key=lambda entry: entry.sort_key))

    @property
    def ports(self) -> dict[str, int]:
        """Name → number of each port that is open beyond the pod; `metrics` only where it has one of its own."""
        metrics = {} if self.metrics_port == self.inference_port else {"metrics": self.metrics_port}
        return {"inference": self.inference_port, **metrics}

    @property
    def metrics_port_name(self) -> str:
        """The port to scrape, by its name in the pod."""
        return next(name for name, number in self.ports.items() if number == self.metrics_port)

    @property
    def paths(self) -> dict[str, str]:
        """Selector → URL path: each version, and each variant whose default version runs here."""
        versions = {str(model.selector): model.path for model in self.models}
        variants = {str(model.selector.variant): model.variant_path for model in self.models if model.default}
        return dict(sorted({**versions, **variants}.items()))


def server_name(entry: Entry, *parts: str) -> str:
    """A DNS label: QuestionAnswering/Reader → question-answering-reader, with `parts` behind it.

    What is too long is cut, and ends in a hash of the whole.
    """
    path = entry.path.removeprefix("entries/").removesuffix(".yaml")
    return limited_name(re.sub(r"[^a-z0-9]+", "-", "-".join((path, *parts)).lower()).strip("-"))


def limited_name(name: str) -> str:
    """A DNS label within NAME_LIMIT: what is too long is cut, and ends in a hash of the whole."""
    if len(name) <= NAME_LIMIT:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: NAME_LIMIT - len(digest) - 1].rstrip('-')}-{digest}"
