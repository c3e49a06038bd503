"""From the name that a model has in TorchServe back to task, model and language: a proposal, as names lose case."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engines import torchserve
from model_catalog.entry import Entry, TorchServeEntry
from model_catalog.languages import known_language


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What could be told from a name; None where nothing could."""

    task: str | None = None
    model: str | None = None
    language: str | None = None


def propose(name: str, entries: Iterable[Entry]) -> Proposal:
    """An entry that serves, or would serve, the language under this name; else what the name itself says.

    fr_reader → fr and Reader. The task comes from an entry alone, and only where a single one fits.
    """
    guesses = list(_guesses(name))
    fitting = {
        (entry.task, entry.model, language)
        for entry in entries
        if isinstance(entry, TorchServeEntry)
        for language in (*entry.languages, *(language for language, _ in guesses))
        if torchserve.model_name(language, entry.model) == name
    }
    if len(fitting) == 1:
        task, model, language = fitting.pop()
        return Proposal(task=task, model=model, language=language)
    if not guesses:
        return Proposal()
    language, model = guesses[0]
    return Proposal(language=language, model=model)


def _guesses(name: str) -> Iterator[tuple[str, str]]:
    """Language and model, the longest tag first: zh_hant_reader → zh-Hant and Reader, then zh and Hant_Reader."""
    parts = name.split("_")
    for length in range(min(3, len(parts) - 1), 0, -1):
        tag = "-".join([parts[0], *(_cased(part) for part in parts[1:length])])
        model = "_".join(part.capitalize() for part in parts[length:])
        if known_language(tag) and torchserve.model_name(tag, model) == name:
            yield tag, model


def _cased(part: str) -> str:
    """Scripts have four letters, regions two (RFC 5646 §2.1.1)."""
    return {2: part.upper(), 4: part.title()}.get(len(part), part)
