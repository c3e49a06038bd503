"""Entry point of `slipway`: the commands, and the one place where a failure becomes a line and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, Final

import typer

from artifacts import ArtifactError, RefusedError
from cli import (
    artifacts_commands,
    completion,
    diff_command,
    doctor,
    edit_commands,
    plan_command,
    recover_command,
    sandbox_commands,
    schema_command,
    show_command,
    validate_command,
)
from cli.console import ERR, EXIT_OUTSIDE, EXIT_WRONG, debugging
from cli.git import GitError
from infra.settings import SettingsError
from model_catalog import CatalogError
from planning import PlanningError
from recovery import RecoveryError
from sandbox.errors import SandboxError

_WRONG: Final = (CatalogError, PlanningError, RefusedError, SettingsError)
"""What a person mends in the catalog, in a stack file or in what was asked for."""

app = typer.Typer(
    name="slipway",
    help="NLP models and LLMs into production from a typed catalog.",
    epilog="Exit codes: 0 fine, 1 the catalog or the request is wrong, 2 usage, 3 something outside failed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(artifacts_commands.app, name="artifacts")
app.add_typer(sandbox_commands.app, name="sandbox")
app.add_typer(edit_commands.import_app, name="import")
app.add_typer(edit_commands.export_app, name="export")
for _command, _example in (
    (completion.completion, 'eval "$(slipway completion bash)"'),
    (diff_command.diff, "slipway diff origin/main --env prod"),
    (doctor.doctor, "slipway doctor --format json"),
    (edit_commands.promote, "slipway promote QuestionAnswering/Reader/fr@2 --from dev --to prod --canary 10"),
    (edit_commands.retire, "slipway retire QuestionAnswering/Reader/fr@1.0 --env prod --now"),
    (edit_commands.rollback, "slipway rollback QuestionAnswering/Reader/fr --env prod"),
    (plan_command.plan, "slipway plan --env dev"),
    (recover_command.recover, "slipway recover --stack dev --dry-run"),
    (schema_command.schema, "slipway schema --write"),
    (show_command.show, "slipway show QuestionAnswering/Reader/fr@2 --env dev"),
    (validate_command.validate, "slipway validate --format github --today 2026-12-31"),
):
    app.command(epilog=f"Example: {_example}")(_command)


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
) -> None:
    if debug:
        os.environ["SLIPWAY_DEBUG"] = "1"


def main() -> None:
    """Runs the command line; never shows a traceback unless asked to."""
    # So that what is under way is ended in order: without it, SIGTERM skips every `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    completion.answer_shells()
    try:
        app()
    except (ArtifactError, GitError, RecoveryError, SandboxError, *_WRONG) as error:
        if debugging():
            raise
        ERR.print(f"slipway: {error}", markup=False, style="red" if ERR.is_terminal else None)
        sys.exit(EXIT_WRONG if isinstance(error, _WRONG) else EXIT_OUTSIDE)
    except Exception as error:
        # The boundary: a person gets a line, a developer the traceback.
        if debugging():
            raise
        ERR.print(
            f"slipway: {type(error).__name__}: {error}\nRun it again with --debug for the traceback.",
            markup=False,
        )
        sys.exit(EXIT_OUTSIDE)


if __name__ == "__main__":
    main()
