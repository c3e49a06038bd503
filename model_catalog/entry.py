"""An entry: one model of one task, as entries/<task>/<model>.yaml says it. Its `engine` decides which keys it has."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, RootModel, model_validator

from engines import torchserve
from model_catalog.base import CatalogModel, Decision
from model_catalog.ids import (
    LanguageId,
    MetricName,
    ModelId,
    RuleId,
    ScriptId,
    ServedName,
    Tag,
    TaskId,
    TeamName,
    VersionId,
    Words,
)
from model_catalog.selector import Selector
from model_catalog.version import Dataset, TgiVersion, TorchServeVersion, V, VersionBase, VllmVersion
from preprocessing import Step
from quantities import Count, Duration, Number, Percent


class Engine(StrEnum):
    """The inference servers that this catalog can name."""

    TGI = "tgi"
    TORCHSERVE = "torchserve"
    VLLM = "vllm"


class Device(StrEnum):
    """Where an entry's workers run."""

    CPU = "cpu"
    GPU = "gpu"


class LanguageFrom(StrEnum):
    """Who says which language a request is in."""

    CALLER = "caller"
    TEXT = "text"


class ServiceLevel(CatalogModel):
    """What users of the model are promised, over 30 days."""

    availability: Percent
    """Requests that are answered without an error of ours, as in 99.5%."""
    latency_p95: Duration | None = None
    """Time within which 95 of 100 requests are answered, as in 300ms."""
    latency_p99: Duration | None = None
    time_to_first_token_p95: Duration | None = None
    """Of engines that stream."""


class Autoscaling(CatalogModel):
    """Between how many servers, and by what."""

    min_replicas: Count
    max_replicas: Count
    target_queue_time: Duration | None = None
    """Servers are added while requests wait longer than this for a worker."""
    target_concurrency: Count | None = None
    """Requests that one server shall have at once."""
    scale_down_delay: Duration = timedelta(minutes=5)
    """How long it must have been calm before a server goes."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.max_replicas < self.min_replicas:
            raise ValueError(
                f"max_replicas {self.max_replicas} is below min_replicas {self.min_replicas}; raise it"
            )
        if (self.target_queue_time is None) is (self.target_concurrency is None):
            raise ValueError("names not exactly one target; give target_queue_time or target_concurrency")
        return self


class DriftFeature(StrEnum):
    """What of the requests and answers is compared with the baseline."""

    CONFIDENCE = "confidence"
    INPUT_LENGTH = "input_length"
    LANGUAGE = "language"
    SCRIPT = "script"


class Drift(CatalogModel):
    """When what comes in, or what is answered, no longer looks like what the model was made for."""

    features: tuple[DriftFeature, ...] = Field(min_length=1)
    baseline: Dataset | None = None
    """Left out, the first window after a version became default."""
    window: Duration = timedelta(hours=24)
    """Over which requests are gathered."""
    minimum_requests: Count = 500
    """Below so many in a window, nothing is said."""
    significance: Annotated[Number, Field(gt=0, lt=1)] = 0.01
    """Of the test: how often it may cry wolf."""


class Quality(CatalogModel):
    """How much worse than the version it replaces a new default may be."""

    metric: MetricName
    """One of the versions' evaluations, as in f1."""
    better: Literal["higher", "lower"] = "higher"
    tolerance: Annotated[Number, Field(ge=0)]
    """In the metric's own unit."""


class Acceptance(Decision):
    """A warning that somebody decided to live with."""

    rule: RuleId
    """The warning's rule, as the report names it."""


def _not_empty(scripts: tuple[str, ...]) -> tuple[str, ...]:
    if not scripts:
        raise ValueError("names no script; write the ISO 15924 codes it is written in, as in [Latn]")
    return scripts


class Language(CatalogModel, Generic[V]):
    """One variant: the model in one language."""

    scripts: Annotated[tuple[ScriptId, ...], AfterValidator(_not_empty)]
    """ISO 15924 codes that its text is written in, as in [Latn]."""
    versions: dict[VersionId, V] = Field(min_length=1)
    """By the name that releases use, in quotes: "2"."""


class TorchServeLanguage(Language[TorchServeVersion]):
    """One variant: the model in one language."""

    served_name: ServedName | None = None
    """The name that its callers use, as in /predictions/mnist. Left out, language and model make it: fr_reader."""


L = TypeVar("L", bound=Language[Any])


