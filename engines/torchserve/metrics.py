"""The metrics that TorchServe 0.12.0 emits with `metrics_mode=prometheus` (ts/configs/metrics.yaml;
docs/facts/torchserve.md §5).

The client library is old and appends no `_total`. There is no histogram: no percentile can be had from these.
"""

from typing import Final

METRICS_PATH: Final = "/metrics"
"""The path of the metrics, on METRICS_PORT. It answers before any model is loaded."""

METRICS: Final = frozenset(
    {
        # Counters; labels Level, Hostname. Every answer of every API counts, readiness questions too.
        "Requests2XX",
        "Requests4XX",
        "Requests5XX",
        # Counters; labels model_name, model_version, hostname.
        "ts_inference_latency_microseconds",
        "ts_inference_requests_total",
        "ts_queue_latency_microseconds",
        # Gauges, of the last request.
        "HandlerTime",
        "PredictionTime",
        "QueueTime",
        "WorkerLoadTime",
        "WorkerThreadTime",
        # Gauges of the machine, once a minute.
        "CPUUtilization",
        "DiskAvailable",
        "DiskUsage",
        "DiskUtilization",
        "GPUMemoryUsed",
        "GPUMemoryUtilization",
        "GPUUtilization",
        "MemoryAvailable",
        "MemoryUsed",
        "MemoryUtilization",
    }
)
