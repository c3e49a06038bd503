"""Programs are found, built once, and their absence explained."""

import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.toolchain import build, find, programs
from sandbox.toolchain.plugin_version import plugin_version

FAKE_VERSION = "9.1.0"


@pytest.fixture(name="module")
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> programs.Module:
    """A Go module whose `go` is the shell script that a test writes to tmp_path/bin/go."""
    folder = tmp_path / "modules" / "tool"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text(f"module x\n\nrequire example.com/tool v{FAKE_VERSION}\n")
    (folder / "go.sum").write_text("h1:abc\n")
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(programs, "_MODULES_FOLDER", folder.parent)
    monkeypatch.setenv("SLIPWAY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return programs.Module(
        folder="tool",
        source="example.com/tool",
        programs=(programs.Program(name="slipway-fake-tool", package="example.com/tool"),),
        what="the tool",
    )


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def _fake_go(tmp_path: Path, build_body: str) -> None:
    _script(
        tmp_path / "bin" / "go",
        f'case "$1" in env) echo go1.26.8;; build) while [ "$1" != -o ]; do shift; done; out=$2; {build_body};; esac',
    )


PRODUCE = (
    f'printf "#!/bin/sh\\necho {FAKE_VERSION}\\n" > "$out"; chmod +x "$out"; '
    'echo built >> "$(dirname "$0")/count"'
)


def test_a_program_is_built_once_and_found_afterwards(module: programs.Module, tmp_path: Path) -> None:
    _fake_go(tmp_path, PRODUCE)
    lines: list[str] = []
    first = build.ensure_programs(lines.append, (module,))
    second = build.ensure_programs(lines.append, (module,))
    assert first == second
    assert first["slipway-fake-tool"].source == "cache"
    assert (tmp_path / "bin" / "count").read_text() == "built\n"
    assert any("building slipway-fake-tool" in line for line in lines)


@pytest.mark.usefixtures("module")
def test_two_builds_at_once_build_once_and_the_second_says_that_it_waits(tmp_path: Path) -> None:
    _fake_go(tmp_path, f"sleep 1; {PRODUCE}")
    code = (
        "import sys; from pathlib import Path; from sandbox.toolchain import build, programs;"
        f"programs._MODULES_FOLDER = Path({str(tmp_path / 'modules')!r});"
        "m = programs.Module(folder='tool', source='example.com/tool', what='the tool',"
        "programs=(programs.Program(name='slipway-fake-tool', package='example.com/tool'),));"
        "build.ensure_programs(print, (m,))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(2)
    ]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert (tmp_path / "bin" / "count").read_text() == "built\n"
    assert any("another build of it is running" in output for output in outputs)


def test_a_half_written_program_in_the_cache_is_built_again(module: programs.Module, tmp_path: Path) -> None:
    _fake_go(tmp_path, PRODUCE)
    broken = find.cache_folder(module) / "bin" / "slipway-fake-tool"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"\x7fELF half")
    broken.chmod(0o755)
    assert find.find(module, module.programs[0]) is None
    assert build.ensure_programs(print, (module,))["slipway-fake-tool"].version == FAKE_VERSION


def test_a_failed_build_leaves_nothing_that_looks_built(module: programs.Module, tmp_path: Path) -> None:
    _fake_go(tmp_path, 'echo half > "$out"; echo "main.go:3: undefined: x" >&2; exit 1')
    with pytest.raises(SandboxError, match="undefined: x"):
        build.ensure_programs(print, (module,))
    folder = find.cache_folder(module)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("version", "expected"), [("9.1.0", True), ("9.2.3", True), ("9.0.9", False), ("10.0.0", False)]
)
def test_a_program_on_path_is_taken_when_it_is_new_enough_and_of_the_same_major_version(
    module: programs.Module, tmp_path: Path, version: str, expected: bool
) -> None:
    _script(tmp_path / "bin" / "slipway-fake-tool", f"echo v{version}")
    found = find.find(module, module.programs[0])
    assert (found is not None and found.source == "path") is expected


