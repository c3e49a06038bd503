"""The metrics of Text Generation Inference (router/src/server.rs and backends/v3, read at v3.3.7; the same in v3.3.5).

No name ends in `_total`, and no label says which model: the scraper adds it.
"""

from typing import Final

METRICS: Final = frozenset(
    {
        # Counters. tgi_request_failure has err=validation|overloaded|generation|incomplete|dropped|template.
        "tgi_batch_concat",
        "tgi_batch_inference_count",
        "tgi_batch_inference_failure",
        "tgi_batch_inference_success",
        "tgi_request_count",
        "tgi_request_failure",
        "tgi_request_success",
        # Gauges.
        "tgi_batch_current_max_tokens",
        "tgi_batch_current_size",
        "tgi_batch_max_total_tokens",
        "tgi_queue_size",
        # Histograms; durations in seconds.
        "tgi_batch_concat_duration",
        "tgi_batch_decode_duration",
        "tgi_batch_filter_duration",
        "tgi_batch_forward_duration",
        "tgi_batch_inference_duration",
        "tgi_batch_next_size",
        "tgi_request_duration",
        "tgi_request_generated_tokens",
        "tgi_request_inference_duration",
        "tgi_request_input_length",
        "tgi_request_max_new_tokens",
        "tgi_request_mean_time_per_token_duration",
        "tgi_request_queue_duration",
        "tgi_request_skipped_tokens",
        "tgi_request_validation_duration",
    }
)
