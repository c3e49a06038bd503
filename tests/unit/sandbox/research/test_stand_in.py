"""The language model of random numbers: the same bytes on every machine, in the formats that engines read."""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import yaml

from artifacts.digest import FileDigest, Kind, digest_of
from model_catalog import BucketArtifact, Environment, Selector, load_catalog
from sandbox.research.seeds import SEEDS, WrittenSeed
from sandbox.research.stand_in import files

ENTRY = Selector.parse("TextGeneration/StandIn")


def header_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def test_its_files_have_the_digest_of_its_entry_and_lie_where_the_entry_looks() -> None:
    (entry,) = (entry for entry in load_catalog().entries if entry.selector == ENTRY)
    artifact = entry.version("en", "1").artifact
    assert isinstance(artifact, BucketArtifact)
    (seed,) = WrittenSeed.listed()
    assert (artifact.bucket, artifact.path) == (seed.bucket, seed.path)
    found = [
        FileDigest(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in files().items()
    ]
    assert artifact.digest == digest_of(Kind.TREE, found)
    assert set(seed.objects()) == {f"{seed.path}/{name}" for name in files()}


def test_it_is_served_in_the_sandbox_alone_and_says_what_it_is() -> None:
    catalog = load_catalog()
    released = {
        environment
        for environment in Environment
        if any(ENTRY.matches(running.selector) for running in catalog.running(environment))
    }
    assert released == {Environment.SANDBOX}
    (entry,) = (entry for entry in catalog.entries if entry.selector == ENTRY)
    assert "random stand-in" in (entry.version("en", "1").notes or "")
    assert b"learned nothing" in files()["README.md"]


def test_its_weights_are_a_safetensors_file_whose_tensors_lie_side_by_side() -> None:
    header, body = header_of(files()["model.safetensors"])
    assert header.pop("__metadata__") == {"format": "pt"}
    ends = [0]
    for tensor in sorted(header.values(), key=lambda tensor: tensor["data_offsets"][0]):
        start, end = tensor["data_offsets"]
        count = 1
        for length in tensor["shape"]:
            count *= length
        assert (start, end - start, tensor["dtype"]) == (ends[-1], 2 * count, "F16")
        ends.append(end)
    assert ends[-1] == len(body)


def test_its_tensors_have_the_shapes_that_its_configuration_says() -> None:
    header, _ = header_of(files()["model.safetensors"])
    config = json.loads(files()["config.json"])
    heads, head = config["num_attention_heads"], config["head_dim"]
    assert header["model.embed_tokens.weight"]["shape"] == [config["vocab_size"], config["hidden_size"]]
    layers = {name.split(".")[2] for name in header if ".layers." in name}
    assert layers == {str(number) for number in range(config["num_hidden_layers"])}
    assert header["model.layers.0.self_attn.q_proj.weight"]["shape"] == [heads * head, config["hidden_size"]]
    assert heads % config["num_key_value_heads"] == 0


def test_its_tokenizer_has_a_character_of_its_own_for_each_byte() -> None:
    tokenizer = json.loads(files()["tokenizer.json"])
    vocabulary = tokenizer["model"]["vocab"]
    assert sorted(vocabulary.values()) == list(range(256))
    assert vocabulary["A"] == ord("A")
    assert {token["id"]: token["content"] for token in tokenizer["added_tokens"]} == {256: "<s>", 257: "</s>"}


def test_every_item_of_the_list_is_from_a_package_or_written() -> None:
    items = yaml.safe_load(Path(SEEDS).read_text())
    assert all(("package" in item) is not ("written_by" in item) for item in items)