def test_without_go_the_error_says_what_has_to_be_built_and_how_to_get_go(module: programs.Module) -> None:
    with pytest.raises(SandboxError, match=r"no `go` on PATH\. Install Go 1\.26 or newer"):
        build.ensure_programs(print, (module,))


def test_an_old_go_is_named_with_the_version_it_has(module: programs.Module, tmp_path: Path) -> None:
    _script(tmp_path / "bin" / "go", "echo go1.19.2")
    with pytest.raises(SandboxError, match=r"go1\.19\.2.*Install Go 1\.26"):
        build.ensure_programs(print, (module,))


def test_offline_the_error_is_about_the_network_and_not_about_go(
    module: programs.Module, tmp_path: Path
) -> None:
    _fake_go(tmp_path, 'echo "dial tcp: lookup proxy.example on 127.0.0.53:53: no such host" >&2; exit 1')
    with pytest.raises(SandboxError, match=r"no Go module proxy answers.*what was built is kept"):
        build.ensure_programs(print, (module,))


def test_a_full_disk_is_named(module: programs.Module, tmp_path: Path) -> None:
    _fake_go(tmp_path, 'echo "write /x: no space left on device" >&2; exit 1')
    with pytest.raises(SandboxError, match="filled the disk"):
        build.ensure_programs(print, (module,))


