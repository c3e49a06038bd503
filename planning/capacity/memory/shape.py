"""What a transformer decoder is made of, as far as memory is concerned."""

from dataclasses import dataclass
from typing import Final, Self

from model_catalog import Architecture

UNKNOWN_VOCABULARY: Final = 152_064
"""Chosen where a catalog names no vocabulary: Qwen2.5's, larger than Llama's (128,256) and Mistral's (32,000 to
131,072). Gemma's (262,144) and gpt-oss's (201,088) are larger still: for those the estimate is too low, by about 5
KiB a sequence and thousand entries."""


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """Counts of one model. Layers are taken to be alike, each with one attention and one gated MLP or a mixture."""

    parameters: int
    layers: int
    attention_heads: int
    kv_heads: int
    head_size: int
    hidden_size: int
    experts: int = 1
    active_experts: int = 1
    vocabulary: int | None = None
    tied_embeddings: bool = False
    """Whether the output head is the input embedding, held once."""
    max_positions: int | None = None

    @classmethod
    def of(cls, architecture: Architecture) -> Self:
        """The catalog's figures. A vocabulary that it does not say is taken to be large and untied."""
        return cls(
            parameters=architecture.parameters,
            layers=architecture.layers,
            attention_heads=architecture.attention_heads,
            kv_heads=architecture.kv_heads,
            head_size=architecture.head_size,
            hidden_size=architecture.hidden_size,
            experts=architecture.experts or 1,
            active_experts=architecture.active_experts or 1,
            vocabulary=architecture.vocabulary,
            tied_embeddings=bool(architecture.tied_embeddings),
            max_positions=architecture.max_positions,
        )

    @property
    def known_vocabulary(self) -> int:
        """The vocabulary, or the one chosen in its place."""
        return self.vocabulary or UNKNOWN_VOCABULARY

    @property
    def embedding_parameters(self) -> int:
        """Input embedding and output head: what quantization leaves alone. Never more than half of the model."""
        tables = 1 if self.tied_embeddings else 2
        return min(tables * self.known_vocabulary * self.hidden_size, self.parameters // 2)

    @property
    def kv_projection_parameters(self) -> int:
        """Those of all layers that make keys and values: what tensor parallelism may have to repeat."""
        return 2 * self.layers * self.hidden_size * self.kv_heads * self.head_size

    @property
    def attention_parameters(self) -> int:
        """Projections of queries, keys, values and output, of all layers."""
        query_and_output = 2 * self.layers * self.hidden_size * self.attention_heads * self.head_size
        return query_and_output + self.kv_projection_parameters

    @property
    def mlp_parameters(self) -> int:
        """What is left: the MLPs, all experts of them. Where the vocabulary is unknown its tables count as MLP, which
        makes activations too large rather than too small."""
        embeddings = self.embedding_parameters if self.vocabulary else 0
        return max(0, self.parameters - embeddings - self.attention_parameters)

    @property
    def intermediate_size(self) -> int:
        """Width of one MLP or one expert: three matrices of hidden size times it in each layer."""
        return self.mlp_parameters // (3 * self.layers * self.hidden_size * self.experts)
