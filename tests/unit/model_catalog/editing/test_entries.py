"""One artifact of an entry changes, and every other line stays byte for byte."""

import pytest

from model_catalog import BucketArtifact, MirroredFrom, Selector
from model_catalog.editing import EditError, with_artifact

COMMIT = "1" * 40
"""All digits, which a reader that guesses types takes for a number."""
DIGEST = f"sha256:{'a' * 64}"
MIRROR = BucketArtifact(
    bucket="research-models",
    path=f"hub/a/b/{COMMIT}",
    digest=DIGEST,
    mirrored_from=MirroredFrom(repository="a/b", revision=COMMIT),
)
ENTRY = """\
task: TextGeneration
model: Writer
engine: vllm
# Every version has these.
adapters:
  # For contracts.
  legal: {repository: a/legal, revision: unresolved, digest: unresolved}
languages:
  mul:
    versions:
      "1":
        # Read in its card.
        license: mit
        artifact: {repository: a/b, revision: unresolved, digest: unresolved}
        notes: "first"  # and last
      "2":
        artifact:
          repository: a/b
          # Pinned by research.
          revision: unresolved
          digest: unresolved  # to be computed
        adapters:
          # Of its own.
          tone: {repository: a/tone, revision: unresolved, digest: unresolved}
"""
FIRST, SECOND = (Selector.parse(f"TextGeneration/Writer/mul@{version}") for version in ("1", "2"))


def block(indent: str, *, key: str = "artifact") -> str:
    lines = [
        f"{key}:",
        f"  digest: {DIGEST}",
        "  bucket: research-models",
        f"  path: hub/a/b/{COMMIT}",
        f'  mirrored_from: {{repository: a/b, revision: "{COMMIT}"}}',
    ]
    return "".join(f"{indent}{line}\n" for line in lines)


def test_an_artifact_on_one_line_becomes_a_block_and_nothing_else_changes() -> None:
    line = "        artifact: {repository: a/b, revision: unresolved, digest: unresolved}\n"
    assert with_artifact(ENTRY, FIRST, ("artifact",), MIRROR) == ENTRY.replace(line, block("        "))


def test_an_artifact_in_lines_keeps_its_comments() -> None:
    after = with_artifact(ENTRY, SECOND, ("artifact",), MIRROR)
    assert f"          digest: {DIGEST}  # to be computed\n" in after
    assert [line for line in ENTRY.splitlines() if "# P" in line] == [
        line for line in after.splitlines() if "# P" in line
    ]
    assert "repository: a/b\n" not in after


def test_an_adapter_of_one_version_is_changed_there() -> None:
    line = "          tone: {repository: a/tone, revision: unresolved, digest: unresolved}\n"
    after = with_artifact(ENTRY, SECOND, ("adapters", "tone"), MIRROR)
    assert after == ENTRY.replace(line, block("          ", key="tone"))


def test_an_adapter_that_the_entry_hands_down_is_changed_where_it_is_written() -> None:
    line = "  legal: {repository: a/legal, revision: unresolved, digest: unresolved}\n"
    after = with_artifact(ENTRY, FIRST, ("adapters", "legal"), MIRROR)
    assert after == ENTRY.replace(line, block("  ", key="legal"))


def test_what_is_so_already_stays_byte_for_byte() -> None:
    once = with_artifact(ENTRY, FIRST, ("artifact",), MIRROR)
    assert with_artifact(once, FIRST, ("artifact",), MIRROR) == once


@pytest.mark.parametrize("place", [("artifact",), ("adapters", "absent")])
def test_what_the_text_does_not_say_is_refused(place: tuple[str, ...]) -> None:
    with pytest.raises(EditError, match="write it by hand"):
        with_artifact(ENTRY, Selector.parse("TextGeneration/Writer/mul@3"), place, MIRROR)
