"""Two models in two languages and two versions under constant load: nothing fails, and nobody gets a wrong version."""

import time
from dataclasses import dataclass

import pytest

from sandbox.serving.runtime import TorchServeRuntime
from tests.e2e.load import Answer, Load, figures
from tests.e2e.site import Site

MODELS = ("ar_reader", "ar_ranker", "fr_reader", "fr_ranker")


@dataclass(frozen=True)
class Change:
    """From the configuration's write to the moment the agent reported the switch."""

    name: str
    wrote: float
    switched: float
    before: str
    after: str

    def allowed(self, answer: Answer) -> set[str]:
        """What may answer a request with those moments."""
        if answer.ended < self.wrote:
            return {self.before}
        return {self.after} if answer.began > self.switched else {self.before, self.after}


def wrong(answers: list[Answer], changes: list[Change], model: str) -> list[Answer]:
    """Answers by a version that was not allowed at that moment."""
    mine = [answer for answer in answers if answer.model == model]
    found = []
    for number, change in enumerate(changes):
        since = changes[number - 1].switched if number else 0.0
        until = changes[number + 1].wrote if number + 1 < len(changes) else float("inf")
        span = [answer for answer in mine if since < answer.began and answer.ended < until]
        found += [answer for answer in span if answer.version not in change.allowed(answer)]
    return found


def first_answer(answers: list[Answer], change: Change, model: str) -> float:
    """Seconds from the write to the end of the first answer by the new version."""
    moments = [
        answer.ended
        for answer in answers
        if answer.model == model and answer.version == change.after and answer.ended > change.wrote
    ]
    return min(moments) - change.wrote


def test_no_request_fails_through_a_new_version_a_switch_a_rollback_and_a_handler_patch(
    runtime: TorchServeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    with Site(runtime) as site:
        marks: list[tuple[str, float]] = []
        changes: list[Change] = []
        held = {model: {"1": site.publish(model, "1")} for model in MODELS}
        site.configure(held, dict.fromkeys(MODELS, "1"))
        site.until_serving(**dict.fromkeys(MODELS, "1"))

        def change(name: str, before: str, after: str) -> None:
            wrote = time.monotonic()
            site.configure(held, dict.fromkeys(MODELS, after))
            site.until_serving(**dict.fromkeys(MODELS, after))
            changes.append(Change(name, wrote, time.monotonic(), before, after))
            marks.append((name, wrote))
            marks.append((f"after {name}", changes[-1].switched))
            load.more()

        with Load(site.torchserve.inference, MODELS) as load:
            marks.append(("before", time.monotonic()))
            load.more()
            for model in MODELS:
                held[model] = {**held[model], "2": site.publish(model, "2", code="b")}
            change("new version and switch", "1", "2")
            change("rollback", "2", "1")
            for model in MODELS:
                held[model] = {"1": held[model]["1"], "1.1": site.publish(model, "1.1", code="patched")}
            change("handler-only patch", "1", "1.1")
            for model in MODELS:
                held[model] = {"1.1": held[model]["1.1"]}
            site.configure(held, dict.fromkeys(MODELS, "1.1"))
            for model in MODELS:
                site.until_only(model, "1.1")
            marks.append(("old ones are gone", load.more()))
            load.more()

        with capsys.disabled():
            print(f"\n{figures('all', load.answers)}")
            for (name, began), (_, ended) in zip(marks, [*marks[1:], ("", float("inf"))], strict=True):
                span = [answer for answer in load.answers if began <= answer.began < ended]
                print(figures(name, span))
            for made in changes:
                spans = sorted(first_answer(load.answers, made, model) for model in MODELS)
                print(
                    f"{made.name}: write to traffic {spans[0]:.2f} to {spans[-1]:.2f} s over {len(MODELS)} models"
                )
        assert load.failures() == []
        assert [found for model in MODELS for found in wrong(load.answers, changes, model)] == []
        assert {answer.text.split("|")[2] for answer in load.answers} == {"a", "b", "patched"}
