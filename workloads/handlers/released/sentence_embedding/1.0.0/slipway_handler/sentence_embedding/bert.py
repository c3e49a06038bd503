"""BERT behind the port: tokenizers and safetensors beside torch, and the forward pass as Devlin et al. have it.

transformers would do the same with ten more packages; the e2e tier compares with figures taken through it.
Mean pooling over a text's tokens and a length of 1, as sentence-transformers does for MiniLM.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import WeightsError
from .files import CONFIG, TENSORS, TOKENIZER, Files, open_files
from .port import Embedding

_SENTENCE_CONFIG = "sentence_bert_config.json"


class BertEmbedder:
    """An encoder with its weights."""

    def __init__(
        self, torch: Any, tokenizer: Any, tensors: Mapping[str, Any], config: Mapping[str, Any], device: str
    ) -> None:
        self._torch = torch
        self._tokenizer = tokenizer
        self._tensors = tensors
        self._layers = int(config["num_hidden_layers"])
        self._heads = int(config["num_attention_heads"])
        self._epsilon = float(config["layer_norm_eps"])
        self._padding = int(config.get("pad_token_id", 0))
        self._device = device

    @classmethod
    def load(cls, folder: Path, device: str) -> BertEmbedder:
        """Raises WeightsError; ImportError without torch, tokenizers and safetensors."""
        torch, tokenizers, safetensors = (
            importlib.import_module(name) for name in ("torch", "tokenizers", "safetensors.torch")
        )
        files = open_files(folder)
        config = json.loads(files.read(CONFIG))
        if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
            raise WeightsError(
                f"{folder}: model_type is {config.get('model_type')!r} and hidden_act {config.get('hidden_act')!r}; "
                "this handler reads bert with gelu"
            )
        tokenizer = tokenizers.Tokenizer.from_str(files.read(TOKENIZER).decode())
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length=_longest(files, config))
        tensors = {name: tensor.to(device) for name, tensor in safetensors.load(files.read(TENSORS)).items()}
        return cls(torch, tokenizer, tensors, config, device)

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        """See the port."""
        torch = self._torch
        encoded = self._tokenizer.encode_batch(list(texts))
        longest = max(len(one.ids) for one in encoded)
        padded = [one.ids + [self._padding] * (longest - len(one.ids)) for one in encoded]
        present = [[1.0] * len(one.ids) + [0.0] * (longest - len(one.ids)) for one in encoded]
        with torch.no_grad():
            mask = torch.tensor(present, device=self._device)
            hidden = self._forward(torch.tensor(padded, device=self._device), mask)
            weights = mask.unsqueeze(-1)
            pooled = (hidden * weights).sum(1) / weights.sum(1)
            vectors = torch.nn.functional.normalize(pooled, dim=1).cpu().tolist()
        return [Embedding(vectors[place], bool(one.overflowing)) for place, one in enumerate(encoded)]

    def _forward(self, ids: Any, mask: Any) -> Any:
        """Token ids and their mask, both (batch, tokens), to (batch, tokens, hidden)."""
        tensors = self._tensors
        hidden = (
            tensors["embeddings.word_embeddings.weight"][ids]
            + tensors["embeddings.position_embeddings.weight"][: ids.shape[1]]
            + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        hidden = self._normalised(hidden, "embeddings.LayerNorm")
        bias = ((1.0 - mask) * -10000.0)[:, None, None, :]
        for number in range(self._layers):
            layer = f"encoder.layer.{number}"
            mixed = self._linear(self._attention(hidden, bias, layer), f"{layer}.attention.output.dense")
            hidden = self._normalised(hidden + mixed, f"{layer}.attention.output.LayerNorm")
            wide = self._torch.nn.functional.gelu(self._linear(hidden, f"{layer}.intermediate.dense"))
            narrow = self._linear(wide, f"{layer}.output.dense")
            hidden = self._normalised(hidden + narrow, f"{layer}.output.LayerNorm")
        return hidden

    def _attention(self, hidden: Any, bias: Any, layer: str) -> Any:
        batch, tokens, width = hidden.shape
        query, key, value = (
            self._linear(hidden, f"{layer}.attention.self.{part}")
            .view(batch, tokens, self._heads, width // self._heads)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(width // self._heads) + bias
        return (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, tokens, width)

    def _linear(self, hidden: Any, name: str) -> Any:
        return self._torch.nn.functional.linear(
            hidden, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
        )

    def _normalised(self, hidden: Any, name: str) -> Any:
        weight, bias = self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
        return self._torch.nn.functional.layer_norm(hidden, weight.shape, weight, bias, self._epsilon)


def _longest(files: Files, config: Mapping[str, Any]) -> int:
    """Tokens that the model reads: what sentence-transformers was told, else what there are positions for."""
    try:
        told = json.loads(files.read(_SENTENCE_CONFIG)).get("max_seq_length")
    except WeightsError:
        told = None
    return min(int(told or config["max_position_embeddings"]), int(config["max_position_embeddings"]))
