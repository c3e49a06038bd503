"""`slipway artifacts export`: versions as a plain TorchServe takes them, without our agent."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artifacts import RefusedError
from cli.console import CLONE, OUT
from cli.plans import plan_of
from cli.selectors import SelectorArgument, parse_selector
from cli.transfers import transfer_reporter
from engines.torchserve import ServedVersion
from model_catalog import Catalog, CatalogError, Environment, check_catalog
from planning import Plan, TorchServeModelPlan, TorchServePlan

if TYPE_CHECKING:
    from artifacts.export import ExportedVersion, WeightsSource

Chosen = Sequence[tuple[TorchServePlan, TorchServeModelPlan]]


def export(
    environment: Annotated[Environment, typer.Option("--env", help="Whose releases and overrides count.")],
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", help="Gets config.properties and model-store/.")
    ],
    selector: SelectorArgument = None,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="NAME", help="All of one server, as `slipway plan` names it."),
    ] = None,
    bucket: Annotated[
        str | None, typer.Option("--bucket", help="The environment's, with the weights.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="FOLDER",
            help="The weights here instead; of several versions, a folder sha256-<hex> for each digest.",
        ),
    ] = None,
    model_store: Annotated[
        str | None,
        typer.Option("--model-store", metavar="PATH", help="Where the archives will lie when it starts."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files of an earlier export.")] = False,
    owner: Annotated[str | None, typer.Option("--owner", help="Account that must own the bucket.")] = None,
    region: Annotated[str | None, typer.Option("--region", help="Of the bucket.")] = None,
) -> None:
    """Write archives with their weights inside, and a config.properties that loads them as the plan says.

    What comes out needs no Slipway: versions, defaults, workers and batching are
    in the config's snapshot. Weights are checked against their digest as they are
    copied. Exit code 1: something cannot be served, or is there already. 3: the
    bucket does not give it.
    """
    from artifacts.export import export as write

    if (selector is None) is (server is None):
        raise typer.BadParameter("name a selector or --server NAME, one of them")
    if (bucket is None) is (weights is None):
        raise typer.BadParameter("say where the weights are: --bucket B or --weights FOLDER, one of them")
    checked = check_catalog(CLONE / "model_catalog")
    if checked.errors:
        raise CatalogError(checked.errors)
    plan = plan_of(checked.catalog, environment, CLONE / "model_catalog")
    chosen = (
        _of_server(plan, server) if server is not None else _matching(plan, checked.catalog, selector or "")
    )
    written = write(
        to,
        _versions(chosen),
        _source(bucket, weights, owner, region),
        gpus=max(of.resources.gpus for of, _ in chosen),
        model_store=model_store,
        replace=force,
        report=transfer_reporter("packed"),
    )
    for path in written:
        OUT.print(f"{path.stat().st_size:>15,}  {path}", markup=False)
    OUT.print(
        "start it: torchserve --start --foreground --ncs --ts-config " + shlex.quote(str(written[-1])),
        markup=False,
    )


def _of_server(plan: Plan, name: str) -> Chosen:
    servers = {server.name: server for server in plan.servers if isinstance(server, TorchServePlan)}
    if name not in servers:
        known = ", ".join(sorted(servers)) or "none"
        raise typer.BadParameter(f"{plan.environment} has no TorchServe server {name!r}; it has {known}")
    return [(servers[name], model) for model in servers[name].models]


def _matching(plan: Plan, catalog: Catalog, text: str) -> Chosen:
    wanted = parse_selector(text, catalog)
    found = [
        (server, model)
        for server in plan.servers
        if isinstance(server, TorchServePlan)
        for model in server.models
        if wanted.matches(model.selector)
    ]
    if not found:
        raise RefusedError(
            f"{wanted}: nothing of it runs on TorchServe in {plan.environment}. Fix: release it there, or name "
            f"another environment; `slipway show {wanted} --env {plan.environment}` tells what runs"
        )
    return found


def _versions(chosen: Chosen) -> list[ExportedVersion]:
    """Raises RefusedError, with a sentence for each version that has no files."""
    from artifacts.archives import read_handlers
    from artifacts.export import ExportedVersion
    from artifacts.served import NotServed, served_files

    handlers = read_handlers()
    served = [(model, served_files(model, handlers)) for _, model in chosen]
    if missing := [files for _, files in served if isinstance(files, NotServed)]:
        lines = [f"{one.selector}: {one.rule}: {one.reason}. Fix: {one.fix}" for one in missing]
        raise RefusedError("\n".join([*lines, "nothing was written; a narrower selector leaves these out"]))
    return [
        ExportedVersion(
            served=version,
            files=files,
            code=handlers[files.thin.handler_name, files.thin.handler_version] if files.thin else None,
        )
        for version, (_, files) in zip(_served([model for model, _ in served]), served, strict=True)
        if not isinstance(files, NotServed)
    ]


def _served(models: Sequence[TorchServeModelPlan]) -> Iterator[ServedVersion]:
    """As the plan says; a version that comes without its variant's default is the default of what comes."""
    with_default = {model.name for model in models if model.default}
    for model in models:
        version = ServedVersion(
            name=model.name,
            version=model.version,
            archive=model.archive,
            default=model.default,
            options=model.options,
        )
        yield version if model.name in with_default else replace(version, default=True)


def _source(bucket: str | None, weights: Path | None, owner: str | None, region: str | None) -> WeightsSource:
    from artifacts.export import FromBucket, FromFolder
    from artifacts.storage import Target, make_client

    if weights is not None:
        if not weights.exists():
            raise RefusedError(f"{weights} is not there. Fix: correct the path")
        return FromFolder(folder=weights)
    name, client = bucket or "", make_client(region=region)
    return FromBucket(target=lambda digest: Target(client=client, bucket=name, digest=digest, owner=owner))
