"""The base class of all steps' options."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class StepOptions(BaseModel):
    """Options of one step: immutable, and an unknown option is an error. The class docstring describes the step."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    step: ClassVar[str]
    """The step's name in the catalog."""
