"""Find out what a name in TorchServe stands for: as an entry or a person says. A name that would change is kept by the
entry, given up, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import typer

from engines.torchserve import model_name
from model_catalog import Catalog, Selector, TorchServeEntry
from model_catalog.imports import model_of, prefixes, propose


@dataclass(frozen=True, kw_only=True)
class GivenNames:
    """The answer that the command line gives."""

    task: str | None
    models: Mapping[str, str]
    """Served name → model; "" is every name."""
    languages: Mapping[str, str]
    """Served name → language; "" is every name."""
    rename: bool
    """True where a model may be served under another name than before."""
    keep: bool
    """True where the entry keeps a name that would change, as `served_name`."""

    @staticmethod
    def of(
        task: str | None,
        models: Sequence[str] | None,
        languages: Sequence[str] | None,
        names: Iterable[str],
        *,
        rename: bool,
        keep: bool,
    ) -> GivenNames:
        """Read VALUE and NAME=VALUE. Raises BadParameter for a name that the files do not hold, for one model of
        several names, and where names shall be both kept and given up."""
        if rename and keep:
            raise typer.BadParameter("--rename and --keep-names say opposite things; give one of them")
        served = sorted(set(names))
        found = GivenNames(
            task=task,
            models=_by_name("--model", models, served),
            languages=_by_name("--language", languages, served),
            rename=rename,
            keep=keep,
        )
        if len(served) > 1 and "" in found.models:
            raise typer.BadParameter(
                f"--model {found.models['']} names one model, and the files hold {', '.join(served)}; give "
                f"--model {served[0]}={found.models['']}"
            )
        return found


def _by_name(option: str, given: Sequence[str] | None, names: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for text in given or ():
        name, _, value = text.rpartition("=")
        if name and name not in names:
            raise typer.BadParameter(
                f"{option} {text}: the files hold no {name}; they hold {', '.join(names)}"
            )
        found[name] = value
    return found


def naming_of(name: str, given: GivenNames, catalog: Catalog, *, asks: bool) -> tuple[Selector, str | None]:
    """Return the variant that a served name stands for, and the `served_name` that its entry needs to keep it, or None.

    Raises BadParameter where nobody says, or the name would change.
    """
    known = propose(name, catalog.entries)
    task = _part("task", name, given.task, known.task, None, asks=asks)
    hints = prefixes(name)
    language = _part(
        "language",
        name,
        given.languages.get(name, given.languages.get("")),
        known.language,
        hints[0] if hints else None,
        asks=asks,
    )
    guessed = model_of(name, language)
    model = _part(
        "model", name, given.models.get(name, given.models.get("")), known.model or guessed, None, asks=asks
    )
    try:
        variant = Selector.parse(f"{task}/{model}/{language}")
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    served = _served(variant, catalog)
    if served == name or not _keeps(name, served, given, asks=asks):
        return variant, None
    return variant, name


def _part(part: str, name: str, given: str | None, known: str | None, hint: str | None, *, asks: bool) -> str:
    if given is not None:
        return given
    if asks:
        answer: str = typer.prompt(f"{part} of {name}", default=known)
        return answer
    if known is None:
        maybe = f" (it begins like {hint}, which says nothing)" if hint else ""
        raise typer.BadParameter(
            f"the {part} of {name} is not known from the file{maybe}; give --{part}"
            + (", mul for a model of many languages or none" if part == "language" else "")
        )
    return known


def _served(variant: Selector, catalog: Catalog) -> str:
    """The name that the variant has, or gets where its entry says nothing of names."""
    entry, language = catalog.entry(variant), variant.language or ""
    if isinstance(entry, TorchServeEntry) and language in entry.languages:
        return entry.server_model_name(language)
    return model_name(language, variant.model or "")


def _keeps(name: str, served: str, given: GivenNames, *, asks: bool) -> bool:
    """Return True if the name stays, and False if it may change. Raises BadParameter where nobody says."""
    if given.rename:
        return False
    if given.keep:
        return True
    if asks:
        if typer.confirm(f"{name} would be served as {served}. Keep {name} for its callers?", default=True):
            return True
        if typer.confirm(f"Whoever calls {name} must change, then. Rename it?"):
            return False
    raise typer.BadParameter(
        f"{name} would be served as {served}, and callers of /predictions/{name} would get 404; give --keep-names to "
        f"keep it, --rename to accept {served}, or the --language and --model that make the name (language, "
        "underscore, model)"
    )
