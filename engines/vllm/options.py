"""The options for running one model version on vLLM.

Left out on purpose: what a version says itself (precision, quantization, adapters); pipeline and data parallelism,
since one server has the GPUs of one pod; and what downloads or runs code of others.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema, field_validator, model_validator

from engines.vllm.facts import DEFAULT_MEMORY_UTILIZATION, ENGINE_READY
from quantities import Bytes, Count, Duration, Flag, Number

LORA_RANKS: Final = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The values that --max-lora-rank takes (vllm/config/lora.py)."""


class KvCacheDtype(StrEnum):
    """Values of --kv-cache-dtype that a person may choose; others are for few models or GPUs (vllm/config/cache.py)."""

    FP8_E4M3 = "fp8_e4m3"
    FP8_E5M2 = "fp8_e5m2"


def _lora_rank(value: Any) -> int:
    if str(value) not in map(str, LORA_RANKS):
        raise ValueError(
            f"{value!r} is no rank that vLLM takes; write one of {', '.join(map(str, LORA_RANKS))}"
        )
    return int(value)


LoraRank = Annotated[int, BeforeValidator(_lora_rank), WithJsonSchema({"enum": list(LORA_RANKS)})]


class ServingOptions(BaseModel):
    """Limits, memory and timeouts of one version. What is left out takes vLLM's own default, unless said otherwise.

    vLLM's defaults for max_num_seqs and max_num_batched_tokens vary with the GPU: 256 and 2048 below 70 GiB, 1024 and
    8192 from there on but for an A100, 1024 and 16384 from 160 GiB (get_batch_defaults in vllm/engine/arg_utils.py).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    max_model_len: Count | None = None
    """Prompt and answer together, in tokens. Left out, what the model's files say, and vLLM does not start where the
    memory left for the KV cache holds less."""
    max_num_seqs: Count | None = None
    """Requests that run at once; more wait."""
    max_num_batched_tokens: Count | None = None
    """Tokens that one step computes; a longer prompt is taken in parts."""
    max_num_queued_reqs: Count | None = None
    """Requests that run or wait; one more is answered with 503. Left out, any number waits."""
    tensor_parallel_size: Count = 1
    """GPUs that share one copy of the model. The model's attention heads must be divisible by it, and its key-value
    heads too where there are as many."""
    kv_cache_dtype: KvCacheDtype | None = None
    gpu_memory_utilization: Number | None = None
    """Share of each GPU that must be free as the server starts, and that it fills with weights and KV cache. Above 0
    and up to 1; left out, 0.92 (DEFAULT_MEMORY_UTILIZATION)."""
    kv_cache_memory_bytes: Bytes | None = None
    """KV cache on each GPU: the same whatever neighbours hold. gpu_memory_utilization then sizes nothing, but so much
    must still be free at the start: beside a neighbour, give both."""
    enable_prefix_caching: Flag = True
    enforce_eager: Flag = False
    """No torch.compile and no CUDA graphs: a shorter start, slower answers."""
    max_lora_rank: LoraRank = 16
    """The highest rank among the version's adapters. Counts only where it has some."""
    max_loras: Count = 1
    """Adapters that one step may mix; requests for others wait. Each costs GPU memory, by max_lora_rank."""
    startup_timeout: Duration = ENGINE_READY
    """Loading, compilation and CUDA graphs. Whole seconds."""
    shutdown_timeout: Duration = timedelta(seconds=90)
    """The time after SIGTERM for requests in flight. Whole seconds. vLLM's own default, 0, ends them at once."""

    @property
    def memory_utilization(self) -> float:
        """The share of each GPU that must be free at the start."""
        if self.gpu_memory_utilization is None:
            return DEFAULT_MEMORY_UTILIZATION
        return self.gpu_memory_utilization

    @field_validator("gpu_memory_utilization")
    @classmethod
    def _share(cls, value: float | None) -> float | None:
        if value is not None and not 0 < value <= 1:
            raise ValueError(
                f"{value:g} is no share of a GPU; write a number above 0 and up to 1, as in 0.92"
            )
        return value

    @field_validator("kv_cache_memory_bytes")
    @classmethod
    def _some_memory(cls, value: Bytes | None) -> Bytes | None:
        if value is not None and value < 1:
            raise ValueError("is no memory at all; write an amount as in 4GiB, or leave it out")
        return value

    @field_validator("shutdown_timeout", "startup_timeout")
    @classmethod
    def _whole_seconds(cls, value: timedelta) -> timedelta:
        if value % timedelta(seconds=1) or value < timedelta(seconds=1):
            raise ValueError("is not a whole number of seconds; write 1s or more, no fraction")
        return value

    @model_validator(mode="after")
    def _a_step_holds_its_requests(self) -> Self:
        # vLLM stops on this one (vllm/config/scheduler.py); here it is found before anything is deployed.
        if (
            self.max_num_seqs
            and self.max_num_batched_tokens
            and self.max_num_batched_tokens < self.max_num_seqs
        ):
            raise ValueError(
                f"max_num_batched_tokens {self.max_num_batched_tokens} is less than one token for each of max_num_seqs "
                f"{self.max_num_seqs}; raise the first or lower the second"
            )
        return self

    @model_validator(mode="after")
    def _queue_behind_the_running(self) -> Self:
        if self.max_num_seqs and self.max_num_queued_reqs and self.max_num_queued_reqs < self.max_num_seqs:
            raise ValueError(
                f"max_num_queued_reqs {self.max_num_queued_reqs} counts running requests too and is below max_num_seqs "
                f"{self.max_num_seqs}; raise the first or lower the second"
            )
        return self


TUNABLE: Final = frozenset(
    {
        "enable_prefix_caching",
        "gpu_memory_utilization",
        "kv_cache_memory_bytes",
        "max_loras",
        "max_num_batched_tokens",
        "max_num_queued_reqs",
        "max_num_seqs",
        "shutdown_timeout",
        "startup_timeout",
    }
)
"""The options that change no answer, and so may be overridden in a release. enforce_eager is not among them: other
kernels round otherwise."""
