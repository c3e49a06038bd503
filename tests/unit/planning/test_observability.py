import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from cli.console import CLONE
from engines.tgi.metrics import METRICS as TGI_METRICS
from engines.torchserve.metrics import METRICS as TORCHSERVE_METRICS
from engines.vllm.metrics import METRICS as VLLM_METRICS
from model_catalog import Engine, Environment, load_catalog
from planning import Server, TextGenerationPlan, TorchServeModelPlan, TorchServePlan, make_plan
from planning.observability import (
    Alert,
    Severity,
    identity_labels,
    pod_monitor_spec,
    prometheus_rule_spec,
    server_alerts,
    server_sample_labels,
)
from tests.support.language_models import served
from tests.support.pools import POOLS
from tests.unit.planning.entries import SHARED_CATALOG, VLLM_CATALOG
from workloads.agent.metrics import Counters, Gauges, render
from workloads.agent.state import Memory, Observed
from workloads.agent.status import STATES, Situation

PLANNED = tuple(
    server
    for catalog in (load_catalog(), VLLM_CATALOG)
    for server in make_plan(catalog, Environment.SANDBOX, POOLS).servers
)
SERVERS = tuple(served(server) if isinstance(server, TextGenerationPlan) else server for server in PLANNED)
SHARED = next(
    server
    for server in make_plan(SHARED_CATALOG, Environment.SANDBOX, POOLS).servers
    if isinstance(server, TorchServePlan) and len(server.entries) > 1
)
"""A TorchServe server with models of two teams."""
BY_ENGINE = {server.engine: server for server in SERVERS}
OF_THE_AGENT = frozenset(
    re.findall(
        r"^# TYPE (\w+)",
        render(
            Situation(desired=None, observed=Observed(answers=False), memory=Memory(), now=0.0),
            Counters(),
            Gauges(configuration_valid=True, free_bytes=0, turned_at=0.0),
        ),
        flags=re.MULTILINE,
    )
)
"""What its page declares, with nothing to serve."""
EMITTED = {
    Engine.TGI: TGI_METRICS,
    Engine.TORCHSERVE: TORCHSERVE_METRICS | OF_THE_AGENT,
    Engine.VLLM: VLLM_METRICS,
}
OF_THE_CLUSTER = {
    "kube_pod_container_status_restarts_total",
    "kube_pod_labels",
    "kube_pod_status_ready",
    "up",
}
"""Prometheus itself, and kube-state-metrics 2 (docs/metrics/workload/pod-metrics.md of its repository)."""
WORDS = {
    *("and", "avg_over_time", "increase", "max", "min", "min_over_time", "on", "or", "rate", "sum", "time"),
    "vector",
}


@pytest.fixture(params=SERVERS, ids=lambda server: server.name)
def server(request: pytest.FixtureRequest) -> Server:
    planned: Server = request.param
    return planned


