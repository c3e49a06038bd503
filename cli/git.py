"""What git keeps of a checkout: revisions by name, and files as they were.

Only its object store is read: no index, no work tree, no temporary branch. No shell is used.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ENVIRONMENT: Final = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
"""It writes nothing, asks nobody, and words its errors one way."""
_OF_A_HOOK: Final = frozenset({"GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE"})
"""A hook hands these to what it starts. The folder that is asked about decides, not the hook's repository."""


class GitError(Exception):
    """Git is not there, this is no repository, or its history does not reach far enough."""


class UnknownRevisionError(Exception):
    """A name that no commit of this repository has."""


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The repository that a folder belongs to."""

    folder: Path
    """Paths are relative to it; it may lie below the repository's root."""

    def __post_init__(self) -> None:
        """Raises GitError where there is no repository, or no git."""
        asked = self._run("rev-parse", "--git-dir")
        if asked.returncode != 0:
            raise GitError(f"{self.folder}: {_said(asked.stderr)}")

    def commit(self, revision: str) -> str:
        """The full id of the commit that a revision names: a branch, a tag, HEAD~2.

        Raises UnknownRevisionError, or GitError where nothing can be asked.
        """
        found = self._find(revision)
        if found is not None:
            return found
        advice = "name a branch, a tag or a commit of it"
        if self._find(f"origin/{revision}") is not None:
            advice = f"did you mean origin/{revision}?"
        elif self.shallow:
            advice = f"the clone is shallow, so get more of it first: {_fetch(revision)}"
        raise UnknownRevisionError(f"{revision!r} is no revision of this repository; {advice}")

    def _find(self, revision: str) -> str | None:
        # Not names: the first would be an option, the second excludes a commit.
        if revision.startswith(("-", "^")):
            return None
        asked = self._run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        return asked.stdout.decode().strip() if asked.returncode == 0 else None

    def merge_base(self, base: str, head: str) -> str:
        """The last commit that both share, from which HEAD's own changes count. Takes full ids.

        Raises GitError where there is none.
        """
        asked = self._run("merge-base", base, head)
        if asked.returncode == 0:
            return asked.stdout.decode().split()[0]
        why = (
            f"the clone is shallow and may end before it: {_fetch()}"
            if self.shallow
            else "compare the two as they are with --no-merge-base"
        )
        raise GitError(f"{base[:12]} and {head[:12]} share no commit here; {why}")

    @property
    def shallow(self) -> bool:
        """Whether the clone holds only the newest part of its history, as those of CI do."""
        return self._output("rev-parse", "--is-shallow-repository").strip() == b"true"

    def files(self, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
        """Path → content of each file at or below `paths` in a commit, as git keeps it.

        A link is not followed: its content is where it leads. What a commit does not have is left out.
        """
        listed = self._output("ls-tree", "-r", "-z", commit, "--", *paths)
        found: dict[str, str] = {}
        for line in filter(None, listed.split(b"\0")):
            described, _, path = line.partition(b"\t")
            _, kind, identity = described.decode().split()
            if kind == "blob":
                found[path.decode(errors="replace")] = identity
        return self._contents(found)

    def _contents(self, identities: Mapping[str, str]) -> dict[str, bytes]:
        """One process for all files: a catalog may have a thousand."""
        asked = "".join(f"{identity}\n" for identity in identities.values()).encode()
        answer = memoryview(self._output("cat-file", "--batch", given=asked))
        contents: dict[str, bytes] = {}
        start = 0
        for path, identity in identities.items():
            end = bytes(answer[start : start + 256]).index(b"\n")
            head = bytes(answer[start : start + end]).decode().split()
            if head[0] != identity or head[1] != "blob":
                raise GitError(f"git does not have {path} ({identity}): {' '.join(head[1:])}")
            begin = start + end + 1
            contents[path] = bytes(answer[begin : begin + int(head[2])])
            start = begin + int(head[2]) + 1
        return contents

    def _output(self, *arguments: str, given: bytes = b"") -> bytes:
        ran = self._run(*arguments, given=given)
        if ran.returncode != 0:
            raise GitError(f"git {arguments[0]}: {_said(ran.stderr)}")
        return ran.stdout

    def _run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command: Sequence[str] = ("git", "-C", str(self.folder), *arguments)
        environment = {key: value for key, value in os.environ.items() if key not in _OF_A_HOOK}
        try:
            return subprocess.run(
                command, input=given, capture_output=True, check=False, env=environment | _ENVIRONMENT
            )
        except FileNotFoundError as error:
            raise GitError("git is not on PATH; install it") from error


def _said(stderr: bytes) -> str:
    text = stderr.decode(errors="replace").strip()
    return text.removeprefix("fatal: ") or "it failed and said nothing"


def _fetch(revision: str = "") -> str:
    name = revision.removeprefix("origin/") if revision else ""
    return f"git fetch --unshallow origin {name}".strip() + " (in CI: fetch-depth: 0)"
