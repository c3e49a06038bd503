"""The metrics that vLLM 0.33.0 emits on PORT (vllm/v1/metrics/loggers.py,
vllm/entrypoints/serve/instrumentator/metrics.py).

Names are as a scrape sees them: the client library ends counters in `_total`. Labels are model_name (the served name)
and engine, where nothing else is said. Left out is what only a server emits that speculates, hands its KV cache on or
was asked for more.
"""

from typing import Final

COUNTERS: Final = frozenset(
    {
        # handler, method, status (2xx, 4xx, 5xx): the only count that knows of errors. From
        # prometheus-fastapi-instrumentator (8.0.0 or newer; names and labels read at 8.1.0).
        "http_requests_total",
        # model_name, reason=max_num_queued_reqs|max_num_queued_tokens.
        "vllm:admission_rejections_total",
        # In tokens, as all prefix caches count.
        "vllm:external_prefix_cache_hits_total",
        "vllm:external_prefix_cache_queries_total",
        "vllm:generation_tokens_total",
        "vllm:mm_cache_hits_total",
        "vllm:mm_cache_queries_total",
        "vllm:num_preemptions_total",
        "vllm:prefix_cache_hits_total",
        "vllm:prefix_cache_queries_total",
        # source on top.
        "vllm:prompt_tokens_by_source_total",
        "vllm:prompt_tokens_cached_by_source_total",
        "vllm:prompt_tokens_cached_total",
        "vllm:prompt_tokens_total",
        # finished_reason on top.
        "vllm:request_success_total",
    }
)

GAUGES: Final = frozenset(
    {
        # Always 1; what it says stands in its labels.
        "vllm:cache_config_info",
        # sleep_state on top.
        "vllm:engine_sleep_state",
        # 1 is full.
        "vllm:kv_cache_usage_perc",
        # Only with adapters; max_lora, waiting_lora_adapters, running_lora_adapters, and no model_name.
        "vllm:lora_requests_info",
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        # reason=capacity|deferred on top.
        "vllm:num_requests_waiting_by_reason",
    }
)

HISTOGRAMS: Final = frozenset(
    {
        # handler, method. Requests that vLLM answers at once count too.
        "http_request_duration_seconds",
        "vllm:e2e_request_latency_seconds",
        "vllm:inter_token_latency_seconds",
        # A histogram in spite of its name.
        "vllm:iteration_tokens_total",
        "vllm:request_decode_time_seconds",
        "vllm:request_generation_tokens",
        "vllm:request_inference_time_seconds",
        "vllm:request_max_num_generation_tokens",
        "vllm:request_num_preemptions",
        "vllm:request_params_max_tokens",
        "vllm:request_params_n",
        "vllm:request_prefill_kv_computed_tokens",
        "vllm:request_prefill_time_seconds",
        "vllm:request_prompt_tokens",
        "vllm:request_queue_time_seconds",
        "vllm:request_time_per_output_token_seconds",
        "vllm:time_to_first_token_seconds",
    }
)

METRICS: Final = COUNTERS | GAUGES | HISTOGRAMS

LATENCY_BUCKETS: Final = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
)  # fmt: skip
"""Seconds; of vllm:e2e_request_latency_seconds and the queue, inference, prefill and decode times
(vllm/v1/metrics/buckets.py). A threshold of an SLO must be one of its family."""

FIRST_TOKEN_BUCKETS: Final = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
)  # fmt: skip
"""Seconds; of vllm:time_to_first_token_seconds."""

TOKEN_BUCKETS: Final = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
)  # fmt: skip
"""Seconds; of vllm:inter_token_latency_seconds and vllm:request_time_per_output_token_seconds."""
