"""A release: which versions an environment runs and which one answers by default."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, RootModel, model_validator
from pydantic_core import PydanticCustomError

from model_catalog.entry import CatalogModel, VersionId
from model_catalog.selector import Selector


class Environment(StrEnum):
    """Where releases go; a Pulumi stack names one of them."""

    DEV = "dev"
    PROD = "prod"
    SANDBOX = "sandbox"

    @property
    def requires_digests(self) -> bool:
        """Whether everything that runs must be pinned by digest."""
        return self is Environment.PROD


def _names_a_variant(selector: Selector) -> Selector:
    if selector.language is None or selector.version is not None:
        raise ValueError(
            f"{selector} is not a variant; write Task/Model/lang, as in QuestionAnswering/Reader/fr"
        )
    return selector


Variant = Annotated[Selector, AfterValidator(_names_a_variant)]


class VariantRelease(CatalogModel):
    """The running versions of one variant. `versions` left out means the default alone."""

    default: VersionId
    versions: tuple[VersionId, ...] = ()

    @property
    def running(self) -> tuple[str, ...]:
        """All running versions, sorted."""
        return tuple(sorted({self.default, *self.versions}))

    @model_validator(mode="before")
    @classmethod
    def _one_default(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        default = value.get("default")
        if isinstance(default, list | tuple):
            raise PydanticCustomError(
                "one-default", "names {count} default versions; keep one of them", {"count": len(default)}
            )
        if default is None:
            raise PydanticCustomError(
                "one-default", "names no default version; add one, as in default: '1.0'"
            )
        return value

    @model_validator(mode="after")
    def _default_runs(self) -> Self:
        if self.versions and self.default not in self.versions:
            raise PydanticCustomError(
                "one-default",
                "has default '{default}' which is not among its versions; add it to versions",
                {"default": self.default},
            )
        return self


class Release(RootModel[dict[Variant, VariantRelease]]):
    """One environment's releases by variant."""

    model_config = {"frozen": True}
