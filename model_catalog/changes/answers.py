"""What of a version makes its answers, and so never changes once the version is released.

A version is the triple of weights, configuration and code. All its settings count, inherited ones too, except:
- facts about it rather than parts of it: `notes`, `evaluations`, `memory`, `architecture`, `license`, where it was
  imported from and what it is tried with. They are measured or corrected later, and the model answers as before;
- serving options that its engine lists as TUNABLE: workers, batches, queues and timeouts change when an answer
  comes, not which. A release may override them;
- where its files lie, as long as their digest is known and the same, and how their bucket is reached;
- a digest or a revision that was unresolved and is now observed;
- a mirror in a bucket in place of the repository that it is a copy of.

The engine is no part of a version: `slipway migrate` changes it for a whole entry. The two engines' own options are
then not compared; the rule entry-wide-change reports the move.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from engines import UNRESOLVED, tgi, torchserve, vllm
from model_catalog.artifact import Artifact
from model_catalog.changes.settings import SettingChange, differences, plain
from model_catalog.entry import Engine, Entry, TorchServeEntry
from model_catalog.version import LlmVersion, Version, VersionBase

FACTS: Final = frozenset(
    {"architecture", "evaluations", "imported_from", "license", "memory", "notes", "smoke"}
)
"""Keys of a version that say something about it."""

_ARTIFACTS: Final = frozenset({"artifact", "adapters"})
"""Keys that are judged by digest."""

_WAY: Final = frozenset({"account", "region"})
"""Keys of an artifact that say how its bucket is reached."""

_MIRRORED: Final = "mirrored_from"

_ENGINES_OWN: Final = frozenset({"archive", "quantization", "serving"})
"""Keys that mean something to one engine alone."""

TUNABLE: Final[Mapping[Engine, frozenset[str]]] = {
    Engine.TGI: tgi.TUNABLE,
    Engine.TORCHSERVE: torchserve.TUNABLE,
    Engine.VLLM: vllm.TUNABLE,
}


def answer_changes(old: Entry, new: Entry, language: str, version: str) -> tuple[SettingChange, ...]:
    """Settings of one version that change its answers, sorted by path. Raises KeyError where a side lacks it."""
    before, after = old.version(language, version), new.version(language, version)
    if before == after:
        return ()
    was, becomes = (_compared(entry, language, version) for entry in (old, new))
    if old.engine is not new.engine:
        shared = (was.keys() & becomes.keys()) - _ENGINES_OWN
        was, becomes = ({key: side[key] for key in shared} for side in (was, becomes))
    found = (*differences(was, becomes), *_artifact_changes(before, after))
    return tuple(sorted(found, key=lambda change: change.path))


def _compared(entry: Entry, language: str, version: str) -> dict[str, Any]:
    said = plain(entry.version(language, version), exclude=FACTS | _ARTIFACTS)
    tunable = TUNABLE[entry.engine]
    said["serving"] = {option: value for option, value in said["serving"].items() if option not in tunable}
    if isinstance(entry, TorchServeEntry):
        # Another served_name is another address of the same answers (the rule served-name-kept).
        by_default = torchserve.archive_name(torchserve.model_name(language, entry.model), version)
        said["archive"] = entry.version(language, version).archive or by_default
    return said


def _artifact_changes(old: Version, new: Version) -> Iterator[SettingChange]:
    was, becomes = _artifacts(old), _artifacts(new)
    for path in sorted({*was, *becomes}):
        before, after = was.get(path), becomes.get(path)
        if before is None or after is None:
            yield SettingChange(path=path, old=before, new=after)
        elif not (before["digest"] == after["digest"] != UNRESOLVED):
            for change in differences(_beside(before, after), _beside(after, before)):
                if change.old != UNRESOLVED:
                    yield SettingChange(path=(*path, *change.path), old=change.old, new=change.new)


def _beside(files: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Return what is compared with the other side: of a mirror, where that is on the Hub, what it is a copy of."""
    mirrored = files.get(_MIRRORED)
    if mirrored and "repository" in others:
        return {**mirrored, "digest": files["digest"]}
    return {key: value for key, value in files.items() if key != _MIRRORED}


def _files(artifact: Artifact) -> dict[str, Any]:
    return plain(artifact, exclude=_WAY)


def _artifacts(version: VersionBase) -> dict[tuple[str, ...], dict[str, Any]]:
    found: dict[tuple[str, ...], dict[str, Any]] = {("artifact",): _files(version.artifact)}
    if isinstance(version, LlmVersion):
        found |= {("adapters", name): _files(adapter) for name, adapter in version.adapters.items()}
    return found
