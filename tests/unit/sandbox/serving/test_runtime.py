"""What of the real TorchServe is on this machine is found by looking, and what is not is named with its command."""

from pathlib import Path

import pytest

from sandbox.serving import runtime
from sandbox.serving.runtime import RuntimeUnavailable

JAVA_17 = "echo 'openjdk version \"17.0.15\" 2025-04-15' >&2"
JAVA_11 = "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2"
WITH_TORCH = 'case "$2" in *version.py*) echo 3.11.2 1.13.0a0;; esac'
WITHOUT_TORCH = 'case "$2" in *version.py*) exit 1;; esac'
WITHOUT_VENV = 'case "$2" in *ensurepip*) exit 1;; esac; echo 3.11.2 1.13.0a0'


@pytest.fixture(name="machine")
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing: stubs of `java` and of the system's interpreter are written into its folder."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SLIPWAY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(runtime, "SYSTEM_PYTHON", str(tmp_path / "python3"))
    return tmp_path


def stub(machine: Path, name: str, script: str) -> None:
    (machine / name).write_text(f"#!/bin/sh\n{script}\n")
    (machine / name).chmod(0o755)


@pytest.mark.parametrize(
    ("java", "python", "missing"),
    [
        ("", "", (runtime.JAVA, runtime.TORCH, runtime.VENV)),
        (JAVA_11, WITH_TORCH, (runtime.JAVA,)),
        (JAVA_17, WITHOUT_TORCH, (runtime.TORCH,)),
        (JAVA_17, WITHOUT_VENV, (runtime.VENV,)),
        (JAVA_17, WITH_TORCH, ()),
    ],
)
def test_looking_names_what_is_missing(
    machine: Path, java: str, python: str, missing: tuple[str, ...]
) -> None:
    for name, script in (("java", java), ("python3", python)):
        if script:
            stub(machine, name, script)
    assert runtime.examine().missing == missing


def test_finding_installs_nothing_of_the_system_s_and_says_the_exact_command(machine: Path) -> None:
    stub(machine, "python3", WITHOUT_TORCH)
    stub(machine, "apt-get", f"touch {machine}/installed")
    with pytest.raises(RuntimeUnavailable) as unavailable:
        runtime.find(lambda _: None)
    assert str(unavailable.value).endswith(
        "are not on this machine; on Debian and Ubuntu: apt-get install --no-install-recommends "
        "openjdk-17-jre-headless python3-torch"
    )
    assert not (machine / "installed").exists()


def test_ensuring_says_what_is_missing_where_there_is_no_apt_get(machine: Path) -> None:
    assert list(machine.iterdir()) == []
    with pytest.raises(RuntimeUnavailable, match="packages are installed on Debian and Ubuntu only"):
        runtime.ensure(lambda _: None)


def test_a_virtual_environment_that_was_not_finished_is_not_there(machine: Path) -> None:
    stub(machine, "java", JAVA_17)
    stub(machine, "python3", WITH_TORCH)
    assert runtime.examine().environment is None
    home = runtime._environment("3.11.2 1.13.0a0")
    (home / "bin").mkdir(parents=True)
    assert runtime.examine().environment is None
    (home / ".installed").touch()
    assert runtime.examine().environment == home
