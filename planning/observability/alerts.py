"""When somebody is told about a server: first alerts, on what engines and Kubernetes emit today.

No objective of an entry is known here yet, so a threshold is either a fact (no pod is ready) or a choice that says
so. Every comparison is written so that a series that does not exist yet gives no alert, and a server that has
vanished does.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from model_catalog import Engine
from planning.observability.agent_alerts import agent_alerts
from planning.observability.alert import (
    LABELLED,
    SUSTAINED,
    Alert,
    Severity,
    commands,
    listed,
    named,
    patience,
    samples_of,
)
from planning.server import ServerPlan
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan
from planning.torchserve_servers import TorchServePlan

FAILED_SHARE: Final = 0.05
"""Of the requests, over five minutes. Chosen, not measured; an entry's availability objective replaces it."""
QUEUE_WAIT: Final = timedelta(seconds=1)
"""Mean wait for a worker, beyond the batching delay that the entry asks for. Chosen, not measured."""
RESTARTS_AN_HOUR: Final = 2
"""One may be an eviction; three are a crash loop that Kubernetes slows down."""


def server_alerts(server: Server, namespace: str) -> tuple[Alert, ...]:
    """The server's alerts. `namespace` is where its pods run."""
    return (*_readiness(server, namespace), *_of_pods(server, namespace), *_of_engine(server, namespace))


def _of_engine(server: Server, namespace: str) -> Iterator[Alert]:
    match server:
        case TorchServePlan():
            yield from _of_torchserve(server, namespace)
            yield from agent_alerts(server, namespace)
        case TextGenerationPlan(engine=Engine.VLLM):
            yield from _of_vllm(server, namespace)
        case TextGenerationPlan():
            yield from _of_tgi(server, namespace)


_NOT_READY: Final = {
    Engine.TGI: "weights that cannot be fetched, a model that does not load",
    Engine.TORCHSERVE: "a bucket that cannot be read, a server that does not start; one broken model is none of them",
    Engine.VLLM: "weights that cannot be fetched, a model that does not load",
}


def _readiness(server: ServerPlan, namespace: str) -> Iterator[Alert]:
    if not server.running_replicas:
        return  # nobody is woken for pods that the plan does not ask for; `up` and `slipway plan` say why it has none
    yield Alert(
        name="SlipwayServerNotReady",
        # Without kube-state-metrics nothing is known of pods, which has an alert of its own.
        expression=f'{_ready(server, namespace)} == 0 and on () (max(up{{job="kube-state-metrics"}}) == 1)',
        hold=patience(server.startup_budget),
        severity=Severity.CRITICAL,
        summary=f"{named(server)} has no ready replica",
        description=(
            f"No pod of {server.name} is ready: nobody gets an answer from {listed(server)}. Usual causes: "
            f"no node with room, an image that cannot be pulled, {_NOT_READY[server.engine]}."
        ),
        run=commands(server, namespace, "get pods", "describe pods"),
    )


def _ready(server: ServerPlan, namespace: str) -> str:
    """How many of the server's pods are ready, in PromQL."""
    return (
        f'(sum(max by (namespace, pod) (kube_pod_status_ready{{namespace="{namespace}",condition="true"}}) '
        f"* on (namespace, pod) {_pods(server, namespace)}) or vector(0))"
    )


def _pods(server: ServerPlan, namespace: str) -> str:
    """The server's pods, in PromQL."""
    return (
        f'max by (namespace, pod) (kube_pod_labels{{namespace="{namespace}",'
        f'label_slipway_dev_server="{server.name}"}})'
    )


def _of_pods(server: ServerPlan, namespace: str) -> Iterator[Alert]:
    scraped = (
        f'(min(up{{{samples_of(server, namespace)},endpoint="{server.metrics_port_name}"}}) or vector(0))'
    )
    restarts = (
        f'sum(max by (namespace, pod, container) (increase(kube_pod_container_status_restarts_total{{namespace="'
        f'{namespace}"}}[1h])) * on (namespace, pod) group_left () {_pods(server, namespace)})'
    )
    what = named(server)
    yield Alert(
        name="SlipwayServerRestarts",
        expression=f"{restarts} > {RESTARTS_AN_HOUR}",
        hold=timedelta(0),
        severity=Severity.WARNING,
        summary=f"{what} keeps restarting",
        description=(
            f"Containers of {server.name} restarted more than {RESTARTS_AN_HOUR} times within an hour. Usual causes: "
            "memory beyond what its entry says, a GPU error, a crash in the model's code."
        ),
        run=commands(server, namespace, "describe pods", "logs --previous --all-containers"),
    )
    yield Alert(
        name="SlipwayMetricsMissing",
        expression=f"{scraped} == 0 and on () {_ready(server, namespace)} > 0",
        hold=SUSTAINED,
        severity=Severity.WARNING,
        summary=f"Prometheus cannot scrape {what}",
        description=(
            f"Pods of {server.name} are ready, and their metrics are not read: the other alerts of this server are "
            "blind. Usual cause: a network policy, or a PodMonitor that was changed by hand."
        ),
        run=commands(server, namespace, "get podmonitors,networkpolicies", "describe podmonitors"),
    )


