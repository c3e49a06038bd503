"""Find out what a name in TorchServe stands for: as an entry or a person says. A name that changes is accepted or
refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import typer

from engines.torchserve import model_name
from model_catalog import Catalog, Selector
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

    @staticmethod
    def of(
        task: str | None,
        models: Sequence[str] | None,
        languages: Sequence[str] | None,
        names: Iterable[str],
        *,
        rename: bool,
    ) -> GivenNames:
        """Read VALUE and NAME=VALUE. Raises BadParameter for a name that the files do not hold, and for one model of
        several names."""
        served = sorted(set(names))
        found = GivenNames(
            task=task,
            models=_by_name("--model", models, served),
            languages=_by_name("--language", languages, served),
            rename=rename,
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


def variant_of(name: str, given: GivenNames, catalog: Catalog, *, asks: bool) -> Selector:
    """Return what a served name stands for. Raises BadParameter where nobody says, or the name would change."""
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
    _keep_name(name, variant, given, asks=asks)
    return variant


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


def _keep_name(name: str, variant: Selector, given: GivenNames, *, asks: bool) -> None:
    served = model_name(variant.language or "", variant.model or "")
    if served == name or given.rename:
        return
    if asks and typer.confirm(
        f"{name} would be served as {served}; whoever calls it must change. Rename it?"
    ):
        return
    raise typer.BadParameter(
        f"{name} would be served as {served}, and callers of /predictions/{name} would get 404; give --rename to "
        "accept it, or the --language and --model that make the name (language, underscore, model)"
    )
