"""An entry: one model of one task, as entries/<task>/<model>.yaml says it. Its `engine` decides which keys it has."""

import re
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, RootModel, StringConstraints

from engines import UNRESOLVED, tgi, torchserve
from model_catalog.selector import (
    LANGUAGE_PATTERN,
    MODEL_PATTERN,
    SCRIPT_PATTERN,
    TASK_PATTERN,
    VERSION_PATTERN,
    Selector,
)
from quantities import Bytes

TaskId = Annotated[str, StringConstraints(pattern=f"^{TASK_PATTERN}$")]
ModelId = Annotated[str, StringConstraints(pattern=f"^{MODEL_PATTERN}$")]
LanguageId = Annotated[str, StringConstraints(pattern=f"^{LANGUAGE_PATTERN}$")]
ScriptId = Annotated[str, StringConstraints(pattern=f"^{SCRIPT_PATTERN}$")]
VersionId = Annotated[str, StringConstraints(pattern=f"^{VERSION_PATTERN}$")]
_DIGEST_PATTERN = rf"^(sha256:[0-9a-f]{{64}}|{UNRESOLVED})$"
Digest = Annotated[str, StringConstraints(pattern=_DIGEST_PATTERN)]
_REVISION_PATTERN = rf"^([0-9a-f]{{40}}|{UNRESOLVED})$"
Revision = Annotated[str, StringConstraints(pattern=_REVISION_PATTERN)]
_REPOSITORY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$"
ArchiveName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.mar$")]
TeamName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]


PATTERN_HINTS: Final = MappingProxyType(
    {
        f"^{LANGUAGE_PATTERN}$": "Write a BCP 47 tag in its usual case, as in fr or zh-Hant",
        f"^{MODEL_PATTERN}$": "Start with a letter; letters, digits, dot, dash and underscore follow",
        f"^{SCRIPT_PATTERN}$": "Write an ISO 15924 code, as in Latn",
        f"^{TASK_PATTERN}$": "Write it as one word, as in QuestionAnswering",
        f"^{VERSION_PATTERN}$": "Use letters, digits, dot, dash and underscore, as in 1.0",
        _DIGEST_PATTERN: "Write sha256: and 64 hex digits as observed, or unresolved",
        _REPOSITORY_PATTERN: "Write owner/name as on the Hub",
        _REVISION_PATTERN: "Write the commit, 40 hex digits, as observed on the Hub, or unresolved",
    }
)
"""What to tell a person instead of the pattern."""


class Engine(StrEnum):
    """The inference servers that this catalog can name."""

    TGI = "tgi"
    TORCHSERVE = "torchserve"


class Device(StrEnum):
    """Where an entry's workers run."""

    CPU = "cpu"
    GPU = "gpu"


class CatalogModel(BaseModel):
    """What every part of the catalog shares: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Artifact(CatalogModel):
    """Files of a version, where research left them."""

    bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    path: Annotated[str, StringConstraints(pattern=r"^[^/\s][^\s]*$")]
    digest: Digest
    """sha256 of the files, or `unresolved` until somebody has computed it; prod refuses the latter."""

    @property
    def unresolved(self) -> tuple[str, ...]:
        """What of it nobody has observed yet, in words."""
        return ("its artifact's digest",) if self.digest == UNRESOLVED else ()


class HubArtifact(CatalogModel):
    """Weights that somebody published on the Hugging Face Hub. They are mirrored to the environment's bucket, and
    servers read them there: no server talks to the Hub."""

    repository: Annotated[str, StringConstraints(pattern=_REPOSITORY_PATTERN)]
    revision: Revision
    """The commit, never a branch, or `unresolved` until somebody has looked; prod refuses the latter."""
    digest: Digest
    """sha256 of the mirrored files, or `unresolved`."""

    @property
    def unresolved(self) -> tuple[str, ...]:
        """What of it nobody has observed yet, in words."""
        revision = ("its revision on the Hub",) if self.revision == UNRESOLVED else ()
        digest = ("its artifact's digest",) if self.digest == UNRESOLVED else ()
        return (*digest, *revision)


class Handler(CatalogModel):
    """The code around the model, versioned apart from the weights."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
    version: VersionId


