"""What every part of the catalog shares."""

from pydantic import BaseModel, ConfigDict

from model_catalog.ids import Day, TeamName, Words


class CatalogModel(BaseModel):
    """Immutable, and an unknown key is an error. Docstrings of keys are their descriptions in the JSON Schema."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Decision(CatalogModel):
    """Something a person decided against the usual way: why, who, and until when.

    The date changes nothing by itself: after it, `slipway validate` fails until somebody decides anew.
    """

    reason: Words
    """Why, for whoever reads it at night."""
    by: TeamName
    """The role that decided, as in sre; not a person's name."""
    until: Day
    """The last day on which it holds."""