def _of_torchserve(server: TorchServePlan, namespace: str) -> Iterator[Alert]:
    samples = f"{{{samples_of(server, namespace)}}}"
    delay = max(model.options.max_batch_delay for model in server.models)
    limit = QUEUE_WAIT + delay
    model = "sum by (task, model, language, owner, model_name, model_version)"
    what = named(server)
    yield Alert(
        name="SlipwayRequestsFail",
        # Requests2XX counts answers to readiness questions as well, so it is no base for a share.
        expression=(
            f"sum(rate(Requests5XX{samples}[5m])) / sum(rate(ts_inference_requests_total{samples}[5m])) "
            f"> {FAILED_SHARE}"
        ),
        hold=SUSTAINED,
        severity=Severity.CRITICAL,
        summary=f"{what} answers more than {FAILED_SHARE:.0%} of requests with 5xx",
        description=(
            f"More than {FAILED_SHARE:.0%} of the requests to {server.name} fail. Usual causes: an error in the "
            "handler, a worker that takes longer than its response_timeout, a version just released."
        ),
        run=commands(server, namespace, "logs --tail=200"),
    )
    yield Alert(
        name="SlipwayQueueWait",
        expression=(
            f"{model} (rate(ts_queue_latency_microseconds{samples}[5m])) "
            f"/ {model} (rate(ts_inference_requests_total{samples}[5m])) > {limit // timedelta(microseconds=1)}"
        ),
        hold=SUSTAINED,
        severity=Severity.WARNING,
        summary=f"requests to {LABELLED} wait for a worker of {server.name}",
        description=(
            f"A request to {LABELLED} version {{{{ $labels.model_version }}}} of {server.name} waits "
            f"more than {limit.total_seconds():g} s on average, of which at most {delay.total_seconds():g} s are "
            "batching. It needs more workers or replicas."
        ),
        run=commands(server, namespace, "get pods"),
        of_models=True,
    )


def _of_tgi(server: TextGenerationPlan, namespace: str) -> Iterator[Alert]:
    identity = samples_of(server, namespace)
    what = named(server)
    yield Alert(
        name="SlipwayRequestsFail",
        # A request that fails validation is its sender's mistake.
        expression=(
            f'sum(rate(tgi_request_failure{{{identity},err!="validation"}}[5m])) '
            f"/ sum(rate(tgi_request_count{{{identity}}}[5m])) > {FAILED_SHARE}"
        ),
        hold=SUSTAINED,
        severity=Severity.CRITICAL,
        summary=f"{what} fails more than {FAILED_SHARE:.0%} of requests",
        description=(
            f"More than {FAILED_SHARE:.0%} of the requests to {server.name} fail for a reason of the server's. "
            "overloaded: more callers than max_concurrent_requests; generation: see the log, often memory."
        ),
        run=commands(server, namespace, "logs --tail=200"),
    )
    yield Alert(
        name="SlipwayQueueNeverEmpty",
        expression=f"min(min_over_time(tgi_queue_size{{{identity}}}[10m])) > 0",
        hold=timedelta(minutes=5),
        severity=Severity.WARNING,
        summary=f"requests to {what} always wait",
        description=(
            f"The queue of every replica of {server.name} was not empty for ten minutes: it gets more than it can "
            "answer. It needs more replicas or a larger GPU."
        ),
        run=commands(server, namespace, "get pods"),
    )


def _of_vllm(server: TextGenerationPlan, namespace: str) -> Iterator[Alert]:
    identity = samples_of(server, namespace)
    asked = f'{identity},handler=~"/v1/.*"'
    what = named(server)
    yield Alert(
        name="SlipwayRequestsFail",
        # vllm:request_success_total knows no errors; the HTTP server's own count does.
        expression=(
            f'sum(rate(http_requests_total{{{asked},status="5xx"}}[5m])) '
            f"/ sum(rate(http_requests_total{{{asked}}}[5m])) > {FAILED_SHARE}"
        ),
        hold=SUSTAINED,
        severity=Severity.CRITICAL,
        summary=f"{what} fails more than {FAILED_SHARE:.0%} of requests",
        description=(
            f"More than {FAILED_SHARE:.0%} of the requests to {server.name} are answered with 5xx. Usual causes: more "
            "callers than max_num_queued_reqs (503), an engine that died (see the log, often memory)."
        ),
        run=commands(server, namespace, "logs --tail=200"),
    )
    yield Alert(
        name="SlipwayQueueNeverEmpty",
        expression=f"min(min_over_time(vllm:num_requests_waiting{{{identity}}}[10m])) > 0",
        hold=timedelta(minutes=5),
        severity=Severity.WARNING,
        summary=f"requests to {what} always wait",
        description=(
            f"The queue of every replica of {server.name} was not empty for ten minutes: it gets more than it can "
            "answer. It needs more replicas or a larger GPU."
        ),
        run=commands(server, namespace, "get pods"),
    )
