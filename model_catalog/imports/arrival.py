"""What an imported file says of one version, in the catalog's words; and what a person says of what it lacks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model_catalog.imports.json_file import JsonFile
from model_catalog.selector import Selector
from model_catalog.yaml_source import Location
from quantities import Bytes


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One version that comes into the catalog."""

    selector: Selector
    """With all four parts."""
    says: Mapping[str, Any]
    """Keys of the version, as its entry writes them."""
    default: bool
    """Whether it answers by default."""
    assumed: Mapping[str, str] = field(default_factory=dict)
    """Keys of `says` → what of their values the file does not say."""
    served_name: str | None = None
    """The name that its callers use, where language and model do not make it."""
    archive_size: Bytes | None = None
    """Of its archive, where that was at hand."""
    file: JsonFile
    location: Location
    """Where the file says it."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the formats lack. None: it is assumed, and said to be."""

    owner: str | None = None
    description: str | None = None
    license: str | None = None
    device: str | None = None
    weights: str | None = None
    per_request: str | None = None
    scripts: tuple[str, ...] | None = None