def test_a_cache_that_cannot_be_written_is_named_with_the_variable_that_moves_it(
    module: programs.Module, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file is in the way")
    with pytest.raises(SandboxError, match="Set SLIPWAY_CACHE_DIR"):
        build.ensure_programs(print, (module,))


@pytest.mark.usefixtures("module")
def test_an_interrupted_build_ends_its_compiler(tmp_path: Path) -> None:
    process, compiler = _build_under_way(tmp_path)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    _until(lambda: not Path(f"/proc/{compiler}").exists() if Path("/proc").exists() else not _alive(compiler))


def test_what_a_killed_build_left_is_cleared_by_the_next_one(module: programs.Module, tmp_path: Path) -> None:
    process, compiler = _build_under_way(tmp_path)
    process.kill()
    process.wait(timeout=60)
    os.kill(compiler, signal.SIGKILL)
    folder = find.cache_folder(module)
    (folder / "assets-killed" / "assets").mkdir(parents=True)
    assert len(list(folder.glob("build-*"))) == 1
    _fake_go(tmp_path, PRODUCE)
    build.ensure_programs(print, (module,))
    assert [path.name for path in folder.iterdir()] == ["bin"]


def _build_under_way(tmp_path: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A build in a process of its own, and the pid of its compiler, which does not come to an end."""
    _fake_go(tmp_path, f'echo half > "$out"; echo $$ > "{tmp_path}/pid"; sleep 60')
    code = (
        "from pathlib import Path; from sandbox.toolchain import build, programs;"
        f"programs._MODULES_FOLDER = Path({str(tmp_path / 'modules')!r});"
        "m = programs.Module(folder='tool', source='example.com/tool', what='the tool',"
        "programs=(programs.Program(name='slipway-fake-tool', package='example.com/tool'),));"
        "build.ensure_programs(print, (m,))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)  # noqa: S603
    pid_file = tmp_path / "pid"
    _until(lambda: pid_file.exists() and pid_file.read_text().strip() != "")
    return process, int(pid_file.read_text())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _until(condition: object, seconds: float = 60.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_every_module_pins_a_version_and_names_its_content() -> None:
    for module in programs.MODULES:
        assert module.version[0].isdigit()
        assert len(module.key) == 16
        assert (module.path / "go.sum").is_file()


def test_the_engine_and_the_sdk_are_of_one_version() -> None:
    lock = Path(__file__).parents[3] / "requirements" / "lock.txt"
    assert f"\npulumi=={programs.PULUMI.version} " in lock.read_text()


def test_the_kubernetes_provider_calls_itself_what_its_sdk_asks_for_and_says_what_it_is() -> None:
    """The engine warns of a provider older than the SDK. Its own version stands behind the plus sign."""
    lock = (Path(__file__).parents[3] / "requirements" / "lock.txt").read_text()
    (sdk,) = re.findall(r"^pulumi-kubernetes==(\S+) ", lock, re.MULTILINE)
    main = (programs.PULUMI.path / programs.KUBERNETES_PROVIDER / "main.go").read_text()
    provider = programs.PULUMI.programs[1]
    assert f'const version = "{sdk}+code.{provider.oldest}"' in main


def test_only_what_is_missing_of_a_module_is_built(module: programs.Module, tmp_path: Path) -> None:
    other = programs.Program(name="slipway-other-tool", package="example.com/tool/other")
    both = dataclasses.replace(module, programs=(*module.programs, other))
    _script(tmp_path / "bin" / "slipway-fake-tool", f"echo v{FAKE_VERSION}")
    _fake_go(tmp_path, PRODUCE)
    found = build.ensure_programs(print, (both,))
    assert {name: program.source for name, program in found.items()} == {
        "slipway-fake-tool": "path",
        "slipway-other-tool": "cache",
    }
    assert sorted(path.name for path in (find.cache_folder(both) / "bin").iterdir()) == ["slipway-other-tool"]


def test_go_source_beside_go_mod_is_part_of_what_names_a_build(module: programs.Module) -> None:
    before = module.key
    (module.path / "tool").mkdir()
    (module.path / "tool" / "main.go").write_text("package main\n")
    assert module.key != before


PLUGIN = f"""#!{sys.executable}
from concurrent.futures import ThreadPoolExecutor
import grpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
class Provider(provider_pb2_grpc.ResourceProviderServicer):
    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="4.34.2+code.4.25.0")
server = grpc.server(ThreadPoolExecutor(1))
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
"""


def test_a_plugin_is_asked_for_its_version_as_the_engine_asks(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    assert plugin_version(plugin) == "4.34.2"
    _script(tmp_path / "no-plugin", "echo hello")
    assert plugin_version(tmp_path / "no-plugin") is None
    assert plugin_version(tmp_path / "missing") is None


def test_pulumi_s_own_language_host_is_taken_where_it_lies_beside_the_engine_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, on_path = tmp_path / "pulumi-release", tmp_path / "bin"
    installed.mkdir()
    on_path.mkdir()
    _script(installed / "pulumi", f"echo v{programs.PULUMI.version}")
    (on_path / "pulumi").symlink_to(installed / "pulumi")
    monkeypatch.setenv("PATH", f"{on_path}:/usr/bin:/bin")
    monkeypatch.setenv("SLIPWAY_CACHE_DIR", str(tmp_path / "cache"))
    engine = partial(find.find, programs.PULUMI, programs.PULUMI.programs[0])
    assert find.find_language_host(engine()) is None
    _script(installed / "pulumi-language-python", "")
    assert find.find_language_host(engine()) == installed / "pulumi-language-python"
    _script(installed / "pulumi", "echo v3.1.0")
    assert find.find_language_host(engine()) is None, "an engine that is too old is not used, nor is its host"


def test_a_changed_checksum_file_names_another_build(module: programs.Module) -> None:
    before = module.key
    (module.path / "go.sum").write_text("h1:other\n")
    assert module.key != before


def test_which_is_asked_for_the_real_go_only_when_something_is_missing(
    module: programs.Module, tmp_path: Path
) -> None:
    _script(tmp_path / "bin" / "slipway-fake-tool", f"echo {FAKE_VERSION}")
    assert shutil.which("go", path=str(tmp_path / "bin")) is None
    assert build.ensure_programs(print, (module,))["slipway-fake-tool"].source == "path"
