"""A world in memory for the agent's decisions: TorchServe as measured, a source, a disk, a clock, and callers.

It drives the real planner and the real memory, one step at a time, and crashes what it is told to. TorchServe's habits
that matter are kept: the first version registered is the default, a default goes last, a restart forgets everything.
"""

from dataclasses import dataclass, field, replace

from tests.unit.workloads.agent.samples import model, registered
from workloads.agent import journal, recall
from workloads.agent.configuration import Configuration, Key
from workloads.agent.planner import plan
from workloads.agent.state import Failure, InForce, Memory, Observed, ObservedModel, Registered
from workloads.agent.status import Situation, not_ready_because
from workloads.agent.steps import (
    Collect,
    CollectWeights,
    Fetch,
    FetchWeights,
    Forget,
    Load,
    Outcome,
    Register,
    Restart,
    SetDefault,
    Step,
    Unregister,
    Warm,
)


@dataclass
class World:
    desired: Configuration
    models: dict[str, ObservedModel] = field(default_factory=dict)
    disk: dict[str, int] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    """Weights of which a part is there."""
    files: dict[tuple[str, str], InForce] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    now: float = 1000.0
    up: bool = True
    broken: dict[Key, Failure] = field(default_factory=dict)
    """Which versions fail, and at which stage; "weights" fails the fetch of those alone."""
    dies_before_forgetting: bool = False
    """Whether the agent dies each time that it has taken a version out, before it deletes the version's file."""
    done: list[Step] = field(default_factory=list)

    def observed(self) -> Observed:
        models = self.models if self.up else {}
        return Observed(
            answers=self.up,
            models=dict(models),
            archives=dict(self.disk),
            weights=dict(self.weights),
            begun_weights=frozenset(self.begun),
            version_files=dict(self.files),
        )

    def situation(self) -> Situation:
        return Situation(desired=self.desired, observed=self.observed(), memory=self.memory, now=self.now)

    def not_ready(self) -> str | None:
        return not_ready_because(self.situation())

    def default(self, name: str) -> str | None:
        return self.models[name].default if name in self.models else None

    def registered(self) -> set[Key]:
        return {version.key for shown in self.models.values() for version in shown.versions.values()}

    def look(self) -> tuple[Step, ...]:
        self.memory = recall.look(self.desired, self.observed(), self.memory, self.now)
        return plan(self.desired, self.observed(), self.memory, self.now)

    def turn(self, stop_before: int | None = None) -> int:
        """One turn; the steps that were done. `stop_before` crashes the agent before that step's end is noted."""
        steps = self.look()
        for number, step in enumerate(steps):
            failure = self._do(step)
            self.done.append(step)
            if number == stop_before:
                return number + 1
            self.memory = recall.outcome(self.memory, Outcome(step, failure), self.now)
        self.look()
        return len(steps)

    def settle(self, seconds: float = 0.0) -> None:
        """Turn until nothing is left to do, then let time pass in small strides."""
        end = self.now + seconds
        while True:
            for _ in range(200):
                if not self.turn():
                    break
            else:
                raise AssertionError(f"the agent does not come to rest: {self.done[-6:]}")
            if self.now >= end:
                return
            self.now = min(self.now + 5.0, end)

    def crash_torchserve(self) -> None:
        self.models = {}

    def crash_agent(self, *, keeps_memory: bool = True) -> None:
        self.memory = journal.read_memory(journal.memory_json(self.memory)) if keeps_memory else Memory()

    def kill_workers(self, found: Key) -> None:
        self._put(registered(found, ready=0, workers=self._shown(found).workers))

    def _do(self, step: Step) -> Failure | None:
        failure = self._failure(step)
        if isinstance(step, Collect | CollectWeights | Forget | Fetch | FetchWeights):
            self._on_disk(step, failure)
        elif not self.up:
            return Failure("away", "TorchServe is away", own_fault=False)
        elif isinstance(step, Register) and failure is None:
            self._register(step)
        elif isinstance(step, Load | Restart):
            workers = step.spec.min_workers
            self._put(registered(step.key, ready=0 if failure else workers, workers=workers))
        elif isinstance(step, SetDefault):
            shown = self.models[step.key.model]
            assert step.key.version in shown.versions
            self.models[step.key.model] = replace(shown, default=step.key.version)
        elif isinstance(step, Unregister):
            self._remove(step.key)
            if not self.dies_before_forgetting:
                self.files.pop((step.key.model, step.key.version), None)
        return failure

    def _on_disk(
        self, step: Collect | CollectWeights | Forget | Fetch | FetchWeights, failure: Failure | None
    ) -> None:
        if isinstance(step, Collect):
            self.disk.pop(step.digest, None)
        elif isinstance(step, CollectWeights):
            assert step.digest not in self.weights_in_use(), "deleted under a version that has to serve"
            self.weights.pop(step.digest, None)
            self.begun.discard(step.digest)
        elif isinstance(step, Forget):
            assert (step.model, step.version) not in {(k.model, k.version) for k in self.registered()}
            del self.files[step.model, step.version]
        elif isinstance(step, Fetch):
            if failure is None:
                self.disk[step.key.digest] = 1
        elif failure is None:
            self.weights[step.weights.digest] = 1
            self.begun.discard(step.weights.digest)
        else:
            self.begun.add(step.weights.digest)

    def _register(self, step: Register) -> None:
        wanted = step.spec.weights
        assert step.key.digest in self.disk, "registered before it was fetched"
        assert wanted is None or wanted.digest in self.weights, "registered before its weights were there"
        self.files[step.key.model, step.key.version] = InForce(
            wanted.digest if wanted else None, step.spec.gpu_memory_fraction
        )
        self._put(registered(step.key, ready=0))

    def weights_in_use(self) -> set[str]:
        """Of every registered version, as its workers were told."""
        told = (self.files.get((found.model, found.version)) for found in self.registered())
        return {file.weights for file in told if file and file.weights}

    def _failure(self, step: Step) -> Failure | None:
        fetching = {"fetch", "disk"}
        stages = {
            Fetch: fetching,
            FetchWeights: {"weights", *fetching},
            Register: {"register"},
            Load: {"load"},
            Warm: {"smoke"},
        }
        if isinstance(step, Collect | CollectWeights | Forget) or step.key not in self.broken:
            return None
        failure = self.broken[step.key]
        if failure.stage not in stages.get(type(step), set()):
            return None
        return replace(failure, stage="fetch") if failure.stage == "weights" else failure

    def _shown(self, found: Key) -> Registered:
        return self.models[found.model].versions[found.version]

    def _put(self, version: Registered) -> None:
        name = version.key.model
        before = self.models.get(name, model(version.key.version))
        self.models[name] = replace(before, versions={**before.versions, version.key.version: version})

    def _remove(self, found: Key) -> None:
        before = self.models[found.model]
        left = {version: shown for version, shown in before.versions.items() if version != found.version}
        assert not left or before.default != found.version, "TorchServe answers 403: it is the default"
        self.models[found.model] = replace(before, versions=left)
        if not left:
            del self.models[found.model]
