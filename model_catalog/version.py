"""A version: one immutable triple of weights, configuration and code. Its engine decides which keys it has."""

from typing import Annotated, ClassVar, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from engines import Precision, tgi, torchserve, vllm
from model_catalog.artifact import Artifact
from model_catalog.base import CatalogModel
from model_catalog.ids import (
    AdapterName,
    ArchiveName,
    BucketName,
    ContentType,
    Day,
    Digest,
    HandlerName,
    LicenseId,
    MetricName,
    ObjectPath,
    RequestBody,
    StopSequence,
    Tag,
    VersionId,
    Words,
)
from quantities import Bytes, Count, Flag, Number, ParameterCount

MERGED: Final = frozenset({"sampling", "serving"})
"""Keys that are inherited setting by setting; the others are inherited whole."""


class Handler(CatalogModel):
    """The code around the model, versioned apart from the weights."""

    name: HandlerName
    """The handler's folder."""
    version: VersionId
    """A patch of the code is a new version of it, and so of the model."""


class Smoke(CatalogModel):
    """A request that the version must answer with 200 before it takes traffic."""

    body: RequestBody
    """As it is sent; for application/json, JSON in text."""
    content_type: ContentType = "application/json"


class Measurement(CatalogModel):
    """Where and when a figure was measured."""

    machine: Words
    """As in g5.xlarge, TorchServe 0.12.0, batch 8."""
    date: Day


class Memory(CatalogModel):
    """What one copy of the model needs on its device."""

    weights: Bytes
    """The weights alone."""
    per_request: Bytes
    """On top, for each request of a batch."""
    measured: Measurement | None = None
    """Left out, the figures are somebody's estimate."""


class Dataset(CatalogModel):
    """What a model was tried on. Two evaluations compare only where name and digest are equal."""

    name: Tag
    digest: Digest
    """sha256 of the dataset's file, or `unresolved`."""


class Evaluation(CatalogModel):
    """Results on one dataset."""

    dataset: Dataset
    metrics: dict[MetricName, Number] = Field(min_length=1)
    """By metric, as in f1: 81.5."""
    source: Words | None = None
    """Who found them: a page, or a run."""


class Architecture(CatalogModel):
    """What the model is made of; the memory it needs follows from it."""

    parameters: ParameterCount
    """All of them, experts too."""
    active_parameters: ParameterCount | None = None
    """Those that one token passes, of a mixture of experts."""
    layers: Count
    attention_heads: Count
    kv_heads: Count
    """Fewer than attention heads where heads share keys and values."""
    head_size: Count
    hidden_size: Count
    vocabulary: Count | None = None
    """Entries of the embedding."""
    tied_embeddings: Flag | None = None
    """Whether the output head is the embedding, held once."""
    experts: Count | None = None
    """Per layer, of a mixture of experts."""
    active_experts: Count | None = None
    """Those that one token is sent to."""
    max_positions: Count | None = None
    """The longest sequence it was made for, in tokens."""
    source: Words
    """The page or file that the figures were read from."""

    @model_validator(mode="after")
    def _heads(self) -> Self:
        if self.attention_heads % self.kv_heads:
            raise ValueError(
                f"kv_heads {self.kv_heads} does not divide attention_heads {self.attention_heads}; "
                "correct one of them by the model's configuration"
            )
        return self

    @model_validator(mode="after")
    def _experts(self) -> Self:
        if (self.experts is None) is not (self.active_experts is None):
            raise ValueError("experts and active_experts belong together; give both or none of them")
        if self.experts and self.active_experts and self.active_experts > self.experts:
            raise ValueError(
                f"active_experts {self.active_experts} is more than the {self.experts} experts; lower it"
            )
        if self.active_parameters and self.active_parameters > self.parameters:
            raise ValueError("active_parameters is more than parameters; lower it")
        return self