def metrics_in(expression: str) -> set[str]:
    """Names that an expression reads: what is left without matchers, ranges, label lists and PromQL's own words."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(by|on|group_left) \([^)]*\)", "", expression)
    return set(re.findall(r"[A-Za-z_:][\w:]*", bare)) - WORDS


def test_the_catalog_has_a_server_of_each_engine() -> None:
    assert set(BY_ENGINE) == set(Engine)


def test_every_metric_that_an_alert_reads_is_emitted_by_that_engine_or_by_the_cluster(server: Server) -> None:
    for alert in server_alerts(server, "serving"):
        read = metrics_in(alert.expression)
        assert read, alert.name
        assert read <= EMITTED[server.engine] | OF_THE_CLUSTER, alert.name


def test_an_invented_metric_would_be_noticed() -> None:
    assert metrics_in('sum by (a) (rate(ts_invented{b="c"}[5m])) > 0.05') == {"ts_invented"}


def test_every_alert_speaks_of_its_own_server_and_of_no_other(server: Server) -> None:
    for alert in server_alerts(server, "serving"):
        matchers = re.findall(r"\{([^}]*)\}", alert.expression)
        own = [m for m in matchers if f'"{server.name}"' in m]
        assert own, alert.name
        assert all('namespace="serving"' in m for m in own), alert.name


def test_brackets_and_quotes_of_every_expression_are_closed(server: Server) -> None:
    for alert in server_alerts(server, "serving"):
        for opening, closing in ("()", "{}", "[]"):
            assert alert.expression.count(opening) == alert.expression.count(closing), alert.name
        assert alert.expression.count('"') % 2 == 0, alert.name


def test_a_vanished_server_is_told_although_it_has_no_series_left(server: Server) -> None:
    (gone,) = [a for a in server_alerts(server, "serving") if a.name == "SlipwayServerNotReady"]
    assert gone.severity is Severity.CRITICAL
    assert "or vector(0)) == 0" in gone.expression


def test_a_rollout_of_the_only_replica_wakes_nobody(server: Server) -> None:
    (gone,) = [a for a in server_alerts(server, "serving") if a.name == "SlipwayServerNotReady"]
    assert gone.hold >= timedelta(minutes=10)


def test_nobody_is_woken_for_a_language_model_that_has_nothing_to_serve_and_no_pods() -> None:
    (writer,) = (server for server in PLANNED if server.name == "text-generation-writer-mul-1")
    assert writer.models[0].not_served
    names = {alert.name for alert in server_alerts(writer, "serving")}
    assert "SlipwayServerNotReady" not in names
    with_pods = {alert.name for alert in server_alerts(BY_ENGINE[Engine.TGI], "serving")}
    assert with_pods - names == {"SlipwayServerNotReady"}, "the others need a pod before they can ring"


def test_every_alert_says_whose_it_is_how_bad_and_what_to_run(server: Server) -> None:
    (group,) = prometheus_rule_spec(server, "serving")["groups"]
    for rule in group["rules"]:
        of_models = "by (task, model, language, owner" in rule["expr"]
        said = server_sample_labels(server) if of_models else identity_labels(server)
        assert rule["labels"] == {**said, "severity": rule["labels"]["severity"]}
        assert rule["labels"]["severity"] in set(Severity)
        named = "{{ $labels.task }}/{{ $labels.model }}/" if of_models else str(server.entries[0])
        assert named in rule["annotations"]["summary"]
        commands = rule["annotations"]["runbook"].splitlines()
        assert commands[0] == f"slipway show --server {server.name} --env sandbox"
        assert all(line.startswith(("git log ", "kubectl -n serving ", "slipway ")) for line in commands)
        assert re.fullmatch(r"\d+s", rule["for"])


def test_alert_names_are_unique_within_a_server(server: Server) -> None:
    names = [alert.name for alert in server_alerts(server, "serving")]
    assert len(names) == len(set(names))


def test_batching_that_an_entry_asks_for_is_no_queue() -> None:
    server = BY_ENGINE[Engine.TORCHSERVE]
    (wait,) = [a for a in server_alerts(server, "serving") if a.name == "SlipwayQueueWait"]
    limit = int(wait.expression.rpartition("> ")[2])
    delays = [model.options.max_batch_delay for model in server.models]  # type: ignore[attr-defined]  # TorchServe's
    assert limit == (timedelta(seconds=1) + max(delays)) / timedelta(microseconds=1)


def test_a_request_that_its_sender_got_wrong_is_no_failure_of_tgi() -> None:
    (failing,) = [
        a for a in server_alerts(BY_ENGINE[Engine.TGI], "serving") if a.name == "SlipwayRequestsFail"
    ]
    assert 'err!="validation"' in failing.expression


@pytest.mark.parametrize(
    ("engine", "ports"), [(Engine.TORCHSERVE, ["metrics", "agent"]), (Engine.TGI, ["inference"])], ids=str
)
def test_prometheus_scrapes_the_ports_where_engine_and_agent_show_their_metrics(
    engine: Engine, ports: list[str]
) -> None:
    endpoints = pod_monitor_spec(BY_ENGINE[engine])["podMetricsEndpoints"]
    assert [(one["port"], one["path"]) for one in endpoints] == [(port, "/metrics") for port in ports]


def relabelled(server: Server, sample: Mapping[str, str], port: str) -> dict[str, str]:
    """A sample's labels as Prometheus keeps them: a regex must match the whole value, and rules act in turn."""
    (endpoint,) = (
        one for one in pod_monitor_spec(server)["podMetricsEndpoints"] if one["port"] in (port, "inference")
    )
    labels = {rule["targetLabel"]: rule["replacement"] for rule in endpoint["relabelings"]} | dict(sample)
    for rule in endpoint.get("metricRelabelings", ()):
        if rule["action"] == "labeldrop":
            labels = {name: value for name, value in labels.items() if not re.fullmatch(rule["regex"], name)}
            continue
        assert rule["action"] == "replace"
        (source,) = rule["sourceLabels"]
        value = labels.get(source, "")
        if re.fullmatch(rule["regex"], value):
            labels[rule["targetLabel"]] = rule.get("replacement", value)
    return labels


def labels_of(server: Server, model_name: str) -> dict[str, str]:
    """What Prometheus adds to an engine's sample of that model."""
    found = relabelled(server, {"model_name": model_name}, "metrics")
    return {name: value for name, value in found.items() if name != "model_name"}


def test_every_sample_of_a_language_model_says_task_model_owner_environment_and_server() -> None:
    for engine in (Engine.TGI, Engine.VLLM):
        server = BY_ENGINE[engine]
        (model,) = server.models
        assert labels_of(server, "") == {
            "environment": "sandbox",
            "model": model.selector.model,
            "owner": model.owner,
            "server": server.name,
            "task": model.selector.task,
        }


