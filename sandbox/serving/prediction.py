"""A running pod's answers to the sandbox's questions for its models."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from sandbox.errors import SandboxError
from sandbox.inspection import Inspection
from sandbox.serving.pod import Held, RunningPod, ServingError, read

QUESTIONS: Final = Path(__file__).with_name("questions.yaml")
_TORCHSERVE: Final = "torchserve "


@dataclass(frozen=True, kw_only=True)
class Question:
    """A text to send to a model."""

    name: str
    body: str
    content_type: str


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The answer to one question."""

    question: Question
    answer: str
    milliseconds: float


@dataclass(frozen=True, kw_only=True)
class Served:
    """A variant whose default version a server answers with."""

    variant: str
    """``Task/Model/lang``."""
    version: str
    model: str
    """TorchServe's name."""
    path: str
    """URL path of the variant, as the plan says it."""

    @property
    def selector(self) -> str:
        """``Task/Model/lang@version``."""
        return f"{self.variant}@{self.version}"


def questions() -> Mapping[str, list[Question]]:
    """Variant → its questions."""
    listed = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
    return {variant: [Question(**item) for item in items] for variant, items in listed.items()}


def served_by(server: str, outputs: Mapping[str, Any]) -> list[Served]:
    """The variants of a server, from the stack's outputs."""
    found = []
    for selector, model in sorted(outputs["servers"][server]["models"].items()):
        if model["default"]:
            variant, _, version = selector.partition("@")
            path = urlsplit(outputs["endpoints"][variant]).path
            found.append(Served(variant=variant, version=version, model=path.rpartition("/")[2], path=path))
    return found


def choose(inspection: Inspection, outputs: Mapping[str, Any]) -> tuple[Held | None, list[str]]:
    """The first server that can answer questions on this machine; and why those before it cannot."""
    asked, reasons = questions(), []
    for name, server in sorted(outputs["servers"].items()):
        if not server["engine"].startswith(_TORCHSERVE):
            reasons.append(f"{name}: {server['engine']} needs a GPU")
            continue
        known = [served for served in served_by(name, outputs) if served.variant in asked]
        if not known:
            reasons.append(f"{name}: {QUESTIONS.name} has no question for its models")
            continue
        held = read(inspection, server["namespace"], name)
        configured = [served for served in known if served.version in held.models.get(served.model, {})]
        if configured:
            return held, reasons
        reasons.append(f"{name}: its agent is configured with no version that has questions")
    return None, reasons


def named(inspection: Inspection, outputs: Mapping[str, Any], server: str) -> Held:
    """The server's pod.

    Raises:
        SandboxError: there is no such server, or it is no TorchServe with an agent.
    """
    if server not in outputs["servers"]:
        raise SandboxError(
            f"there is no server {server}. Those that run: {', '.join(sorted(outputs['servers']))}"
        )
    described = outputs["servers"][server]
    if not described["engine"].startswith(_TORCHSERVE):
        raise SandboxError(
            f"{server} runs {described['engine']}, which needs a GPU; TorchServe's are run for real"
        )
    return read(inspection, described["namespace"], server)


def ask(pod: RunningPod, served: Served, asked: list[Question]) -> list[Prediction]:
    """The answers, through the inference port, at the plan's path.

    Raises:
        ServingError: a question was not answered with 200.
    """
    predictions = []
    for question in asked:
        began = time.monotonic()
        answer = pod.ask(served.path, question.body, question.content_type)
        took = (time.monotonic() - began) * 1000
        predictions.append(
            Prediction(question=question, answer=answer.decode("utf-8", "replace").strip(), milliseconds=took)
        )
    return predictions


def serving(pod: RunningPod, served: Served) -> str:
    """The version that answers requests without one.

    Raises:
        ServingError: none does; the message has the agent's reason.
    """
    shown = pod.versions().get(served.model)
    version = shown["default"]["serving"] if shown else None
    if version is None:
        raise ServingError(
            f"{served.selector} is not served: {'; '.join(pod.failures()) or 'no reason is given'}"
        )
    return str(version)


def digest_of(held: Held, model: str, version: str) -> str:
    """Return the digest of the version's weights, or of its archive where that holds them."""
    configured = held.models[model][version]
    return str((configured.get("weights") or configured["archive"])["digest"])