class Sampling(CatalogModel):
    """What a request gets that does not say otherwise."""

    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = None
    top_k: Count | None = None
    repetition_penalty: Annotated[Number, Field(gt=0, le=2)] | None = None
    max_new_tokens: Count | None = None
    stop: tuple[StopSequence, ...] = ()
    """Texts that end an answer, as they are: spaces and line ends count."""


def _one_prompt(template: str) -> str:
    if template.count("{prompt}") != 1:
        raise ValueError("prompt_template does not hold {prompt} exactly once; put it where the text goes")
    return template


PromptTemplate = Annotated[str, Field(min_length=8, max_length=20_000), AfterValidator(_one_prompt)]


class ImportedFrom(CatalogModel):
    """What the file that a version was imported from says and no other key holds. `slipway export` gives it back;
    nothing else reads it."""

    format: Literal["remote-models", "torchserve"]
    default_version: Flag | None = None
    """TorchServe's defaultVersion. A version that is alone answers by default, whatever that says."""
    description: str | None = None
    """As it stood there, spaces at its ends included."""
    target_bucket: BucketName | None = None
    """Where the file had the artifact copied to; here each environment has a bucket of its own."""
    target_path: ObjectPath | None = None


class VersionBase(CatalogModel):
    """What every version says, whichever engine serves it."""

    OWN: ClassVar = frozenset({"artifact", "archive", "evaluations", "imported_from", "notes"})
    """Keys that belong to one version alone. All others may stand at the language or the entry, and are inherited."""

    artifact: Artifact
    license: LicenseId
    """Of the weights, as the Hub writes it: apache-2.0; or LicenseRef- and a name for terms of your own."""
    precision: Precision | None = None
    """What the model computes in. Left out, what its files say."""
    evaluations: tuple[Evaluation, ...] = ()
    notes: Words | None = None
    """What changed, for people."""
    imported_from: ImportedFrom | None = None
    """Written by `slipway import`."""

    @classmethod
    def inherited(cls) -> frozenset[str]:
        """The keys that may stand at the language or the entry instead."""
        return frozenset(cls.model_fields) - cls.OWN


class TorchServeVersion(VersionBase):
    """One version in an archive for TorchServe."""

    handler: Handler | None = None
    """Left out for an imported archive that holds its own handler."""
    archive: ArchiveName | None = None
    """File name of the .mar; left out, it is made of model name and version."""
    smoke: Smoke | None = None
    """What it is tried with before it takes traffic. Left out, started workers are enough."""
    architecture: Architecture | None = None
    memory: Memory
    serving: torchserve.ServingOptions = torchserve.ServingOptions()


class LlmVersion(VersionBase):
    """One version of a language model; the code is the engine's own."""

    architecture: Architecture | None = None
    memory: Memory | None = None
    """Left out where the architecture says enough."""
    adapters: dict[AdapterName, Artifact] = Field(default_factory=dict)
    """LoRA adapters by the name that requests choose them by."""
    prompt_template: PromptTemplate | None = None
    """How a bare prompt is wrapped. {prompt} stands for it."""
    sampling: Sampling = Sampling()

    @model_validator(mode="after")
    def _sized(self) -> Self:
        if self.memory is None and self.architecture is None:
            raise ValueError(
                "neither memory nor architecture is given; add one, so that its GPU can be chosen"
            )
        return self


class TgiVersion(LlmVersion):
    """One version as TGI serves it."""

    quantization: tgi.Quantization | None = None
    """Weights that were quantized before, and say so in their config, need none."""
    serving: tgi.ServingOptions = tgi.ServingOptions()


class VllmVersion(LlmVersion):
    """One version as vLLM serves it."""

    quantization: vllm.Quantization | None = None
    """Weights that were quantized before, and say so in their config, need none."""
    serving: vllm.ServingOptions = vllm.ServingOptions()


Version = TorchServeVersion | TgiVersion | VllmVersion
V = TypeVar("V", bound=VersionBase)
