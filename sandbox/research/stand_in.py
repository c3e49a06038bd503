"""A language model of random numbers: real files in the formats that engines read, and nothing that anybody learned.

It stands in for weights that no package has: small enough to write at once, and the same bytes on every machine. Its
tokenizer knows the 256 bytes and merges none.
"""

from __future__ import annotations

import json
import random
import struct
from typing import Any, Final

_LAYERS: Final = 2
_HIDDEN: Final = 128
_INTERMEDIATE: Final = 256
_HEADS: Final = 2
_KV_HEADS: Final = 1
_HEAD: Final = _HIDDEN // _HEADS
_BOS, _EOS = "<s>", "</s>"
_VOCABULARY: Final = 256 + 2
_POSITIONS: Final = 512
_SPREAD: Final = 0.05
"""Weights lie between minus this and this."""
_SEED: Final = 20261129
"""Another one makes other bytes, and so another digest than the entry has."""

_README: Final = """\
A stand-in: random numbers in the shape of a small Llama, written by sandbox/research/stand_in.py. It learned nothing,
and what it generates means nothing.
"""


def files() -> dict[str, bytes]:
    """Name → content of each file, always the same."""
    return {
        "README.md": _README.encode(),
        "config.json": _json(_config()),
        "generation_config.json": _json({"bos_token_id": 256, "eos_token_id": 257}),
        "model.safetensors": _safetensors(_shapes()),
        "tokenizer.json": _json(_tokenizer()),
        "tokenizer_config.json": _json(
            {
                "bos_token": _BOS,
                "eos_token": _EOS,
                "model_input_names": ["input_ids", "attention_mask"],
                "model_max_length": _POSITIONS,
                "tokenizer_class": "PreTrainedTokenizerFast",
            }
        ),
    }


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _config() -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "bos_token_id": 256,
        "eos_token_id": 257,
        "head_dim": _HEAD,
        "hidden_act": "silu",
        "hidden_size": _HIDDEN,
        "intermediate_size": _INTERMEDIATE,
        "max_position_embeddings": _POSITIONS,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": _HEADS,
        "num_hidden_layers": _LAYERS,
        "num_key_value_heads": _KV_HEADS,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "float16",
        "vocab_size": _VOCABULARY,
    }


def _shapes() -> dict[str, tuple[int, ...]]:
    """Tensor → its shape, as transformers names those of a Llama."""
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (_VOCABULARY, _HIDDEN),
        "model.norm.weight": (_HIDDEN,),
    }
    for number in range(_LAYERS):
        layer = f"model.layers.{number}"
        shapes |= {
            f"{layer}.input_layernorm.weight": (_HIDDEN,),
            f"{layer}.mlp.down_proj.weight": (_HIDDEN, _INTERMEDIATE),
            f"{layer}.mlp.gate_proj.weight": (_INTERMEDIATE, _HIDDEN),
            f"{layer}.mlp.up_proj.weight": (_INTERMEDIATE, _HIDDEN),
            f"{layer}.post_attention_layernorm.weight": (_HIDDEN,),
            f"{layer}.self_attn.k_proj.weight": (_KV_HEADS * _HEAD, _HIDDEN),
            f"{layer}.self_attn.o_proj.weight": (_HIDDEN, _HEADS * _HEAD),
            f"{layer}.self_attn.q_proj.weight": (_HEADS * _HEAD, _HIDDEN),
            f"{layer}.self_attn.v_proj.weight": (_KV_HEADS * _HEAD, _HIDDEN),
        }
    return dict(sorted(shapes.items()))


def _safetensors(shapes: dict[str, tuple[int, ...]]) -> bytes:
    """The length of a JSON header, the header, and the numbers of each tensor in 16 bits
    (https://github.com/huggingface/safetensors, "Format")."""
    chance = random.Random(_SEED)  # noqa: S311 - reproducible, not secret
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, shape in shapes.items():
        count = 1
        for length in shape:
            count *= length
        # Only `random` is promised to be the same in every version of Python.
        numbers = (
            (1.0,) * count if "norm" in name else [_SPREAD * (2 * chance.random() - 1) for _ in range(count)]
        )
        start = len(body)
        body += struct.pack(f"<{count}e", *numbers)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [start, len(body)]}
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def _tokenizer() -> dict[str, Any]:
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special(256, _BOS), _special(257, _EOS)],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {character: number for number, character in enumerate(_byte_characters())},
            "merges": [],
        },
    }


def _special(number: int, text: str) -> dict[str, Any]:
    flags = dict.fromkeys(("lstrip", "normalized", "rstrip", "single_word"), False)
    return {"id": number, "content": text, "special": True, **flags}


def _byte_characters() -> list[str]:
    """The visible character that byte-level tokenizers write for each byte: its own, or one from U+0100 on."""
    own = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in own else chr(next(others)) for byte in range(256)]
