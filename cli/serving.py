"""What `slipway sandbox up` ends with, and `slipway sandbox serve`: one server's pod, run for real on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final

import requests
from rich.markup import escape
from rich.table import Table

from cli.console import OUT, report
from sandbox.inspection import Inspection
from sandbox.lifecycle import Sandbox
from sandbox.serving import pod as pods
from sandbox.serving import prediction, runtime
from sandbox.serving.emulation import NotEmulatedError
from sandbox.serving.pod import Held, NoPodError, RunningPod, ServingError
from sandbox.serving.runtime import RuntimeUnavailable, TorchServeRuntime

_READY_SECONDS: Final = 180.0
_LOOK_SECONDS: Final = 1.0
"""How often `serve` looks whether anything has changed."""
_ANSWER_CHARACTERS: Final = 80

_NO_IMAGE: Final = (
    "These are processes of this machine: its own TorchServe, Java and Python, on the CPU, with the pod's files, "
    "arguments, service account and bucket. No image is run, and no limit is enforced."
)


def predict(sandbox: Sandbox, outputs: Mapping[str, Any]) -> None:
    """Runs one server's pod, prints what its models answer, and ends it. Says what is missing where it cannot.

    Raises:
        SandboxError: the pod runs, and does not answer.
    """
    inspection = Inspection(sandbox)
    found = _runtime()
    if found is None:
        return
    held, reasons = prediction.choose(inspection, outputs)
    if held is None:
        report(f"no pod is run for real: {'; '.join(reasons)}")
        return
    try:
        with pods.running(sandbox, held, found) as pod:
            pod.wait(_READY_SECONDS, lambda reason: report(f"{held.server}: {reason}"))
            _print_predictions(pod, outputs)
    except NotEmulatedError as error:
        raise ServingError(f"{held.server} cannot be run without containers: {error}") from error


def serve(sandbox: Sandbox, outputs: Mapping[str, Any], server: str | None) -> None:
    """Keeps one server's pod running, and tells what its agent makes of changes, until it is interrupted.

    Raises:
        SandboxError: there is no such server, or it cannot be run here.
    """
    inspection = Inspection(sandbox)
    found = runtime.find(report)
    if server is None:
        held, reasons = prediction.choose(inspection, outputs)
        if held is None:
            raise ServingError(f"no pod can be run for real: {'; '.join(reasons)}")
    else:
        held = prediction.named(inspection, outputs, server)
    while True:
        try:
            with pods.running(sandbox, held, found) as pod:
                pod.wait(_READY_SECONDS, report)
                OUT.print(f"{held.server} answers at [bold]{pod.url}[/]; Ctrl-C ends it", soft_wrap=True)
                OUT.print(f"{_NO_IMAGE}\nlogs: {', '.join(map(str, pod.logs().values()))}")
                held = _follow(pod, inspection)
        except NotEmulatedError as error:
            raise ServingError(f"{held.server} cannot be run without containers: {error}") from error
        report(f"the pod was replaced by {held.pod.name}: so are its processes")


def _follow(pod: RunningPod, inspection: Inspection) -> Held:
    """Tells every change of what is served; returns the pod's successor once there is one.

    Raises:
        SandboxError: the server is no more, or the processes were ended.
    """
    told: dict[str, str] = {}
    while pod.alive():
        shown = _shown(pod)
        changed = {version: state for version, state in shown.items() if told.get(version) != state}
        gone = dict.fromkeys(told.keys() - shown.keys(), "gone") if shown else {}
        for version, state in {**changed, **gone}.items():
            OUT.print(f"{time.strftime('%H:%M:%S')}  {version}  {state}", markup=False)
        told = shown or told
        try:
            pod.renew_tokens()
            now = pods.read(inspection, pod.held.pod.namespace, pod.held.server)
            if now.pod.uid != pod.held.pod.uid:
                return now
        except (NoPodError, requests.RequestException):
            pass  # a rollout, or the control plane is being started again: looked at again in a second
        time.sleep(_LOOK_SECONDS)
    raise ServingError(f"the processes of {pod.held.server} were ended, as by `slipway sandbox down`")


def _shown(pod: RunningPod) -> dict[str, str]:
    """`model version` → its state, with the reason of a failure."""
    shown = {}
    for model, told in sorted(pod.versions().items()):
        for version, one in sorted(told["versions"].items()):
            serving = ", answers requests without a version" if told["default"]["serving"] == version else ""
            reason = f": {one['reason']}" if one.get("reason") else ""
            shown[f"{model} {version}"] = f"{one['state']}{serving}{reason}"
    return shown


def _runtime() -> TorchServeRuntime | None:
    try:
        return runtime.find(report)
    except RuntimeUnavailable as error:
        OUT.print(f"\nNo pod was run for real: {error}", markup=False)
        return None


def _print_predictions(pod: RunningPod, outputs: Mapping[str, Any]) -> None:
    asked = prediction.questions()
    for served in prediction.served_by(pod.held.server, outputs):
        if served.variant not in asked:
            continue
        version = prediction.serving(pod, served)
        answers = prediction.ask(pod, served, asked[served.variant])
        digest = prediction.digest_of(pod.held, served.model, version)
        OUT.print(f"\n[bold]{served.variant}@{version}[/]  {digest}")
        OUT.print(f"asked of {pod.held.server}'s pod, run for real: POST {pod.url}{served.path}\n")
        table = Table(box=None, pad_edge=False)
        for heading in ("", "text", "answer", "ms"):
            table.add_column(heading, overflow="fold", justify="right" if heading == "ms" else "left")
        for one in answers:
            table.add_row(
                one.question.name,
                escape(one.question.body),
                escape(_short(one.answer)),
                f"{one.milliseconds:.0f}",
            )
        OUT.print(table)
    OUT.print(f"\n{_NO_IMAGE}")


def _short(answer: str) -> str:
    """On one line: a prediction may be long, and a table is not."""
    try:
        told = json.loads(answer)
        if isinstance(told, dict):
            told = {key: value if not isinstance(value, list | dict) else "…" for key, value in told.items()}
        answer = json.dumps(told, ensure_ascii=False)
    except ValueError:
        answer = " ".join(answer.split())
    return answer if len(answer) <= _ANSWER_CHARACTERS else f"{answer[:_ANSWER_CHARACTERS]}…"
