"""`slipway diff`: what a change of the catalog does to users, servers and nodes, and which rules it breaks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
import yaml

from cli.clock import today
from cli.console import CLONE, EXIT_WRONG
from cli.diff_formats import to_annotations, to_markdown, to_text
from cli.diff_json import to_json
from cli.diff_report import Report, Side
from cli.diff_servers import PlanChanges, compare_plans
from cli.git import Repository, UnknownRevisionError
from infra.lock_files import FOLDER, read_lock
from infra.settings import SettingsError, load_settings
from infra.stack_files import read_stack_config
from model_catalog import CatalogError, Checked, Environment, Severity, check_catalog
from model_catalog.changes import broken_rules, compare
from model_catalog.loader import check_texts
from planning import Plan, PlanningError, make_plan

_CATALOG: Final = "model_catalog"
_PROJECT: Final = "Pulumi.yaml"


class Format(StrEnum):
    """How to print it."""

    GITHUB = "github"
    JSON = "json"
    MARKDOWN = "markdown"
    TEXT = "text"


_FORMATS: Final = {
    Format.GITHUB: to_annotations,
    Format.JSON: to_json,
    Format.MARKDOWN: to_markdown,
    Format.TEXT: to_text,
}


def diff(
    base: Annotated[str, typer.Argument(help="A revision of git, as in origin/main.", show_default=False)],
    head: Annotated[
        str | None,
        typer.Argument(help="A revision of git. Left out: the working tree, untracked files included."),
    ] = None,
    env: Annotated[
        list[Environment] | None,
        typer.Option("--env", help="Show this environment alone; may be repeated. Rules judge all of them."),
    ] = None,
    format_: Annotated[
        Format,
        typer.Option(
            "--format", help="markdown is a comment on a pull request, github annotations of its files."
        ),
    ] = Format.TEXT,
    merge_base: Annotated[
        bool,
        typer.Option(
            help="Compare HEAD with the last commit it shares with BASE, as git diff BASE...HEAD does: what BASE got "
            "since then is no change of HEAD. Otherwise with BASE itself."
        ),
    ] = True,
) -> None:
    """Show what HEAD changes of BASE: what users get, servers, nodes, versions, and rules that are broken.

    Exits with 1 where a rule of severity error is broken, or where HEAD's catalog or plan is refused.
    """
    try:
        report = make_report(
            CLONE,
            base,
            head,
            environments=env or tuple(Environment),
            from_merge_base=merge_base,
            today=today(),
        )
    except UnknownRevisionError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(_FORMATS[format_](report), nl=False)
    if report.refused:
        raise typer.Exit(EXIT_WRONG)


def make_report(
    clone: Path,
    base: str,
    head: str | None,
    *,
    environments: Iterable[Environment],
    from_merge_base: bool,
    today: date,
) -> Report:
    """Compare two revisions of a checkout; its working tree where `head` is None.

    Raises UnknownRevisionError, and GitError where git cannot answer.
    """
    repository = Repository(folder=clone)
    newer = repository.commit(head or "HEAD")
    named = older = repository.commit(base)
    if from_merge_base:
        older = repository.merge_base(named, newer)
    wanted = tuple(sorted(set(environments)))
    before = _at(repository, older, "BASE", wanted)
    after = _of_the_working_tree(clone, wanted) if head is None else _at(repository, newer, "HEAD", wanted)
    changes = compare(before.checked, after.checked)
    known = {(one.file, one.rule, one.message) for one in before.checked.problems}
    return Report(
        base=Side(revision=base if older == named else f"merge base with {base}", commit=older),
        head=Side(revision=head, commit=None if head is None else newer),
        changes=replace(
            changes, environments=tuple(one for one in changes.environments if one.environment in wanted)
        ),
        plans=tuple(_plan_changes(environment, before, after) for environment in wanted),
        broken=broken_rules(before.checked, after.checked, today),
        problems=tuple(
            one
            for one in after.checked.problems
            if one.severity is Severity.ERROR or (one.file, one.rule, one.message) not in known
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Unplanned:
    """Why an environment has no plan."""

    reason: str
    refused: bool
    """Whether somebody has to mend a stack file or what is released; catalog errors are reported for themselves."""


@dataclass(frozen=True, kw_only=True)
class _State:
    """One side, as far as it could be read."""

    checked: Checked
    plans: Mapping[Environment, Plan | _Unplanned]


def _at(repository: Repository, commit: str, side: str, environments: Iterable[Environment]) -> _State:
    stacks = {_PROJECT, *(f"Pulumi.{environment}.yaml" for environment in Environment)}
    prefix = f"{_CATALOG}/"
    files = repository.files(
        commit, (f"{prefix}entries", f"{prefix}releases", f"{prefix}placement", *sorted(stacks))
    )
    locks = {path: text for path, text in files.items() if path.startswith(f"{prefix}{FOLDER}/")}
    texts = {
        path.removeprefix(prefix): text
        for path, text in files.items()
        if path.startswith(prefix) and path not in locks
    }
    with tempfile.TemporaryDirectory(prefix="slipway-diff-") as folder:
        for name in stacks & files.keys():
            (Path(folder) / name).write_bytes(files[name])
        for name, text in locks.items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_bytes(text)
        return _state(check_texts(texts, name=_CATALOG), Path(folder), side, environments)


def _of_the_working_tree(clone: Path, environments: Iterable[Environment]) -> _State:
    return _state(check_catalog(clone / _CATALOG), clone, "HEAD", environments)


def _state(checked: Checked, stacks: Path, side: str, environments: Iterable[Environment]) -> _State:
    return _State(checked=checked, plans={one: _plan(checked, one, stacks, side) for one in environments})


def _plan(checked: Checked, environment: Environment, stacks: Path, side: str) -> Plan | _Unplanned:
    if checked.errors:
        return _Unplanned(reason=f"the catalog of {side} has errors", refused=False)
    try:
        settings = load_settings(environment.value, read_stack_config(environment.value, stacks))
        lock = read_lock(stacks / _CATALOG, environment)
        return make_plan(checked.catalog, settings.environment, settings.pools, lock)
    except FileNotFoundError as error:
        return _Unplanned(reason=f"{side} has no {Path(error.filename).name}", refused=False)
    except yaml.YAMLError as error:
        return _Unplanned(reason=f"a stack file of {side} is not YAML: {error}", refused=True)
    except (CatalogError, SettingsError, PlanningError) as error:
        return _Unplanned(reason=f"{side}: {error}", refused=True)


def _plan_changes(environment: Environment, before: _State, after: _State) -> PlanChanges:
    if not any(side.checked.catalog.running(environment) for side in (before, after)):
        return PlanChanges(environment=environment)
    old, new = before.plans[environment], after.plans[environment]
    if isinstance(new, _Unplanned):
        return PlanChanges(environment=environment, unplanned=new.reason, refused=new.refused)
    if isinstance(old, _Unplanned):
        return PlanChanges(environment=environment, unplanned=old.reason)
    return compare_plans(old, new)
