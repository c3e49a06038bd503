"""Names that become other names: of archives, of servers and models in them, of labels and files."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from model_catalog.artifact import BucketArtifact
from model_catalog.entry import Entry, TorchServeEntry
from model_catalog.problem import Problem
from model_catalog.rules.rule import Context, EntryVersion, Rule
from model_catalog.selector import Selector
from model_catalog.version import LlmVersion
from model_catalog.yaml_source import Location

LABEL_LIMIT: Final = 63
"""Characters of a label's value
(https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set)."""
FILE_LIMIT: Final = 255
"""Bytes of a file's name on Linux (limits.h, NAME_MAX)."""
KEY_LIMIT: Final = 1024
"""Bytes of an object's key (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html)."""


def _unique_server_name(context: Context) -> Iterator[Problem]:
    for environment in context.catalog.releases:
        named: dict[str, set[Selector]] = defaultdict(set)
        for running in context.running[environment]:
            # An LLM's server holds one version and has no names for models inside.
            if isinstance(running.entry, TorchServeEntry):
                named[running.entry.server_model_name(running.language)].add(running.selector.variant)
        for name, variants in sorted(named.items()):
            first, *others = sorted(variants, key=lambda variant: variant.sort_key)
            for other in others:
                yield context.in_release(
                    environment,
                    (str(other),),
                    rule="unique-server-name",
                    message=f"{other} and {first} are both served as {name!r} in {environment}",
                    fix="Give one model another name or served_name, or release it in another environment",
                    key=True,
                )


def _unique_archive(context: Context) -> Iterator[Problem]:
    for entry in context.catalog.entries:
        if not isinstance(entry, TorchServeEntry):
            continue
        seen: dict[str, Selector] = {}
        for language in sorted(entry.languages):
            for version in sorted(entry.languages[language].versions):
                selector = Selector(task=entry.task, model=entry.model, language=language, version=version)
                archive = entry.archive(language, version)
                if archive in seen:
                    yield context.in_entry(
                        entry,
                        ("languages", language, "versions", version),
                        rule="unique-archive",
                        message=f"{selector} and {seen[archive]} share the archive {archive}",
                        fix="Give one an archive name of its own with archive:",
                        key=True,
                    )
                seen.setdefault(archive, selector)


def server_label(entry: Entry, *parts: str) -> str:
    """What an LLM's server is named after: TextGeneration/Writer → text-generation-writer, with `parts` behind it.

    planning.server makes the name itself, cuts what is too long, and ends it in a hash of this.
    """
    path = entry.path.removeprefix("entries/").removesuffix(".yaml")
    return re.sub(r"[^a-z0-9]+", "-", "-".join((path, *parts)).lower()).strip("-")


def _unique_server(context: Context) -> Iterator[Problem]:
    for environment, versions in context.running.items():
        named: dict[str, Selector] = {}
        for running in versions:
            # TorchServe's servers are named after their place, an LLM's after the version that it holds.
            if isinstance(running.entry, TorchServeEntry):
                continue
            label = server_label(running.entry, running.language, running.version_id)
            first = named.setdefault(label, running.selector)
            if first != running.selector:
                yield context.in_release(
                    environment,
                    (str(running.selector.variant),),
                    rule="unique-server",
                    message=(
                        f"the servers of {running.selector} and {first} would both be named {label} in {environment}"
                    ),
                    fix="Give one a version or model name that differs in more than case and punctuation",
                    key=True,
                )


@dataclass(frozen=True, kw_only=True)
class _Name:
    """A name, and where it stands."""

    what: str
    text: str
    location: Location
    key: bool = False


def _names_fit(context: Context) -> Iterator[Problem]:
    for entry in context.catalog.entries:
        for name in _label_values(entry):
            if reason := _no_label(name.text):
                yield _unfit(context, entry, name, f"{reason}, and becomes the value of a Kubernetes label")
    for one in context.versions:
        for name in _file_names(one):
            if (length := len(name.text.encode())) > FILE_LIMIT:
                yield _unfit(
                    context,
                    one.entry,
                    name,
                    f"has {length} bytes, and a file's name has {FILE_LIMIT} at most",
                )
        artifact = one.version.artifact
        if isinstance(artifact, BucketArtifact) and (length := len(artifact.path.encode())) > KEY_LIMIT:
            name = _Name(what="path", text=artifact.path, location=(*one.location, "artifact", "path"))
            yield _unfit(
                context, one.entry, name, f"has {length} bytes, and a key of S3 has {KEY_LIMIT} at most"
            )


def _label_values(entry: Entry) -> Iterator[_Name]:
    yield _Name(what="task", text=entry.task, location=("task",))
    yield _Name(what="model", text=entry.model, location=("model",))
    yield _Name(what="owner", text=entry.owner, location=("owner",))
    for tag in sorted(entry.languages):
        language: Location = ("languages", tag)
        yield _Name(what="language", text=tag, location=language, key=True)
        for version in sorted(entry.languages[tag].versions):
            yield _Name(what="version", text=version, location=(*language, "versions", version), key=True)


def _no_label(text: str) -> str | None:
    """Why it is no label's value; its characters are those of a name of this catalog."""
    if len(text) > LABEL_LIMIT:
        return f"has {len(text)} characters, {len(text) - LABEL_LIMIT} too many"
    return None if text[-1].isalnum() else f"ends in {text[-1]!r}"


def _file_names(one: EntryVersion) -> Iterator[_Name]:
    if isinstance(one.entry, TorchServeEntry):
        archive = one.entry.archive(one.selector.language or "", one.selector.version or "")
        yield _Name(what="archive", text=archive, location=(*one.location, "archive"))
        artifact = one.version.artifact
        if isinstance(artifact, BucketArtifact) and artifact.path.endswith(".mar"):
            # Its agent fetches it under the name that it has in the research bucket.
            file = artifact.path.rpartition("/")[2]
            yield _Name(what="the file of path", text=file, location=(*one.location, "artifact", "path"))
    elif isinstance(one.version, LlmVersion):
        for name in sorted(one.version.adapters):
            place: Location = (*one.location, "adapters", name)
            yield _Name(what="adapter", text=name, location=place, key=True)


def _unfit(context: Context, entry: Entry, name: _Name, message: str) -> Problem:
    shown = name.text if len(name.text) <= LABEL_LIMIT + 1 else f"{name.text[:40]}…"
    return context.in_entry(
        entry,
        name.location,
        rule="names-fit",
        message=f"{name.what} {shown} {message}",
        fix="Shorten it" if "has" in message.split() else "End it in a letter or digit",
        key=name.key,
    )


RULES = (
    Rule(
        id="names-fit",
        demand="Names fit where they are used: labels of Kubernetes, files, keys of S3.",
        check=_names_fit,
    ),
    Rule(
        id="unique-archive",
        demand="No two versions of an entry share an archive name.",
        check=_unique_archive,
    ),
    Rule(
        id="unique-server",
        demand="No two servers of an environment have the same name.",
        check=_unique_server,
    ),
    Rule(
        id="unique-server-name",
        demand="No two variants of an environment are served by TorchServe under the same name.",
        check=_unique_server_name,
    ),
)
