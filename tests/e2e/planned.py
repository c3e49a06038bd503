"""From a catalog to the agent's configuration, on the way that a deployment takes it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from typer.testing import CliRunner

from cli import edits
from cli.edit_commands import import_app
from model_catalog import Environment, load_catalog
from planning import TorchServeModelPlan, TorchServePlan, make_plan
from tests.support.pools import POOLS
from workloads.agent import Archive, Configuration, Smoke, Version

SMOKE: Final = Smoke(body="hello", content_type="text/plain")


def imported(case: Path, catalog: Path, archives: Path) -> None:
    """`slipway import torchserve` into an empty catalog."""
    for folder in ("entries", "releases", "placement"):
        (catalog / folder).mkdir(parents=True)
    options = (
        "--task", "QuestionAnswering", "--device", "cpu", "--env", "dev", "--archive-dir", str(archives), "--yes"
    )  # fmt: skip
    before, edits.CATALOG = edits.CATALOG, catalog
    try:
        result = CliRunner().invoke(import_app, ["torchserve", str(case), *options])
    finally:
        edits.CATALOG = before
    assert result.exit_code == 0, result.output


def server(catalog: Path) -> TorchServePlan:
    """The one server that the plan of a small catalog has."""
    (found,) = make_plan(load_catalog(catalog), Environment.DEV, POOLS).servers
    assert isinstance(found, TorchServePlan)
    return found


def configuration(plan: TorchServePlan, source: Path) -> Configuration:
    """What the agent is told of that server. Archives lie where a promotion puts them."""
    models: dict[str, dict[str, Version]] = {}
    for model in plan.models:
        models.setdefault(model.name, {})[model.version] = _version(model, source)
    return Configuration(models=models)


def _version(model: TorchServeModelPlan, source: Path) -> Version:
    """As the stack writes it: this is to become a call of components.torchserve_files once that maps versions."""
    options, artifact = model.options, model.triple.artifact
    archive = Archive(
        digest=str(artifact.digest), location=f"artifacts/{artifact.digest}/files/{Path(model.archive).name}"
    )
    assert (source / archive.location).exists()
    return Version(
        archive=archive,
        default=model.default,
        min_workers=options.min_workers,
        max_workers=options.worker_limit,
        batch_size=options.batch_size,
        max_batch_delay=options.max_batch_delay,
        response_timeout=options.response_timeout,
        startup_timeout=options.startup_timeout,
        smoke=SMOKE,
    )


def promote(contents: Mapping[str, bytes], archives: Path, source: Path) -> None:
    """Archives at hand for the import, and by their digest where the agent looks. By file name."""
    for name, content in contents.items():
        (archives / name).write_bytes(content)
        folder = source / f"artifacts/sha256:{hashlib.sha256(content).hexdigest()}/files"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
