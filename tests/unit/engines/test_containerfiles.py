"""What hadolint does not check of the images that we build ourselves. None is built here: there is no registry."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from engines import IMAGES, torchserve

ROOT: Final = Path(__file__).parents[3]
FILES: Final = sorted([*ROOT.glob("engines/*/Containerfile"), *ROOT.glob("workloads/*/Containerfile")])
FETCH: Final = ROOT / "workloads/fetch/Containerfile"
TORCHSERVE: Final = ROOT / "engines/torchserve/Containerfile"
REQUIREMENTS: Final = TORCHSERVE.with_name("requirements.txt")
INSTALLING: Final = (FETCH, TORCHSERVE)
"""Those that install packages and run our programs."""
each_file = pytest.mark.parametrize("file", FILES, ids=[file.parent.name for file in FILES])
each_of_ours = pytest.mark.parametrize("file", INSTALLING, ids=[file.parent.name for file in INSTALLING])


def instructions(file: Path) -> list[tuple[str, str]]:
    """Name and argument of each, continued lines joined."""
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def of(file: Path, name: str) -> list[str]:
    return [argument for found, argument in instructions(file) if found == name]


@each_file
def test_an_image_is_made_from_one_of_images_yaml_by_its_tag(file: Path) -> None:
    arguments = dict(argument.split("=", 1) for argument in of(file, "ARG"))
    (base,) = of(file, "FROM")
    named = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], base)
    assert named in {f"{image.repository}:{image.tag}" for image in IMAGES.values()}


@each_file
def test_no_image_carries_a_secret_or_takes_what_is_newest(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"(?i)password|secret|token|aws_|:latest|https?://(?!github\.com/)", text)
    assert not of(file, "ADD")


@each_file
def test_what_pip_installs_is_pinned_by_hash(file: Path) -> None:
    runs = [run for run in of(file, "RUN") if "pip install" in run]
    assert all("--require-hashes" in run and "--no-cache-dir" in run for run in runs)
    assert bool(runs) == (file in INSTALLING)


def test_the_torchserve_image_builds_on_the_tag_of_either_device() -> None:
    assert of(TORCHSERVE, "ARG") == [
        f"BASE={torchserve.IMAGES['cpu'].repository}:{torchserve.IMAGES['cpu'].tag}"
    ]
    gpu = f"--build-arg BASE={torchserve.IMAGES['gpu'].repository}:{torchserve.IMAGES['gpu'].tag}"
    assert gpu in TORCHSERVE.read_text()


@each_of_ours
def test_an_image_of_ours_ends_as_a_user_who_is_not_root(file: Path) -> None:
    assert instructions(file)[-1] == ("USER", "1000")


def copied(file: Path) -> dict[str, Path]:
    """What the build copies → where it lies in the image."""
    found = {}
    for argument in of(file, "COPY"):
        *sources, target = argument.split()
        for source in sources:
            within = Path(target) / Path(source).name if target.endswith("/") else Path(target)
            found[source] = within
    return found


@each_of_ours
def test_all_that_is_copied_exists_and_is_let_through_to_the_build(file: Path) -> None:
    let_through = file.with_name("Containerfile.dockerignore").read_text().splitlines()
    for source in copied(file):
        assert (ROOT / source).exists()
        assert any(f"!{part}" in let_through for part in (source, *map(str, Path(source).parents)))


@pytest.mark.parametrize(
    ("file", "program"), [(FETCH, "workloads.fetch"), (TORCHSERVE, "workloads.agent")], ids=["fetch", "agent"]
)
def test_a_program_of_ours_starts_in_any_folder_with_what_is_copied_alone(
    tmp_path: Path, file: Path, program: str
) -> None:
    (path,) = re.findall(r"PYTHONPATH=(\S+)", " ".join(of(file, "ENV")))
    for source, target in copied(file).items():
        place = tmp_path / target.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, place)
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-P", "-m", program, "--help"],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(tmp_path / Path(path).relative_to("/"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert f"python -m {program}" in ran.stdout


def pins(text: str) -> dict[str, list[str]]:
    """Package → its hashes."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=\S)", text):
        if match := re.match(r"([a-z0-9-]+)==\S+", block):
            found[match[1]] = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", block)
    return found


@each_of_ours
def test_every_requirement_of_an_image_has_hashes_and_the_file_no_address(file: Path) -> None:
    text = file.with_name("requirements.txt").read_text()
    assert all(pins(text).values())
    assert not re.search(r"://|--index|--extra-index|--find-links", text)
    assert "\n".join(re.findall(r"^[^\s#].*$", text, re.MULTILINE)).count("==") == len(pins(text))


def asked_for(file: Path) -> set[str]:
    lines = file.with_name("requirements.in").read_text().split("\n")
    return {line for line in lines if line[:1].isalpha()}


def test_the_image_that_fetches_has_the_s3_client_alone() -> None:
    assert asked_for(FETCH) == {"boto3"}
    assert "boto3" in pins(FETCH.with_name("requirements.txt").read_text())


def test_the_image_has_what_handlers_import_and_the_agent_s_client_and_no_downloader() -> None:
    asked = asked_for(TORCHSERVE)
    assert asked == {"boto3", "fasttext-predict", "safetensors", "tokenizers"}
    assert asked <= pins(REQUIREMENTS.read_text()).keys()
    assert "huggingface-hub" not in pins(REQUIREMENTS.read_text())


def test_handlers_are_tried_with_the_libraries_that_the_image_has() -> None:
    tried = pins((ROOT / "sandbox/serving/requirements.txt").read_text())
    assert {"fasttext-predict", "safetensors", "tokenizers"} <= tried.keys()
