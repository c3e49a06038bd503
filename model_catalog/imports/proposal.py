"""From the name that a model has in TorchServe back to task, model and language.

A name that begins like a language's tag is no evidence of that language: `my_tc` is no Burmese.
Only an entry that serves the language under the very name says it; else a person does.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from engines import torchserve
from model_catalog.entry import Entry, TorchServeEntry
from model_catalog.languages import known_language


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Return what is known of a name; None where nothing is."""

    task: str | None = None
    model: str | None = None
    language: str | None = None


def propose(name: str, entries: Iterable[Entry]) -> Proposal:
    """Return the variant of the one entry that serves it under this name; nothing where none or several do."""
    fitting = {
        (entry.task, entry.model, language)
        for entry in entries
        if isinstance(entry, TorchServeEntry)
        for language in entry.languages
        if entry.server_model_name(language) == name
    }
    if len(fitting) != 1:
        return Proposal()
    task, model, language = fitting.pop()
    return Proposal(task=task, model=model, language=language)


def prefixes(name: str) -> tuple[str, ...]:
    """Tags that the name begins with, the longest first: zh_hant_reader → zh-Hant and zh. To ask about, not to take."""
    parts = name.split("_")
    tags = (
        "-".join([parts[0], *(_cased(part) for part in parts[1:length])])
        for length in range(min(3, len(parts) - 1), 0, -1)
    )
    return tuple(tag for tag in tags if known_language(tag) and _served(tag, name) is not None)


def model_of(name: str, language: str) -> str:
    """Return the model that keeps the name, for ("fr_reader", "fr") Reader; else one that is named like it."""
    return _served(language, name) or _capitalized(name)


def _served(language: str, name: str) -> str | None:
    """The model that is served under the name in this language, or None where no model is."""
    prefix = torchserve.model_name(language, "")
    model = _capitalized(name.removeprefix(prefix))
    return model if model and torchserve.model_name(language, model) == name else None


def _capitalized(name: str) -> str:
    return "_".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _cased(part: str) -> str:
    """Scripts have four letters, regions two (RFC 5646 §2.1.1)."""
    return {2: part.upper(), 4: part.title()}.get(len(part), part)
