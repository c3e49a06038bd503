"""Takes versions that were imported into the text of their entry. What the file lacks is assumed in plain sight: each
assumption is listed, and stands in the YAML under a comment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from engines import torchserve
from model_catalog.editing import as_default, plain, running_too, with_value
from model_catalog.editing.rendering import flow
from model_catalog.entry import Engine, TorchServeEntry
from model_catalog.imports.arrival import Answers, Arrival
from model_catalog.inheritance import EntrySource
from model_catalog.json_schema import modeline
from model_catalog.languages import possible_scripts
from model_catalog.problem import CatalogError, Problem
from model_catalog.release import VariantRelease
from model_catalog.yaml_source import Location, Source

ENTRY_HEADER: Final = modeline(PurePath("entries/task/model.yaml")) + "\n"
RELEASE_HEADER: Final = modeline(PurePath("releases/dev.yaml")) + "\n"
"""First line of a new file: editors then know its keys."""

_ANY_SCRIPT: Final = "Zyyy"
_ASSUMED_WEIGHTS: Final = "1GiB"
_ASSUMED_PER_REQUEST: Final = "64MiB"
"""Assumptions that fit most encoders; measured ones replace them."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An entry with what came in."""

    text: str
    assumed: tuple[str, ...]
    """What no file said and nobody answered, with the value that was written."""
    known: tuple[str, ...]
    """Versions that the entry had already, equal; and what else the file says of them, which stays outside."""


def entry_with(text: str | None, arrivals: Sequence[Arrival], answers: Answers) -> Taken:
    """The entry's text with the versions; all are of one model, and `text` is None where there is no entry yet.

    Raises CatalogError where the entry says otherwise of a version it has, EditError where the text cannot be edited.
    """
    draft = _Draft(text, answers)
    for arrival in arrivals:
        draft.take(arrival)
    return draft.taken()


def release_with(released: VariantRelease | None, arrivals: Sequence[Arrival]) -> VariantRelease:
    """The variant's release in which these versions run, and the file's default answers."""
    default = next(arrival for arrival in arrivals if arrival.default)
    name = default.selector.version or ""
    changed = as_default(released, name)
    for arrival in arrivals:
        changed = running_too(changed, arrival.selector.version or "")
    versions = [arrival.selector.version or "" for arrival in arrivals]
    if released is None and len(versions) > 1:
        return changed.model_copy(update={"versions": tuple(versions)})
    return changed


