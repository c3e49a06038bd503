"""The options for running one model version on TGI.

Left out on purpose: what a version says itself (precision, quantization, adapters); `max_batch_total_tokens`, which TGI
ignores for flash-attention models; `max_input_length`, the old name of max_input_tokens; `sharded`, which num_shard
decides; and what downloads or runs code of others.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from engines.tgi.facts import GRACEFUL_TERMINATION
from quantities import Bytes, Count, Duration, Number


class KvCacheDtype(StrEnum):
    """Values of KV_CACHE_DTYPE."""

    FP8_E4M3FN = "fp8_e4m3fn"
    FP8_E5M2 = "fp8_e5m2"


Ratio = Annotated[Number, Field(gt=0)]


class ServingOptions(BaseModel):
    """Limits, memory and timeouts of one version. What is left out takes TGI's own default."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    max_input_tokens: Count | None = None
    """Longest prompt. Left out, TGI takes what model and memory allow."""
    max_total_tokens: Count | None = None
    """Prompt and answer together."""
    max_batch_prefill_tokens: Count | None = None
    max_concurrent_requests: Count = 128
    """One more is answered with 429."""
    max_client_batch_size: Count = 4
    payload_limit: Bytes = Bytes(2_000_000)
    waiting_served_ratio: Ratio = 0.3
    num_shard: Count = 1
    """GPUs that share one copy of the model. The model's attention and key-value heads must be divisible by it."""
    kv_cache_dtype: KvCacheDtype | None = None
    cuda_memory_fraction: Annotated[Ratio, Field(le=1)] = 1.0
    """The share of the card's whole memory that TGI may use. Memory that neighbours hold is subtracted (read:
    flash_causal_lm.py)."""
    startup_timeout: Duration = timedelta(minutes=10)
    """Loading, warm-up and CUDA graphs. Ours, not TGI's; chosen, not measured."""
    graceful_termination_timeout: Duration = GRACEFUL_TERMINATION
    """The time after SIGTERM for requests in flight. Whole seconds."""

    @field_validator("graceful_termination_timeout", "startup_timeout")
    @classmethod
    def _whole_seconds(cls, value: timedelta) -> timedelta:
        if value % timedelta(seconds=1) or value < timedelta(seconds=1):
            raise ValueError("is not a whole number of seconds; write 1s or more, no fraction")
        return value

    @model_validator(mode="after")
    def _prompt_within_total(self) -> Self:
        # The launcher stops on this one; here it is found before anything is deployed.
        if self.max_input_tokens and self.max_total_tokens and self.max_input_tokens >= self.max_total_tokens:
            raise ValueError(
                f"max_input_tokens {self.max_input_tokens} leaves no room for an answer within max_total_tokens "
                f"{self.max_total_tokens}; lower the first or raise the second"
            )
        return self


TUNABLE: Final = frozenset(
    {
        "cuda_memory_fraction",
        "graceful_termination_timeout",
        "max_batch_prefill_tokens",
        "max_concurrent_requests",
        "startup_timeout",
        "waiting_served_ratio",
    }
)
"""The options that change no answer, and so may be overridden in a release. max_client_batch_size and payload_limit
are not among them: they decide which requests get an answer at all."""