class Memory(CatalogModel):
    """What one copy of the model needs on its device."""

    weights: Bytes
    per_request: Bytes
    """On top, for each request of a batch."""


class TorchServeVersion(CatalogModel):
    """One immutable triple of weights, configuration and code, in an archive."""

    artifact: Artifact
    handler: Handler | None = None
    """Left out for an imported archive that holds its own handler."""
    archive: ArchiveName | None = None
    """File name of the .mar; left out, it is made of model name and version."""
    memory: Memory
    serving: torchserve.ServingOptions = torchserve.ServingOptions()


class TgiVersion(CatalogModel):
    """Immutable weights and how they are served; the code is TGI's own."""

    artifact: HubArtifact
    memory: Memory
    serving: tgi.ServingOptions = tgi.ServingOptions()


Version = TorchServeVersion | TgiVersion
V = TypeVar("V", bound=CatalogModel)


def _not_empty(scripts: tuple[str, ...]) -> tuple[str, ...]:
    if not scripts:
        raise ValueError("names no script; write the ISO 15924 codes it is written in, as in [Latn]")
    return scripts


class Language(CatalogModel, Generic[V]):
    """One variant: the model in one language."""

    scripts: Annotated[tuple[ScriptId, ...], AfterValidator(_not_empty)]
    versions: dict[VersionId, V] = Field(min_length=1)


class EntryBase(CatalogModel, Generic[V]):
    """What every entry says, whichever engine serves it."""

    task: TaskId
    model: ModelId
    owner: TeamName
    replicas: PositiveInt = 1
    """Servers that run at once, each with GPUs of its own where the device is gpu."""
    languages: dict[LanguageId, Language[V]] = Field(min_length=1)
    """By BCP 47 tag; `mul` for a model that takes many."""

    @property
    def selector(self) -> Selector:
        """Task/Model."""
        return Selector(task=self.task, model=self.model)

    @property
    def path(self) -> str:
        """Where the entry's file must lie, relative to the catalog: entries/<task>/<model>.yaml."""
        return f"entries/{snake_case(self.task)}/{snake_case(self.model)}.yaml"

    def version(self, language: str, version: str) -> V:
        """One version. Raises KeyError where it does not exist."""
        return self.languages[language].versions[version]


class TorchServeEntry(EntryBase[TorchServeVersion]):
    """A model that TorchServe serves, all its languages and versions in one server."""

    engine: Literal[Engine.TORCHSERVE]
    device: Device = Device.GPU

    def server_model_name(self, language: str) -> str:
        """The name the variant has in its server and in URLs."""
        return torchserve.model_name(language, self.model)

    def archive(self, language: str, version: str) -> str:
        """File name of one version's archive. Raises KeyError for a version that does not exist."""
        named = self.version(language, version).archive
        return named or torchserve.archive_name(self.server_model_name(language), version)


def _gpu_alone(device: Device) -> Device:
    if device is not Device.GPU:
        raise ValueError(
            f"{str(device)!r} cannot be device of a tgi entry; write gpu, or choose another engine"
        )
    return device


class TgiEntry(EntryBase[TgiVersion]):
    """A model that TGI serves, one server for each version."""

    engine: Literal[Engine.TGI]
    device: Annotated[Device, AfterValidator(_gpu_alone)] = Device.GPU


Entry = TorchServeEntry | TgiEntry


class EntryFile(RootModel[Annotated[Entry, Field(discriminator="engine")]]):
    """What a file below entries/ holds."""

    model_config = ConfigDict(frozen=True)


def snake_case(name: str) -> str:
    """QuestionAnswering → question_answering."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", words).lower()