class _Draft:
    """An entry's value while versions are taken in."""

    def __init__(self, text: str | None, answers: Answers) -> None:
        self._text = ENTRY_HEADER if text is None else text
        self._answers = answers
        self._value: dict[str, Any] = plain(self._text) or {}
        self._comments: dict[Location, str] = {}
        self._assumed: list[str] = []
        self._known: list[str] = []

    def taken(self) -> Taken:
        return Taken(
            text=with_value(self._text, self._value, self._comments),
            assumed=tuple(self._assumed),
            known=tuple(self._known),
        )

    def take(self, arrival: Arrival) -> None:
        if not self._value:
            self._begin(arrival)
        self._refuse_other_engine(arrival)
        language, version = arrival.selector.language or "", arrival.selector.version or ""
        if language not in self._value["languages"]:
            self._add_language(language, arrival.served_name)
        elif arrival.served_name is not None:
            self._refuse_other_name(arrival)
        versions = self._value["languages"][language]["versions"]
        if version in versions:
            self._compare(arrival)
        else:
            place: Location = ("languages", language, "versions", version)
            for key, lacking in arrival.assumed.items():
                self._assume((*place, key), lacking, arrival.says[key])
            artifact = {"artifact": arrival.says["artifact"]}
            versions[version] = {**artifact, **self._inherited(arrival, place), **arrival.says}

    def _begin(self, arrival: Arrival) -> None:
        answers, selector = self._answers, arrival.selector
        self._value = {"task": selector.task, "model": selector.model}
        self._answer("description", answers.description, "It was imported; nobody has described it yet.")
        self._answer("owner", answers.owner, "unassigned")
        self._value["engine"] = str(Engine.TORCHSERVE)
        self._answer("device", answers.device, "gpu")
        self._value["languages"] = {}

    def _answer(self, key: str, answer: str | None, otherwise: str) -> None:
        self._value[key] = answer or otherwise
        if answer is None:
            self._assume((key,), key, otherwise)

    def _add_language(self, language: str, served_name: str | None) -> None:
        languages = self._value["languages"]
        in_order = list(languages) == sorted(languages)
        scripts = self._answers.scripts or tuple(sorted(possible_scripts(language) or [_ANY_SCRIPT]))
        named = {"served_name": served_name} if served_name else {}
        languages[language] = {"scripts": list(scripts), **named, "versions": {}}
        if in_order:
            self._value["languages"] = dict(sorted(languages.items()))
        if self._answers.scripts is None:
            self._assume(("languages", language, "scripts"), "scripts", list(scripts))
        if len(languages) > 1 and "language_from" not in self._value:
            self._assume(
                ("language_from",), "language_from (its callers choose by the model's name)", "caller"
            )
            last = self._value.pop("languages")
            self._value = {**self._value, "language_from": "caller", "languages": last}

    def _inherited(self, arrival: Arrival, place: Location) -> Mapping[str, Any]:
        """Keys that each version has and no level above says."""
        language = self._value["languages"][arrival.selector.language]
        said: dict[str, Any] = {}
        if "license" not in self._value and "license" not in language:
            said["license"] = self._answers.license or "LicenseRef-unknown"
            if self._answers.license is None:
                self._assume((*place, "license"), "license", said["license"])
        if arrival.archive_size is not None or ("memory" not in self._value and "memory" not in language):
            said["memory"] = self._memory(arrival, place)
        return said

    def _memory(self, arrival: Arrival, place: Location) -> Mapping[str, Any]:
        answers = self._answers
        # The archive holds the weights, and little else.
        size = str(arrival.archive_size) if arrival.archive_size else _ASSUMED_WEIGHTS
        memory = {
            "weights": answers.weights or size,
            "per_request": answers.per_request or _ASSUMED_PER_REQUEST,
        }
        how = "memory.weights (the archive's size)" if arrival.archive_size else "memory.weights"
        lacking = [
            name
            for name, answer in ((how, answers.weights), ("memory.per_request", answers.per_request))
            if answer is None
        ]
        if lacking:
            self._assume((*place, "memory"), ", ".join(lacking), memory)
        return memory

    def _assume(self, location: Location, lacking: str, value: Any) -> None:
        self._comments[location] = f"not in the imported file: {lacking}"
        self._assumed.append(f"{'.'.join(map(str, location))}: {flow(value)} ({lacking})")

    def _refuse_other_engine(self, arrival: Arrival) -> None:
        engine = self._value.get("engine")
        if engine != Engine.TORCHSERVE:
            arrival.file.refuse(
                arrival.location,
                f"would join {arrival.selector.task}/{arrival.selector.model}, which {engine} serves",
                "Give it another model name with --model",
                key=True,
            )

    def _refuse_other_name(self, arrival: Arrival) -> None:
        """One variant has one name: that which its entry has, or the first file gave."""
        said = self._value["languages"][arrival.selector.language].get("served_name")
        if said != arrival.served_name:
            arrival.file.refuse(
                arrival.location,
                f"would keep the name {arrival.served_name} for {arrival.selector.variant}, which is served as "
                f"{said or torchserve.model_name(arrival.selector.language or '', arrival.selector.model or '')}",
                "Give it another model name with --model, or accept that name with --rename",
                key=True,
            )

    def _compare(self, arrival: Arrival) -> None:
        """A version never changes: one that is known must say the same."""
        handed_down = EntrySource(Source(file="", value=_as_read(self._value)))
        entry = TorchServeEntry.model_validate(handed_down.value)
        problems = list(_differences(entry, arrival))
        if problems:
            raise CatalogError(problems)
        kept = entry.version(arrival.selector.language or "", arrival.selector.version or "").imported_from
        already = kept.model_dump(exclude_unset=True) if kept else {}
        other = {
            key: value
            for key, value in arrival.says.get("imported_from", {}).items()
            if key in {"description", "target_bucket", "target_path"} and already.get(key) != value
        }
        ignored = f"; what else the file says is not taken over: {flow(other)}" if other else ""
        self._known.append(f"{arrival.selector}{ignored}")


def _as_read(value: Any) -> Any:
    """Without versions that are not complete yet: languages that are still empty."""
    languages = {name: part for name, part in value["languages"].items() if part["versions"]}
    return {**value, "languages": languages}


def _differences(entry: TorchServeEntry, arrival: Arrival) -> list[Problem]:
    language, version = arrival.selector.language or "", arrival.selector.version or ""
    known = entry.version(language, version)
    imported = known.model_validate({**known.model_dump(exclude_unset=True), **arrival.says})
    pairs: list[tuple[str, Any, Any]] = []
    if "archive" in arrival.says:
        pairs.append(("archive", entry.archive(language, version), imported.archive))
    for option in arrival.says.get("serving", {}):
        pairs.append((f"serving.{option}", getattr(known.serving, option), getattr(imported.serving, option)))
    if arrival.assumed.get("artifact") == "digest":
        pairs.append(("artifact", str(known.artifact), str(imported.artifact)))
    return [
        arrival.file.problem(
            arrival.location,
            f"says {name} {theirs} of {arrival.selector}, and the catalog {ours}",
            "A version never changes: import it under another version, or take it out of the file",
            key=True,
        )
        for name, ours, theirs in pairs
        if ours != theirs
    ]
