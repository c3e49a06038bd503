"""Freezes a handler's current source as its VERSION: `python -m workloads.handlers.release NAME`.

A frozen version is one zip, so that a search in the tree finds each function once. Archives are made of it, never of
the source: a version that somebody serves keeps its bytes, and a patch moves nothing but itself. Prints what it wrote;
exit code 1: refused, 2: wrong arguments.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

SOURCE = Path(__file__).parent
PACKAGE = "slipway_handler"
"""The name of the package in an archive. A worker serves one model in a process of its own, so it clashes with none."""
_TOOLS = frozenset({"release.py"})
"""Shared modules that no archive needs."""
_VERSION = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}")
_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)
"""That a zip knows."""
_REGULAR_FILE = 0o100644 << 16
_UNIX = 3
_LINE = re.compile(rf"(?P<name>\w+) (?P<version>{_VERSION.pattern}) (?P<digest>sha256:[0-9a-f]{{64}})")
"""Of digests.txt, which this module writes: a comment in it would not survive the next release."""
_ENTRY = '''"""The class that TorchServe finds. Written by workloads/handlers/release.py."""

from {package} import {name} as model
from {package}.torchserve import TorchServeModel


class Handler(TorchServeModel):
    """See the package's docstring."""

    load = staticmethod(model.load)
    uses_gpu = model.USES_GPU
'''
_EPILOG = """\
to patch a handler:
  1. edit workloads/handlers/NAME/ or a shared module beside it
  2. raise VERSION in workloads/handlers/NAME/__init__.py
     (a shared module is in every handler: raise each of those whose copy should have the change)
  3. python -m workloads.handlers.release NAME
  4. commit released/NAME-VERSION.zip and digests.txt, and name the version in the catalog:
     handler: {name: NAME, version: VERSION}
a frozen version never changes: a mistake in one is mended by the next.
"""


class ReleaseError(RuntimeError):
    """The version cannot be frozen; the message says why and what to do."""


def handlers(source: Path = SOURCE) -> list[str]:
    """Every handler that has a source: a package with a port."""
    return sorted(path.parent.name for path in source.glob("*/port.py"))


def version(name: str, source: Path = SOURCE) -> str:
    """What VERSION says. Raises ReleaseError."""
    place = source / name / "__init__.py"
    for node in ast.parse(place.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VERSION":
            said = ast.literal_eval(node.value)
            if isinstance(said, str) and _VERSION.fullmatch(said):
                return said
            raise ReleaseError(f'{place}: VERSION is {said!r}. Fix: three numbers, such as "1.0.0"')
    raise ReleaseError(f'{place}: has no VERSION. Fix: add VERSION = "1.0.0"')


def current(name: str, source: Path = SOURCE) -> dict[str, bytes]:
    """The files that an archive of the current source has: relative name → content."""
    files = {"handler.py": _ENTRY.format(package=PACKAGE, name=name).encode()}
    for path in sorted(source.glob("*.py")):
        if path.name not in _TOOLS:
            files[f"{PACKAGE}/{path.name}"] = path.read_bytes()
    for path in sorted((source / name).rglob("*.py")):
        files[f"{PACKAGE}/{path.relative_to(source).as_posix()}"] = path.read_bytes()
    return files


def frozen(name: str, of_version: str, source: Path = SOURCE) -> dict[str, bytes]:
    """The files of a frozen version; none where it is not frozen. Raises ReleaseError."""
    path = frozen_path(name, of_version, source)
    if not path.exists():
        return {}
    try:
        with zipfile.ZipFile(path) as opened:
            return {member: opened.read(member) for member in opened.namelist()}
    except zipfile.BadZipFile as error:
        raise ReleaseError(
            f"{path}: is no whole zip ({error}). Fix: put it back as it was committed"
        ) from error


def frozen_path(name: str, of_version: str, source: Path = SOURCE) -> Path:
    """Where a frozen version lies, or would."""
    return source / "released" / f"{name}-{of_version}.zip"


def packed(files: Mapping[str, bytes]) -> bytes:
    """The zip of these files: the same bytes on every machine, on every day, whatever zlib and umask are."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in sorted(files, key=lambda one: one.encode()):
            member = zipfile.ZipInfo(name, date_time=_FIRST_MOMENT)
            member.create_system, member.external_attr = _UNIX, _REGULAR_FILE
            archive.writestr(member, files[name])
    return held.getvalue()


def tree_digest(files: Mapping[str, bytes]) -> str:
    """As docs/artifacts.md defines it for a folder."""
    lines = ["slipway-tree-1"]
    for name in sorted(files, key=lambda one: one.encode()):
        lines.append(f"{hashlib.sha256(files[name]).hexdigest()} {len(files[name])} {name}")
    return "sha256:" + hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def read_digests(source: Path = SOURCE) -> dict[tuple[str, str], str]:
    """What released/digests.txt says: name and version → digest. Raises ReleaseError."""
    path = source / "released" / "digests.txt"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found: dict[tuple[str, str], str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        said = _LINE.fullmatch(line)
        if said is None:
            raise ReleaseError(
                f"{path}:{number}: {line!r} is not a handler's name, its version and sha256: with 64 hex digits. "
                "Fix: put it back as it was committed"
            )
        found[said["name"], said["version"]] = said["digest"]
    return found


def release(name: str, source: Path = SOURCE) -> str:
    """Freezes; one sentence about what was done. Raises ReleaseError and leaves everything as it was."""
    if name not in handlers(source):
        raise ReleaseError(
            f"there is no handler {name!r} in {source}. There are: {', '.join(handlers(source))}"
        )
    of_version, files = version(name, source), current(name, source)
    path, content = frozen_path(name, of_version, source), packed(files)
    said = read_digests(source).get((name, of_version))
    digest = tree_digest(files)
    held = path.exists()
    if (held and path.read_bytes() != content) or said not in {None, digest}:
        was = frozen(name, of_version, source)
        changed = sorted(one for one in {*was, *files} if was.get(one) != files.get(one)) or [
            "digest or packing"
        ]
        raise ReleaseError(
            f"{name} {of_version} is frozen with another {', '.join(changed)}, and a released version never changes. "
            f"Fix: raise VERSION in {source / name / '__init__.py'}, or take the edit back"
        )
    if held and said == digest:
        return f"{name} {of_version} is frozen already, and the source is still the same ({digest})"
    _write(path, content)
    _write_digests(source, {**read_digests(source), (name, of_version): digest})
    return f"{name} {of_version}: {len(files)} files in {path}, {digest}"


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_digests(source: Path, digests: Mapping[tuple[str, str], str]) -> None:
    def order(row: tuple[str, str]) -> tuple[str, list[int]]:
        return row[0], [int(number) for number in row[1].split(".")]

    lines = [
        f"{name} {of_version} {digests[name, of_version]}\n"
        for name, of_version in sorted(digests, key=order)
    ]
    _write(source / "released" / "digests.txt", "".join(lines).encode())


def main(given: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m workloads.handlers.release",
        description="Freezes a handler's current source as its VERSION, for archives to be made of.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(handlers())}")
    chosen = parser.parse_args(given)
    try:
        sys.stdout.write(f"{release(chosen.name)}\n")
    except ReleaseError as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
