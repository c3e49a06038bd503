"""A release: which versions an environment runs, which one answers by default, and what people decided meanwhile."""

from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, RootModel, model_validator
from pydantic_core import PydanticCustomError

from model_catalog.base import CatalogModel, Decision
from model_catalog.ids import Day, TeamName, VersionId, Words
from model_catalog.selector import Selector
from quantities import Number, Percent

BUDGET_KEY: Final = "budget"
"""In a release's file, beside the variants."""


class Environment(StrEnum):
    """Where releases go; a Pulumi stack names one of them."""

    DEV = "dev"
    PROD = "prod"
    SANDBOX = "sandbox"

    @property
    def requires_digests(self) -> bool:
        """Whether everything that runs must be pinned by digest."""
        return self is Environment.PROD

    @property
    def is_commercial(self) -> bool:
        """Whether what runs there earns money, so that a licence without commercial use forbids it."""
        return self is Environment.PROD


def _names_a_variant(selector: Selector) -> Selector:
    if selector.language is None or selector.version is not None:
        raise ValueError(
            f"{selector} is not a variant; write Task/Model/lang, as in QuestionAnswering/Reader/fr"
        )
    return selector


Variant = Annotated[Selector, AfterValidator(_names_a_variant)]


class Hold(Decision):
    """The variant stays as it is: no command changes its default or its canaries until the date has passed."""


class Pin(Decision):
    """The variant's servers stay on one kind of node, whatever a plan would rather choose."""

    instance_type: Words
    """As EC2 names it: g5.xlarge."""


class Override(Decision):
    """Serving options of this environment alone. Only such as change no answer: workers, batch, timeouts, queues."""

    serving: dict[str, str | int | float | bool] = Field(min_length=1)
    """By option, as a version says them."""
    versions: tuple[VersionId, ...] = ()
    """Left out: all that run."""


class Retirement(CatalogModel):
    """The last day on which something is served. It goes by a person's command, never by the date itself."""

    after: Day
    """Callers have until this day."""
    reason: Words
    by: TeamName
    """The role that decided."""


class Budget(CatalogModel):
    """What the environment's nodes may cost. `slipway validate` fails where the plan costs more; `up` does not ask."""

    usd_per_month: Annotated[Number, Field(gt=0)]
    """US dollars for 730 hours of all nodes, on demand."""
    reason: Words
    """Where the amount comes from."""
    by: TeamName
    """The role that decided."""


class VariantRelease(CatalogModel):
    """The running versions of one variant."""

    default: VersionId
    """The version that answers where a caller names none."""
    versions: tuple[VersionId, ...] = ()
    """All that run, besides canaries; left out, the default alone."""
    canary: dict[VersionId, Percent] = Field(default_factory=dict)
    """Share of the unversioned requests that each canary answers, as in {"3": 10%}; the default takes the rest."""
    rollback: VersionId | None = None
    """The version that `slipway rollback` goes back to."""
    hold: Hold | None = None
    pin: Pin | None = None
    overrides: tuple[Override, ...] = ()
    retire: Retirement | None = None
    """The whole variant goes."""
    retire_versions: dict[VersionId, Retirement] = Field(default_factory=dict)
    """Single versions go."""

    @property
    def running(self) -> tuple[str, ...]:
        """All running versions, sorted."""
        return tuple(sorted({self.default, *self.versions, *self.canary}))

    @property
    def decisions(self) -> tuple[tuple[tuple[str | int, ...], Decision], ...]:
        """Everything that holds until a date, with its place within the release."""
        single = ((("hold",), self.hold), (("pin",), self.pin))
        return (
            *((place, decision) for place, decision in single if decision is not None),
            *((("overrides", index), override) for index, override in enumerate(self.overrides)),
        )

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
                "has default '{default}' which is not among its versions; add it to versions, or name one of them",
                {"default": self.default},
            )
        return self


class Release(RootModel[dict[Variant, VariantRelease]]):
    """One environment's releases by variant. Its file may have BUDGET_KEY besides, which is the catalog's."""

    model_config = {"frozen": True}
