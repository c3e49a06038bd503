"""Safetensors, tokenizers and configurations are taken, or what patterns name; pickles are not."""

import pytest

from artifacts import RefusedError
from artifacts.hub import HubFile, select

USUAL = (
    ".gitattributes",
    "LICENSE",
    "README.md",
    "config.json",
    "generation_config.json",
    "merges.txt",
    "model-00001-of-00001.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
)


def files(*paths: str) -> list[HubFile]:
    return [HubFile(path=path, size=1, git_sha1="a" * 40, sha256=None) for path in paths]


def names(chosen: tuple[HubFile, ...]) -> list[str]:
    return [file.name for file in chosen]


def test_safetensors_tokenizer_and_configuration_are_taken_and_all_else_is_left() -> None:
    selection = select(files(*USUAL))
    assert names(selection.left_out) == [
        ".gitattributes",
        "LICENSE",
        "README.md",
        "pytorch_model.bin",
        "pytorch_model.bin.index.json",
    ]
    assert names(selection.left_out_pickles) == ["pytorch_model.bin"]
    assert names(selection.chosen) == sorted(set(USUAL) - {file.path for file in selection.left_out})


@pytest.mark.parametrize(
    "name",
    [
        "tokenizer.model",
        "tokenizer.model.v3",
        "spiece.model",
        "sentencepiece.bpe.model",
        "source.spm",
        "qwen.tiktoken",
        "vocab.txt",
        "chat_template.jinja",
        "1_Pooling/config.json",
        "adapter_config.json",
    ],
)
def test_what_tokenizers_and_templates_are_read_from_is_taken(name: str) -> None:
    assert name in names(select(files("model.safetensors", name)).chosen)


@pytest.mark.parametrize(
    "name", ["modeling_custom.py", "model.gguf", "model.onnx", "word2vec.model", "tf_model.h5"]
)
def test_code_and_other_formats_are_left_out(name: str) -> None:
    assert names(select(files("model.safetensors", name)).left_out) == [name]


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth", "A.PKL", "scaler.joblib"]
)
def test_weights_that_are_pickles_alone_are_refused_with_the_reason(name: str) -> None:
    with pytest.raises(RefusedError, match="runs whatever code is in it as it is loaded") as refused:
        select(files("config.json", name))
    assert name in str(refused.value)


def test_a_repository_without_weights_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"none of its 2 files is named \*\.safetensors"):
        select(files("config.json", "README.md"))


def test_patterns_stand_in_place_of_the_default_ones() -> None:
    assert names(select(files(*USUAL), ("README.md", "*_config.json")).chosen) == [
        "README.md",
        "generation_config.json",
        "tokenizer_config.json",
    ]


def test_a_pattern_without_a_slash_is_of_the_name_and_one_with_a_slash_of_the_path() -> None:
    found = files("config.json", "onnx/config.json", "onnx/deep/config.json")
    assert names(select(found, ("config.json",)).chosen) == [file.path for file in found]
    assert names(select(found, ("onnx/*",)).chosen) == ["onnx/config.json", "onnx/deep/config.json"]


def test_a_pattern_that_matches_nothing_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"--include '\*\.gguf' matches none of its 13 files"):
        select(files(*USUAL), ("*.json", "*.gguf"))


def test_pickles_that_a_pattern_names_are_refused_unless_they_are_allowed() -> None:
    with pytest.raises(RefusedError, match="--allow-pickles"):
        select(files(*USUAL), ("*",))
    assert len(select(files(*USUAL), ("*",), allow_pickles=True).chosen) == len(USUAL)


@pytest.mark.parametrize(
    "name", ["../config.json", "a/../../b.json", "/config.json", "a\\config.json", "a\n.json"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="cannot be part of an artifact"):
        select(files("model.safetensors", name))


def test_a_file_that_is_not_taken_may_have_any_name() -> None:
    assert names(select(files("model.safetensors", "../README.md")).chosen) == ["model.safetensors"]


def test_two_spellings_of_one_name_are_refused() -> None:
    with pytest.raises(RefusedError, match="comes twice"):
        select(files("model.safetensors", "caf\u00e9.json", "cafe\u0301.json"))
