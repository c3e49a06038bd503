"""What each step does to the disk and to TorchServe."""

from dataclasses import replace

import pytest

from tests.unit.workloads.agent.bench import (
    FILES,
    GOOD,
    KEY,
    NAMED_OTHERWISE,
    OBJECTS,
    SPEC,
    THIN,
    THIN_KEY,
    WEIGHTS,
    WITH_WEIGHTS,
    Bench,
    archive,
    fetched,
    key_of,
)
from tests.unit.workloads.agent.samples import MODEL, digest, spec
from tests.unit.workloads.artifacts.artifacts_on_disk import tree
from workloads.agent.configuration import Version, Weights
from workloads.agent.state import Failure, InForce
from workloads.agent.steps import (
    Collect,
    CollectWeights,
    Fetch,
    FetchWeights,
    Forget,
    Load,
    Register,
    Restart,
    SetDefault,
    Step,
    Unregister,
    Warm,
)
from workloads.agent.torchserve import Refused, TorchServeAway
from workloads.artifacts.port import SourceError


def test_an_archive_is_fetched_and_deleted(bench: Bench) -> None:
    assert bench.run(Fetch(KEY, "1.mar")) is None
    assert bench.executor.disk.archives.present() == {KEY.digest: len(GOOD)}
    assert bench.run(Collect(KEY.digest)) is None
    assert bench.executor.disk.archives.present() == {}


@pytest.mark.parametrize(
    ("content", "stage", "own_fault"),
    [
        (SourceError("no such file", missing=True), "fetch", True),
        (SourceError("503 Slow Down"), "fetch", False),
        (b"other bytes", "fetch", True),
        (OSError(28, "No space left on device"), "disk", False),
        (OSError(5, "I/O error"), "fetch", False),
    ],
)
def test_a_fetch_that_fails_says_whose_fault_it_is(
    bench: Bench, content: bytes | Exception, stage: str, own_fault: bool
) -> None:
    bench.source.held["1.mar"] = content
    failure = bench.failing(Fetch(KEY, "1.mar"))
    assert (failure.stage, failure.own_fault) == (stage, own_fault)


def test_an_archive_is_registered_after_a_look_into_it(bench: Bench) -> None:
    bench.run(Fetch(KEY, "1.mar"))
    assert bench.run(Register(KEY, SPEC)) is None
    assert bench.torchserve.asked == ["register 1 1"]


def test_an_archive_that_names_another_version_never_reaches_torchserve(bench: Bench) -> None:
    other = key_of(NAMED_OTHERWISE)
    bench.source.held["1.mar"] = NAMED_OTHERWISE
    bench.run(Fetch(other, "1.mar"))
    failure = bench.failing(Register(other, SPEC))
    assert "the archive says it is version 7" in failure.reason
    assert bench.torchserve.asked == []


def test_an_archive_that_was_altered_on_the_disk_is_deleted_and_so_fetched_again(bench: Bench) -> None:
    bench.run(Fetch(KEY, "1.mar"))
    bench.executor.disk.archives.path(KEY.digest).write_bytes(b"altered")
    assert "altered" in bench.failing(Register(KEY, SPEC)).reason
    assert bench.executor.disk.archives.present() == {}


def test_a_full_disk_met_by_torchserve_is_not_the_version_s_fault(bench: Bench) -> None:
    bench.run(Fetch(KEY, "1.mar"))
    bench.torchserve.fails["register"] = Refused(500, "java.io.IOException: No space left on device")
    failure = bench.failing(Register(KEY, SPEC))
    assert (failure.stage, failure.own_fault) == ("disk", False)


def test_loading_waits_for_every_worker(bench: Bench) -> None:
    bench.torchserve.ready_after = 3
    assert bench.run(Load(KEY, SPEC)) is None
    assert bench.torchserve.asked == ["scale 1 1 1", *["describe"] * 4]


def test_workers_that_are_not_ready_in_time_are_the_version_s_fault(bench: Bench) -> None:
    bench.torchserve.ready_after = 10**9
    failure = bench.failing(Load(KEY, SPEC))
    assert failure == Failure("load", "1 workers were not ready within 120 s", own_fault=True)
    assert 130 <= bench.seconds[0] < 131