def test_a_sample_of_a_shared_server_says_whose_model_in_which_language_it_is_about() -> None:
    for model in SHARED.models:
        assert isinstance(model, TorchServeModelPlan)
        assert labels_of(SHARED, model.name) == {
            "environment": "sandbox",
            "language": model.selector.language,
            "model": model.selector.model,
            "owner": model.owner,
            "server": SHARED.name,
            "task": model.selector.task,
        }
    assert len({model.owner for model in SHARED.models}) == 2


def test_the_agent_s_sample_says_the_same_as_torchserve_s_own() -> None:
    for model in SHARED.models:
        assert isinstance(model, TorchServeModelPlan)
        said = {"model_name": model.name, "model_version": model.version}
        of_the_agent = relabelled(SHARED, {"model": model.name, "version": model.version}, "agent")
        assert of_the_agent == relabelled(SHARED, said, "metrics")
        assert of_the_agent["model"] == model.selector.model
    gone = relabelled(SHARED, {"model": "no_longer", "version": "1", "state": "leaving"}, "agent")
    assert gone == {
        "environment": "sandbox",
        "model_name": "no_longer",
        "model_version": "1",
        "server": SHARED.name,
        "state": "leaving",
    }


def alert(server: Server, name: str) -> Alert:
    (found,) = (one for one in server_alerts(server, "serving") if one.name == name)
    return found


@pytest.mark.parametrize(
    ("name", "severity", "of_models"),
    [
        ("SlipwayModelNotServed", Severity.CRITICAL, True),
        ("SlipwayAnotherVersionAnswers", Severity.WARNING, True),
        ("SlipwayVersionFails", Severity.WARNING, True),
        ("SlipwayConfigurationRefused", Severity.WARNING, False),
        ("SlipwayAgentDown", Severity.WARNING, False),
        ("SlipwayAgentFails", Severity.WARNING, False),
        ("SlipwayDiskNearlyFull", Severity.WARNING, False),
    ],
)
def test_what_the_agent_says_of_models_and_of_itself_is_told_with_where_to_read_on(
    name: str, severity: Severity, of_models: bool
) -> None:
    found = alert(SHARED, name)
    assert (found.severity, found.of_models) == (severity, of_models)
    section = found.description.rpartition("docs/operations.md, ")[2].removesuffix(".")
    assert f"\n## {section}\n" in (CLONE / "docs/operations.md").read_text()


def test_an_alert_about_a_model_names_it_what_changed_last_and_the_way_back() -> None:
    for found in server_alerts(SHARED, "serving"):
        if found.of_models and found.name != "SlipwayQueueWait":
            assert found.run.splitlines()[2:] == [
                "git log -5 --oneline -- model_catalog/",
                "slipway rollback {{ $labels.task }}/{{ $labels.model }}/{{ $labels.language }} --env sandbox",
            ]
    assert "version {{ $labels.model_version }}" in alert(SHARED, "SlipwayVersionFails").summary


def test_a_version_that_loads_as_long_as_it_may_wakes_nobody() -> None:
    slow = SHARED.models[0]
    assert isinstance(slow, TorchServeModelPlan)
    serving = slow.options.model_copy(update={"startup_timeout": timedelta(minutes=12)})
    model = replace(slow, triple=slow.triple.model_copy(update={"serving": serving}))
    for server, hold in ((SHARED, 10), (replace(SHARED, models=(model, *SHARED.models[1:])), 15)):
        for name in ("SlipwayModelNotServed", "SlipwayAnotherVersionAnswers"):
            assert alert(server, name).hold == timedelta(minutes=hold)


def test_states_that_an_alert_asks_for_are_states_of_the_agent() -> None:
    (asked,) = re.findall(r'state=~"([^"]*)"', alert(SHARED, "SlipwayVersionFails").expression)
    assert set(asked.split("|")) <= set(STATES)


def test_a_sample_of_the_server_itself_says_no_model() -> None:
    assert labels_of(SHARED, "") == {"environment": "sandbox", "server": SHARED.name}


def test_an_alert_about_a_shared_server_names_every_team_and_what_it_serves() -> None:
    assert identity_labels(SHARED)["owner"] == "nlp-platform,search"
    (gone,) = [a for a in server_alerts(SHARED, "serving") if a.name == "SlipwayServerNotReady"]
    assert "from Ranking/Ranker, Ranking/Reader." in gone.description


def test_a_monitor_selects_the_pods_of_its_server_alone(server: Server) -> None:
    assert pod_monitor_spec(server)["selector"] == {"matchLabels": {"slipway.dev/server": server.name}}


def test_a_start_that_its_plan_allows_is_no_outage(server: Server) -> None:
    (gone,) = [a for a in server_alerts(server, "serving") if a.name == "SlipwayServerNotReady"]
    assert gone.hold >= server.startup_budget
