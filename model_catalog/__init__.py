"""What is served: entries and releases in YAML, loaded into types that passed every rule."""

from model_catalog.catalog import Catalog, RunningVersion
from model_catalog.entry import (
    Artifact,
    Device,
    Engine,
    Entry,
    EntryFile,
    Handler,
    HubArtifact,
    Language,
    Memory,
    TgiEntry,
    TgiVersion,
    TorchServeEntry,
    TorchServeVersion,
    Version,
)
from model_catalog.loader import CATALOG_ROOT, load_catalog
from model_catalog.problem import CatalogError, Problem
from model_catalog.release import Environment, Release, VariantRelease
from model_catalog.rules import RULES, Rule
from model_catalog.selector import Selector

__all__ = [
    "Artifact",
    "CATALOG_ROOT",
    "Catalog",
    "CatalogError",
    "Device",
    "Engine",
    "Entry",
    "EntryFile",
    "Environment",
    "Handler",
    "HubArtifact",
    "Language",
    "Memory",
    "Problem",
    "RULES",
    "Release",
    "Rule",
    "RunningVersion",
    "Selector",
    "TgiEntry",
    "TgiVersion",
    "TorchServeEntry",
    "TorchServeVersion",
    "VariantRelease",
    "Version",
    "load_catalog",
]