LOG = """\
2026-11-22T21:18:20,158 [INFO ] W-9001-fr_reader_1-stdout MODEL_LOG - Failed to load model m, exception no vocabulary
2026-11-22T21:18:20,159 [INFO ] W-9001-fr_reader_1-stdout MODEL_LOG - RuntimeError: no vocabulary
2026-11-22T21:18:20,176 [INFO ] W-9001-fr_reader_1-stdout MODEL_LOG - RuntimeError: 500 - Unknown exception
2026-11-22T21:18:20,176 [INFO ] W-9001-fr_reader_11-stdout MODEL_LOG - ValueError: of another version
"""


def test_a_worker_that_fails_says_why_in_the_words_of_its_own_log(bench: Bench) -> None:
    bench.log.write_text(LOG)
    bench.torchserve.fails["scale"] = Refused(500, "Failed to start workers")
    failure = bench.failing(Load(KEY, SPEC))
    assert failure.reason == "RuntimeError: no vocabulary (TorchServe says 500: Failed to start workers)"
    assert failure.own_fault


def test_without_a_log_torchserve_s_words_are_all_there_is(bench: Bench) -> None:
    bench.torchserve.fails["scale"] = Refused(500, "Failed to start workers")
    assert bench.failing(Load(KEY, SPEC)).reason == "TorchServe says 500: Failed to start workers"


@pytest.mark.parametrize("how", ["refuses", "forgets"])
def test_a_version_that_torchserve_lost_amid_loading_is_not_to_blame(bench: Bench, how: str) -> None:
    bench.torchserve.lost = True
    if how == "refuses":
        bench.torchserve.fails["scale"] = Refused(404, "Model not found")
    failure = bench.failing(Load(KEY, SPEC))
    assert not failure.own_fault
    assert "lost the version" in failure.reason


def test_each_worker_gets_the_smoke_input(bench: Bench) -> None:
    assert bench.run(Warm(KEY, spec("1", workers=2))) is None
    assert bench.torchserve.asked == ['predict 1 "hello"', 'predict 1 "hello"']


def test_a_version_without_a_smoke_input_is_warm_once_its_workers_are_ready(bench: Bench) -> None:
    assert bench.run(Warm(KEY, Version(SPEC.archive))) is None
    assert bench.torchserve.asked == []


def test_an_answer_to_the_smoke_input_that_is_an_error_is_the_version_s_fault(bench: Bench) -> None:
    bench.torchserve.fails["predict"] = Refused(503, "Prediction failed")
    assert bench.failing(Warm(KEY, SPEC)) == Failure("smoke", "TorchServe says 503: Prediction failed", True)


def test_workers_are_replaced_by_way_of_none(bench: Bench) -> None:
    assert bench.run(Restart(KEY, SPEC)) is None
    assert bench.torchserve.asked == ["scale 1 0 0", "scale 1 1 1", "describe"]


def test_a_version_that_is_gone_already_is_unregistered(bench: Bench) -> None:
    bench.torchserve.fails["unregister"] = Refused(404, "Model not found")
    assert bench.run(Unregister(KEY, "drained")) is None


@pytest.mark.parametrize("step", [Unregister(KEY, "drained"), SetDefault(KEY)])
def test_a_refused_management_request_is_tried_again(bench: Bench, step: Step) -> None:
    bench.torchserve.fails.update(unregister=Refused(403, "default"), default=Refused(404, "gone"))
    assert not bench.failing(step).own_fault


@pytest.mark.parametrize("error", [TorchServeAway("refused"), RuntimeError("a mistake of ours")])
def test_whatever_goes_wrong_comes_back_as_a_reason(bench: Bench, error: Exception) -> None:
    bench.torchserve.fails["default"] = error
    failure = bench.failing(SetDefault(KEY))
    assert str(error) in failure.reason
    assert not failure.own_fault


def test_weights_are_fetched_and_deleted(bench: Bench) -> None:
    fetched(bench, THIN)
    assert bench.executor.disk.weights.present() == {WEIGHTS.digest: 1002}
    assert bench.run(CollectWeights(WEIGHTS.digest)) is None
    assert bench.executor.disk.weights.present() == {}


@pytest.mark.parametrize(
    ("content", "stage", "own_fault"),
    [
        (SourceError("no such key", missing=True), "fetch", True),
        (SourceError("503 Slow Down"), "fetch", False),
        (b"other bytes", "fetch", True),
        (OSError(28, "No space left on device"), "disk", False),
    ],
)
@pytest.mark.parametrize("name", ["manifest.json", "files/weights.bin"])
def test_weights_that_fail_say_whose_fault_it_is(
    bench: Bench, content: bytes | Exception, stage: str, own_fault: bool, name: str
) -> None:
    bench.source.held.update({**OBJECTS, f"{WEIGHTS.location}/{name}": content})
    failure = bench.failing(FetchWeights(THIN_KEY, WEIGHTS))
    assert (failure.stage, failure.own_fault) == (stage, own_fault)


