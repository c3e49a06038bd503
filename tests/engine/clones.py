"""Checkouts of the working tree, each with a sandbox of its own."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3

from sandbox.lifecycle import Sandbox, shell_exports

REPOSITORY: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    code: int
    output: str

    def ok(self) -> str:
        """Its output; fails when the command did."""
        assert self.code == 0, self.output
        return self.output


@dataclass(frozen=True)
class Clone:
    """A checkout with a sandbox of its own."""

    root: Path

    @property
    def sandbox(self) -> Sandbox:
        return Sandbox(self.root)

    def slipway(self, *arguments: str) -> Ran:
        return self._run([sys.executable, "-m", "cli.main", *arguments])

    def start_slipway(self, *arguments: str) -> subprocess.Popen[str]:
        """A command under way; its output, both streams, is to be read by the caller."""
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "cli.main", *arguments],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_environment(),
        )

    def shell(self, script: str) -> Ran:
        return self._run(["bash", "-c", script])

    def in_printed_environment(self, script: str) -> Ran:
        """A shell script, in the environment that `slipway sandbox env` prints."""
        return self.shell(f'eval "$({shlex.quote(sys.executable)} -m cli.main sandbox env)" && {script}')

    def pulumi(self, *arguments: str) -> Ran:
        """A plain `pulumi` in the same environment, for which no process is started: it takes a second or more."""
        return self.shell(f"{shell_exports(self.sandbox.environment())}pulumi {' '.join(arguments)}")

    def preview(self, *arguments: str) -> dict[str, Any]:
        """What `pulumi preview --json` says."""
        ran = self.pulumi("preview --stack sandbox --json", *arguments, "2>/dev/null")
        previewed: dict[str, Any] = json.loads(ran.ok())
        return previewed

    def steps(self, *arguments: str) -> dict[str, str]:
        """What a preview would do: the logical name of each resource that changes → the operation."""
        return changes(self.preview(*arguments))

    def state(self) -> dict[str, Any]:
        exported = json.loads(self.pulumi("stack", "export", "--stack", "sandbox").ok())
        deployment: dict[str, Any] = exported["deployment"]
        return deployment

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))

    def restore(self) -> None:
        subprocess.run(["git", "checkout", "--quiet", "."], cwd=self.root, check=True)

    def aws(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]  # one of many literal overloads, chosen by a plain string
            endpoint_url=self.sandbox.endpoints().aws_url,
            region_name="eu-west-1",
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",
        )

    def _run(self, command: list[str]) -> Ran:
        ran = subprocess.run(
            command,
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=_environment(),
        )
        return Ran(ran.returncode, ran.stdout)


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "AWS_"))}


def changes(previewed: dict[str, Any]) -> dict[str, str]:
    """The logical name of each resource that a preview changes → the operation."""
    return {
        short(step["urn"]): step["op"]
        for step in previewed["steps"]
        if step["op"] not in ("same", "read", "refresh")
    }


def short(urn: str) -> str:
    """`kubernetes:apps/v1:Deployment gpu-g4dn-xlarge-torchserve-1-server` of a URN."""
    kind, name = urn.split("::")[2:4]
    return f"{kind.rpartition('$')[2]} {name}"


def new_clone(root: Path) -> Clone:
    """The working tree as git sees it, committed, so that `git status` says what running it changed."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, files.split("\0")):
        source, target = REPOSITORY / name, root / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    # What `make install` makes: the provider of artifacts runs in it.
    (root / ".venv").symlink_to(sys.prefix)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for command in (["git", "init", "-q"], ["git", "add", "-A"], [*git, "commit", "-qm", "as it is"]):
        subprocess.run(command, cwd=root, check=True)
    return Clone(root)