class EntryBase(CatalogModel, Generic[V, L]):
    """What every entry says, whichever engine serves it."""

    VERSION: ClassVar[type[VersionBase]]

    task: TaskId
    """What the model does, as in QuestionAnswering; the file's folder in snake case."""
    model: ModelId
    """The model's name, as in Reader; the file's name in snake case."""
    description: Words
    """What it does and for whom, in a sentence."""
    owner: TeamName
    """The team that answers for it."""
    on_call: Words | None = None
    """The channel where somebody answers at night, as in '#nlp-oncall'."""
    tags: tuple[Tag, ...] = ()
    preprocessing: tuple[Step, ...] = ()
    """Steps before inference, in order."""
    language_from: LanguageFrom | None = None
    """Who says which language a request is in: the caller, or the text itself by a detecting step."""
    slo: ServiceLevel | None = None
    replicas: Count | None = None
    """Servers that run at once, each with GPUs of its own where the device is gpu. Left out: 1."""
    autoscaling: Autoscaling | None = None
    """Instead of replicas."""
    drift: Drift | None = None
    quality: Quality | None = None
    accepts: tuple[Acceptance, ...] = ()
    """Warnings that somebody decided to live with."""
    languages: dict[LanguageId, L] = Field(min_length=1)
    """By BCP 47 tag; `mul` for a model that takes many."""

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.replicas is not None and self.autoscaling is not None:
            raise ValueError("replicas and autoscaling are both given; keep one of them")
        return self

    @property
    def least_replicas(self) -> int:
        """Servers that run at any time."""
        return self.autoscaling.min_replicas if self.autoscaling else self.replicas or 1

    @property
    def selector(self) -> Selector:
        """Task/Model."""
        return Selector(task=self.task, model=self.model)

    @property
    def path(self) -> str:
        """Where the entry's file must lie, relative to the catalog: entries/<task>/<model>.yaml."""
        return entry_path(self.selector)

    def version(self, language: str, version: str) -> V:
        """One version. Raises KeyError where it does not exist."""
        found: V = self.languages[language].versions[version]
        return found


class Sharing(CatalogModel):
    """With whom a server may be shared. Left out, with every model that fits beside it."""

    keep_apart_from: tuple[TeamName, ...] = ()
    """Owners whose models may not be in the same server, as in [payments]. It holds both ways."""
    max_models: Count | None = None
    """Model and language pairs in its server, itself included: 1 is a server of its own."""


class TorchServeEntry(EntryBase[TorchServeVersion, TorchServeLanguage]):
    """A model that TorchServe serves. Its languages share servers with other models as the placement decides."""

    VERSION = TorchServeVersion

    engine: Literal[Engine.TORCHSERVE]
    device: Device = Device.GPU
    sharing: Sharing | None = None

    def server_model_name(self, language: str) -> str:
        """The name the variant has in its server and in URLs. Raises KeyError for a language that does not exist."""
        return self.languages[language].served_name or torchserve.model_name(language, self.model)

    def archive(self, language: str, version: str) -> str:
        """File name of one version's archive. Raises KeyError for a version that does not exist."""
        named = self.version(language, version).archive
        return named or torchserve.archive_name(self.server_model_name(language), version)


def _gpu_alone(device: Device) -> Device:
    if device is not Device.GPU:
        raise ValueError(
            f"{str(device)!r} cannot be device of this engine; write gpu, or choose another engine"
        )
    return device


GpuAlone = Annotated[Device, AfterValidator(_gpu_alone)]


class TgiEntry(EntryBase[TgiVersion, Language[TgiVersion]]):
    """A model that TGI serves, one server for each version."""

    VERSION = TgiVersion

    engine: Literal[Engine.TGI]
    device: GpuAlone = Device.GPU


class VllmEntry(EntryBase[VllmVersion, Language[VllmVersion]]):
    """A model that vLLM serves, one server for each version."""

    VERSION = VllmVersion

    engine: Literal[Engine.VLLM]
    device: GpuAlone = Device.GPU


LlmEntry = TgiEntry | VllmEntry
Entry = TgiEntry | TorchServeEntry | VllmEntry


class EntryFile(RootModel[Annotated[Entry, Field(discriminator="engine")]]):
    """What a file below entries/ holds."""

    model_config = ConfigDict(frozen=True)


ENTRY_KINDS: dict[str, type[Entry]] = {
    Engine.TGI: TgiEntry,
    Engine.TORCHSERVE: TorchServeEntry,
    Engine.VLLM: VllmEntry,
}
"""Engine → kind of entry."""


def entry_path(selector: Selector) -> str:
    """entries/<task>/<model>.yaml in snake case."""
    return f"entries/{snake_case(selector.task)}/{snake_case(selector.model or '')}.yaml"


def snake_case(name: str) -> str:
    """QuestionAnswering → question_answering."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", words).lower()
