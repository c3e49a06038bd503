"""The options for running one model version on TorchServe."""

from datetime import timedelta
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from quantities import Count, Duration


class ServingOptions(BaseModel):
    """Workers, batching and timeouts of one version.

    What is left out takes TorchServe's own default (docs/facts/torchserve.md §3: batchSize 1, maxBatchDelay
    100 ms, responseTimeout and startupTimeout 120 s). The worker counts differ: TorchServe starts one worker
    per GPU or, without one, per CPU core, which varies with the node; here it is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    min_workers: Count = 1
    """Workers started with the server; readiness waits for them."""
    max_workers: Count | None = None
    """Left out: as min_workers. TorchServe never scales between the two by itself (measured)."""
    batch_size: Count = 1
    """Requests one worker takes at once. Above 1, a lone request waits for the whole max_batch_delay."""
    max_batch_delay: Duration = timedelta(milliseconds=100)
    """Whole milliseconds."""
    response_timeout: Duration = timedelta(seconds=120)
    """Whole seconds, at least 1; after it the worker is killed and its batch answered with 500."""
    startup_timeout: Duration = timedelta(seconds=120)
    """Whole seconds, at least 1."""

    @property
    def worker_limit(self) -> int:
        """The most workers that will run; each holds its own copy of the weights."""
        return self.min_workers if self.max_workers is None else self.max_workers

    @field_validator("max_batch_delay")
    @classmethod
    def _whole_milliseconds(cls, value: timedelta) -> timedelta:
        if value % timedelta(milliseconds=1):
            raise ValueError("is not a whole number of milliseconds; TorchServe takes no fraction")
        return value

    @field_validator("response_timeout", "startup_timeout")
    @classmethod
    def _whole_seconds(cls, value: timedelta) -> timedelta:
        if value % timedelta(seconds=1) or value < timedelta(seconds=1):
            raise ValueError("is not a whole number of seconds; TorchServe takes 1s or more, no fraction")
        return value

    @model_validator(mode="after")
    def _ordered_workers(self) -> Self:
        # TorchServe accepts minWorkers 3 with maxWorkers 1 and starts 3 without a word (measured).
        if self.worker_limit < self.min_workers:
            raise ValueError(
                f"max_workers {self.max_workers} is below min_workers {self.min_workers}; "
                "raise max_workers or leave it out"
            )
        return self


TUNABLE: Final = frozenset(ServingOptions.model_fields)
"""The options that change no answer, and so may be overridden in a release: all of them."""