def test_a_thin_archive_is_registered_after_its_file_was_written_and_loses_it_when_it_goes(
    bench: Bench,
) -> None:
    key = fetched(bench, THIN)
    files = bench.executor.disk.version_files
    bench.torchserve.fails["register"] = TorchServeAway("refused")
    bench.run(Register(key, WITH_WEIGHTS))
    assert files.present() == {(MODEL, "1"): InForce(WEIGHTS.digest, 0.5)}
    bench.torchserve.fails["unregister"] = Refused(503, "busy")
    bench.run(Unregister(key, "drained"))
    assert files.present() != {}
    bench.torchserve.fails.clear()
    assert bench.run(Unregister(key, "drained")) is None
    assert files.present() == {}


@pytest.mark.parametrize(
    ("weights_inside", "configured", "said"),
    [
        (
            digest("v"),
            WEIGHTS,
            f"made for the weights {digest('v')}, and the configuration names {WEIGHTS.digest}",
        ),
        (WEIGHTS.digest, None, f"made for the weights {WEIGHTS.digest}, and the configuration names none"),
    ],
)
def test_a_thin_archive_that_is_made_for_other_weights_never_reaches_torchserve(
    bench: Bench, weights_inside: str, configured: Weights | None, said: str
) -> None:
    key = fetched(bench, archive("1", weights_inside), None)
    failure = bench.failing(Register(key, replace(SPEC, weights=configured)))
    assert (failure.stage, failure.own_fault) == ("register", True)
    assert said in failure.reason
    assert bench.torchserve.asked == []


def test_a_thin_archive_that_is_made_for_another_model_never_reaches_torchserve(bench: Bench) -> None:
    """Its adapter looks for versions/<the archive's model>/…: it would load what that model has."""
    content = archive("1", WEIGHTS.digest, model="en_reader")
    key = fetched(bench, content)
    failure = bench.failing(Register(key, WITH_WEIGHTS))
    assert (failure.stage, failure.own_fault) == ("register", True)
    assert "says it is en_reader" in failure.reason
    assert bench.torchserve.asked == []


@pytest.mark.parametrize(
    ("content", "configured"),
    [
        (archive("1", WEIGHTS.digest), WEIGHTS),
        (archive("1", None), WEIGHTS),
        (archive("1", WEIGHTS.digest, "weights/config.json"), None),
    ],
)
def test_an_archive_that_agrees_or_says_nothing_or_brings_its_weights_is_registered(
    bench: Bench, content: bytes, configured: Weights | None
) -> None:
    key = fetched(bench, content, configured)
    assert bench.run(Register(key, replace(SPEC, weights=configured))) is None


def test_a_running_version_keeps_what_its_workers_were_told_until_all_of_them_are_replaced(
    bench: Bench,
) -> None:
    bench.run(Fetch(KEY, "1.mar"))
    bench.run(Register(KEY, WITH_WEIGHTS))
    changed = replace(WITH_WEIGHTS, gpu_memory_fraction=0.25)
    bench.run(Load(KEY, changed))
    files = bench.executor.disk.version_files
    assert files.present()[MODEL, "1"].gpu_memory_fraction == 0.5
    bench.run(Restart(KEY, changed))
    assert files.present()[MODEL, "1"].gpu_memory_fraction == 0.25


def test_weights_that_were_altered_on_the_disk_are_to_blame_and_are_fetched_again(bench: Bench) -> None:
    key = fetched(bench, THIN)
    folder = bench.executor.disk.weights.path(WEIGHTS.digest)
    assert tree(folder) == FILES
    (folder / "weights.bin").write_bytes(b"x" * 1000)
    bench.torchserve.fails["scale"] = Refused(500, "Failed to start workers")
    assert "the weights on the disk were altered" in bench.failing(Load(key, WITH_WEIGHTS)).reason
    assert bench.executor.disk.weights.present() == {}


def test_a_file_is_forgotten(bench: Bench) -> None:
    bench.executor.disk.version_files.write(KEY, SPEC)
    assert bench.run(Forget(MODEL, "1")) is None
    assert bench.executor.disk.version_files.present() == {}
