"""What hadolint does not check of the images that we build ourselves. None is built here: there is no registry."""

import re
from pathlib import Path
from typing import Final

import pytest

from engines import IMAGES, torchserve

ROOT: Final = Path(__file__).parents[3]
FILES: Final = sorted(ROOT.glob("engines/*/Containerfile"))
TORCHSERVE: Final = ROOT / "engines/torchserve/Containerfile"
REQUIREMENTS: Final = TORCHSERVE.with_name("requirements.txt")
each_file = pytest.mark.parametrize("file", FILES, ids=[file.parent.name for file in FILES])


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
    assert bool(runs) == (file == TORCHSERVE)


def test_the_torchserve_image_builds_on_the_tag_of_either_device() -> None:
    assert of(TORCHSERVE, "ARG") == [
        f"BASE={torchserve.IMAGES['cpu'].repository}:{torchserve.IMAGES['cpu'].tag}"
    ]
    gpu = f"--build-arg BASE={torchserve.IMAGES['gpu'].repository}:{torchserve.IMAGES['gpu'].tag}"
    assert gpu in TORCHSERVE.read_text()


def test_the_torchserve_image_ends_as_a_user_who_is_not_root() -> None:
    assert of(TORCHSERVE, "USER")[-1] == "1000"
    assert instructions(TORCHSERVE)[-1] == ("USER", "1000")


def test_the_agent_is_found_in_any_folder() -> None:
    copied = dict(argument.split() for argument in of(TORCHSERVE, "COPY"))
    assert copied["workloads/agent"] == "/opt/slipway/workloads/agent"
    assert copied["workloads/__init__.py"] == "/opt/slipway/workloads/__init__.py"
    assert "PYTHONPATH=/opt/slipway" in " ".join(of(TORCHSERVE, "ENV"))


def test_all_that_is_copied_exists_and_is_let_through_to_the_build() -> None:
    let_through = TORCHSERVE.with_name("Containerfile.dockerignore").read_text().splitlines()
    for argument in of(TORCHSERVE, "COPY"):
        source = argument.split()[0]
        assert (ROOT / source).exists()
        assert f"!{source}" in let_through


def pins(text: str) -> dict[str, list[str]]:
    """Package → its hashes."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=\S)", text):
        if match := re.match(r"([a-z0-9-]+)==\S+", block):
            found[match[1]] = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", block)
    return found


def test_every_requirement_of_the_image_has_hashes_and_the_file_no_address() -> None:
    text = REQUIREMENTS.read_text()
    assert all(pins(text).values())
    assert not re.search(r"://|--index|--extra-index|--find-links", text)
    assert "\n".join(re.findall(r"^[^\s#].*$", text, re.MULTILINE)).count("==") == len(pins(text))


def test_the_image_has_what_handlers_import_and_the_agent_s_client_and_no_downloader() -> None:
    asked = {
        line for line in TORCHSERVE.with_name("requirements.in").read_text().split("\n") if line[:1].isalpha()
    }
    assert asked == {"boto3", "fasttext-predict", "safetensors", "tokenizers"}
    assert asked <= pins(REQUIREMENTS.read_text()).keys()
    assert "huggingface-hub" not in pins(REQUIREMENTS.read_text())


def test_handlers_are_tried_with_the_libraries_that_the_image_has() -> None:
    tried = pins((ROOT / "tests/e2e/requirements.txt").read_text())
    assert {"fasttext-predict", "safetensors", "tokenizers"} <= tried.keys()
