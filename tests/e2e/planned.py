"""From a catalog to the agent's configuration, on the way that a deployment takes it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from typer.testing import CliRunner

from artifacts.planned import plan_artifacts, released_handlers
from cli import edits
from cli.edit_commands import import_app
from model_catalog import Environment, load_catalog
from planning import make_plan
from tests.support.pools import POOLS
from workloads.agent import Configuration, read_configuration


def imported(case: Path, catalog: Path, archives: Path, *more: str) -> None:
    """`slipway import torchserve` into an empty catalog, with more options."""
    for folder in ("entries", "releases", "placement"):
        (catalog / folder).mkdir(parents=True)
    options = (
        "--task", "QuestionAnswering", "--language", "fr", "--device", "cpu", "--env", "dev",
        "--archive-dir", str(archives), "--yes", *more,
    )  # fmt: skip
    before, edits.CATALOG = edits.CATALOG, catalog
    try:
        result = CliRunner().invoke(import_app, ["torchserve", str(case), *options])
    finally:
        edits.CATALOG = before
    assert result.exit_code == 0, result.output


def configuration(catalog: Path) -> Configuration:
    """What the agent of the one server is told that the plan of a small catalog has: the text of its ConfigMap."""
    plan = make_plan(load_catalog(catalog), Environment.DEV, POOLS)
    (server,) = plan_artifacts(plan, released_handlers()).servers.values()
    return read_configuration(server.models)


def promote(contents: Mapping[str, bytes], archives: Path, source: Path) -> None:
    """Archives at hand for the import, and by their digest where the agent looks. By file name."""
    for name, content in contents.items():
        (archives / name).write_bytes(content)
        folder = source / f"artifacts/sha256:{hashlib.sha256(content).hexdigest()}/files"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
