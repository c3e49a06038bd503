"""Create, look, change and delete on a real API server."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugin_server import UNKNOWN, InitFailed, ProviderError, differences
from sandbox.kubernetes.client import ApiClient, ApiError
from sandbox.kubernetes.objects import id_of
from sandbox.kubernetes.provider import KubernetesProvider

pytestmark = pytest.mark.engine

Make = Callable[..., Any]
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def _deployment(namespace: str, node: str, **container: Any) -> dict[str, Any]:
    """A Deployment whose pods go to the test's own node."""
    return {
        "metadata": {"namespace": namespace, "name": "server"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "server"}},
            "template": {
                "metadata": {"labels": {"app": "server"}},
                "spec": {
                    "nodeSelector": {"test-node": node},
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "c", "image": "server:1", **container}],
                },
            },
        },
    }


def test_an_object_is_made_by_its_own_field_manager_and_read_back_without_drift(
    api: ApiClient, resource: Make, namespace: str
) -> None:
    made = resource(CONFIG_MAP, "config").create({"metadata": {"namespace": namespace}, "data": {"a": "1"}})
    live = api.get(f"/api/v1/namespaces/{namespace}/configmaps/{made.id.partition('/')[2]}")
    assert made.id == id_of(live)
    managers = [(e["manager"], e["operation"]) for e in live["metadata"]["managedFields"]]
    assert managers == [(made.state["__fieldManager"], "Apply")]
    assert "last-applied" not in str(live)
    assert "managedFields" not in made.state["metadata"]
    found = made.read()
    assert found.inputs == made.inputs
    assert found.state == made.state


def test_a_change_of_a_config_map_replaces_it_under_another_name(resource: Make, namespace: str) -> None:
    made = resource(CONFIG_MAP).create({"metadata": {"namespace": namespace}, "data": {"a": "1"}})
    changed = {"metadata": {"namespace": namespace}, "data": {"a": "2"}}
    difference = made.diff(changed)
    assert [(c.path, c.replaces) for c in difference.changes] == [(("data", "a"), True)]
    assert not difference.delete_before_replace
    renamed = made.check(changed, replacing=True).inputs["metadata"]["name"]
    assert renamed != made.inputs["metadata"]["name"]


def test_a_named_config_map_is_deleted_before_it_is_replaced_and_the_preview_of_that_passes(
    resource: Make, namespace: str
) -> None:
    named = {"metadata": {"namespace": namespace, "name": "fixed"}, "data": {"a": "1"}, "immutable": True}
    made = resource(CONFIG_MAP).create(named)
    assert made.diff({**named, "data": {"a": "2"}}).delete_before_replace
    preview = made.preview({**named, "data": {"a": "2"}})
    assert preview.state["metadata"]["name"] == "fixed"


def test_a_preview_shows_what_the_server_would_make_and_leaves_nothing(
    api: ApiClient, resource: Make, namespace: str
) -> None:
    service = {
        "metadata": {"namespace": namespace, "name": "s"},
        "spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]},
    }
    preview = resource("kubernetes:core/v1:Service").preview(service)
    assert preview.state["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert preview.state["spec"]["clusterIP"] is UNKNOWN
    assert preview.state["metadata"]["uid"] is UNKNOWN
    assert api.find(f"/api/v1/namespaces/{namespace}/services/s") is None


def test_a_misspelt_field_is_an_error_of_the_preview(resource: Make, namespace: str, node: str) -> None:
    wrong = _deployment(namespace, node)
    wrong["spec"]["replicsa"] = 2
    with pytest.raises(ProviderError, match=r"replicsa"):
        resource(DEPLOYMENT).preview(wrong)


def test_an_invalid_value_is_an_error_of_the_preview(resource: Make, namespace: str, node: str) -> None:
    wrong = _deployment(namespace, node, resources={"limits": {"memory": "1GB!"}})
    with pytest.raises(ProviderError, match="quantities must match"):
        resource(DEPLOYMENT).preview(wrong)


def test_a_pod_that_pod_security_forbids_is_an_error_of_the_preview(api: ApiClient, resource: Make) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = (
        resource("kubernetes:core/v1:Namespace", "guarded").create({"metadata": {"labels": labels}}).id
    )
    resource("kubernetes:core/v1:ServiceAccount").create({"metadata": {"namespace": namespace, "name": "me"}})
    pod = {
        "metadata": {"namespace": namespace},
        "spec": {
            "hostNetwork": True,
            "serviceAccountName": "me",
            "containers": [{"name": "c", "image": "i"}],
        },
    }
    with pytest.raises(ProviderError, match='violates PodSecurity "restricted:latest"'):
        resource("kubernetes:core/v1:Pod", "pod").preview(pod)
    api.delete(f"/api/v1/namespaces/{namespace}", {})


def test_without_its_namespace_nothing_is_validated_and_the_preview_says_so(
    resource: Make, messages: Any
) -> None:
    inputs = {"metadata": {"namespace": "later", "name": "a"}, "data": {"a": "1"}}
    preview = resource(CONFIG_MAP).preview(inputs)
    assert preview.state["data"] == {"a": "1"}
    assert messages.lines == ["not validated: namespace later does not exist yet"]


def test_an_unknown_input_is_not_validated(resource: Make, messages: Any, namespace: str) -> None:
    preview = resource(CONFIG_MAP).preview({"metadata": {"namespace": namespace}, "data": {"a": UNKNOWN}})
    assert preview.state["data"] == {"a": UNKNOWN}
    assert messages.lines == ["not validated: an input is not known yet"]


def test_a_create_whose_answer_was_lost_finds_its_object_again(resource: Make, namespace: str) -> None:
    inputs = {"metadata": {"namespace": namespace, "name": "a"}, "data": {"a": "1"}}
    first = resource(CONFIG_MAP, "same").create(inputs)
    again = resource(CONFIG_MAP, "same").create(inputs)
    assert again.state["metadata"]["uid"] == first.state["metadata"]["uid"]


def _config_maps(api: ApiClient, namespace: str) -> list[str]:
    items = api.get(f"/api/v1/namespaces/{namespace}/configmaps")["items"]
    return [item["metadata"]["name"] for item in items if item["metadata"]["name"] != "kube-root-ca.crt"]


@pytest.mark.parametrize("immutable", [True, False])
def test_a_lost_object_with_a_generated_name_is_taken_over_by_the_next_run(
    resource: Make, run_anew: Callable[[], None], api: ApiClient, namespace: str, immutable: bool
) -> None:
    wanted = {"metadata": {"namespace": namespace}, "data": {"a": "1"}, "immutable": immutable}
    lost = resource(CONFIG_MAP, "config").create(wanted)
    run_anew()
    made = resource(CONFIG_MAP, "config").create(wanted)
    assert made.id == lost.id
    assert _config_maps(api, namespace) == [made.id.partition("/")[2]]


@pytest.mark.parametrize("second", [{"a": "2"}, {}, {"a": "1", "b": "2"}])
def test_a_lost_object_that_cannot_become_what_is_wanted_is_removed(
    resource: Make, run_anew: Callable[[], None], api: ApiClient, namespace: str, second: dict[str, str]
) -> None:
    metadata = {"metadata": {"namespace": namespace}, "immutable": True}
    lost = resource(CONFIG_MAP, "config").create({**metadata, "data": {"a": "1"}})
    run_anew()
    made = resource(CONFIG_MAP, "config").create({**metadata, "data": second})
    assert made.id != lost.id
    assert _config_maps(api, namespace) == [made.id.partition("/")[2]]


def test_a_lost_object_with_the_programs_own_name_is_made_anew_where_it_cannot_be_changed(
    resource: Make, run_anew: Callable[[], None], api: ApiClient, namespace: str
) -> None:
    metadata = {"metadata": {"namespace": namespace, "name": "mine"}, "immutable": True}
    resource(CONFIG_MAP, "config").create({**metadata, "data": {"a": "1"}})
    run_anew()
    resource(CONFIG_MAP, "config").create({**metadata, "data": {"a": "2"}})
    assert api.get(f"/api/v1/namespaces/{namespace}/configmaps/mine")["data"] == {"a": "2"}


def test_an_object_that_waits_to_be_deleted_after_its_replacement_is_not_taken_for_a_lost_one(
    resource: Make, run_anew: Callable[[], None], api: ApiClient, namespace: str
) -> None:
    def wanted(value: str) -> dict[str, Any]:
        return {"metadata": {"namespace": namespace}, "data": {"a": value}}

    old = resource(CONFIG_MAP, "config").create(wanted("1"))
    old.diff(wanted("2"))
    new = resource(CONFIG_MAP, "config").create(wanted("2"))
    run_anew()  # the run ended before the old one was deleted; the engine now speaks of the new one only
    new.diff(wanted("1"))
    third = resource(CONFIG_MAP, "config").create(wanted("1"))
    assert len({old.id, new.id, third.id}) == 3
    assert len(_config_maps(api, namespace)) == 3


def test_an_object_of_someone_else_is_not_taken_over(resource: Make, namespace: str) -> None:
    inputs = {"metadata": {"namespace": namespace, "name": "a"}, "data": {"a": "1"}}
    resource(CONFIG_MAP, "one").create(inputs)
    with pytest.raises(ProviderError, match=rf"ConfigMap {namespace}/a already exists\. Import it"):
        resource(CONFIG_MAP, "other").create(inputs)


def test_a_deployment_is_awaited_and_read_back_without_drift(
    resource: Make, namespace: str, node: str
) -> None:
    resources = {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"cpu": 1}}
    env = [{"name": "EMPTY", "value": ""}]
    inputs = _deployment(namespace, node, resources=resources, env=env)
    made = resource(DEPLOYMENT).create(inputs)
    assert made.state["status"]["availableReplicas"] == 1
    assert made.read().inputs == made.inputs
    assert made.diff(inputs).changes == ()
    made.delete()
    assert made.read() is None
    made.delete()


def test_an_edit_behind_the_back_is_seen_and_corrected(
    resource: Make, edit: Callable[..., Any], namespace: str, node: str
) -> None:
    inputs = _deployment(namespace, node)
    made = resource(DEPLOYMENT).create(inputs)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/server"
    edit(path, {"spec": {"replicas": 0}, "metadata": {"labels": {"added": "later"}}})
    assert list(differences(made.inputs, made.seen())) == [(("spec", "replicas"), "update")]
    made.update(inputs)
    assert made.state["spec"]["replicas"] == 1
    made.delete()


def test_a_field_that_another_manager_owns_is_a_conflict_with_names_and_fix(
    resource: Make, edit: Callable[..., Any], namespace: str
) -> None:
    # A Service is mutable; its annotation stands for what a controller writes.
    def inputs(value: str, **annotations: str) -> dict[str, Any]:
        return {
            "metadata": {"namespace": namespace, "name": "s", "annotations": {"a": value, **annotations}},
            "spec": {"ports": [{"port": 80}]},
        }

    made = resource("kubernetes:core/v1:Service").create(inputs("1"))
    path = f"/api/v1/namespaces/{namespace}/services/s"
    edit(path, {"metadata": {"annotations": {"a": "theirs"}}}, manager="their-controller")
    with pytest.raises(ProviderError, match=r"\.metadata\.annotations\.a \(conflict with .their-controller"):
        made.update(inputs("2"))
    made.update(inputs("2", **{"pulumi.com/patchForce": "true"}))
    assert made.state["metadata"]["annotations"]["a"] == "2"


def test_what_the_server_does_not_change_in_place_is_an_error_of_the_preview_with_the_fix(
    resource: Make, namespace: str
) -> None:
    # volumeMode is not in the real provider's table of replacing fields.
    def claim(mode: str) -> dict[str, Any]:
        metadata = {"namespace": namespace, "annotations": {"pulumi.com/skipAwait": "true"}}
        spec = {"accessModes": ["ReadWriteOnce"], "volumeMode": mode}
        return {"metadata": metadata, "spec": {**spec, "resources": {"requests": {"storage": "1Gi"}}}}

    made = resource("kubernetes:core/v1:PersistentVolumeClaim").create(claim("Block"))
    with pytest.raises(ProviderError, match="replace_on_changes"):
        made.update(claim("Filesystem"), preview=True)


def test_a_gpu_that_no_node_has_fails_with_the_schedulers_words(
    resource: Make, namespace: str, node: str
) -> None:
    inputs = _deployment(namespace, node, resources={"limits": {"nvidia.com/gpu": 2}})
    made = resource(DEPLOYMENT)
    with pytest.raises(InitFailed) as caught:
        made.create(inputs, timeout=4)
    assert "was not ready within 4 s" in caught.value.reasons[0]
    assert any("Insufficient nvidia.com/gpu" in reason for reason in caught.value.reasons)
    assert caught.value.id == f"{namespace}/server"
    made.id, made.state = caught.value.id, caught.value.state
    made.delete()


def test_pods_that_a_quota_forbids_fail_with_the_quotas_words(
    api: ApiClient, resource: Make, namespace: str, node: str
) -> None:
    metadata = {"namespace": namespace, "name": "none", "annotations": {"pulumi.com/skipAwait": "true"}}
    resource("kubernetes:core/v1:ResourceQuota").create(
        {"metadata": metadata, "spec": {"hard": {"pods": "0"}}}
    )
    _await_counted(api, f"/api/v1/namespaces/{namespace}/resourcequotas/none", "pods")
    with pytest.raises(InitFailed, match="exceeded quota"):
        resource(DEPLOYMENT).create(_deployment(namespace, node), timeout=4)


def _await_counted(api: ApiClient, quota: str, what: str) -> None:
    """Waits until the quota's controller has counted: until then the server refuses pods for want of a count."""
    deadline = time.monotonic() + 30
    status: dict[str, Any] = {}
    while not (what in status.get("hard", {}) and what in status.get("used", {})):
        assert time.monotonic() < deadline, f"{what} of {quota} were not counted within 30 s: {status}"
        time.sleep(0.1)
        status = api.get(quota).get("status", {})


def test_a_job_is_awaited(resource: Make, namespace: str, node: str) -> None:
    template = _deployment(namespace, node)["spec"]["template"]["spec"]
    job = {"template": {"spec": {**template, "restartPolicy": "Never"}}}
    made = resource("kubernetes:batch/v1:Job", "job").create(
        {"metadata": {"namespace": namespace}, "spec": job}
    )
    assert made.state["status"]["succeeded"] == 1
    assert made.read().inputs == made.inputs


def test_an_object_that_finalizers_hold_is_named_with_them(
    resource: Make, edit: Callable[..., Any], namespace: str
) -> None:
    metadata = {"namespace": namespace, "name": "held", "finalizers": ["slipway.dev/held"]}
    made = resource(CONFIG_MAP).create({"metadata": metadata})
    with pytest.raises(ProviderError, match=r"still there 1 s .*held by finalizers: slipway\.dev/held"):
        made.delete(timeout=1)
    edit(f"/api/v1/namespaces/{namespace}/configmaps/held", {"metadata": {"finalizers": None}})


def test_a_custom_resource_is_validated_by_its_definition_once_that_exists(
    resource: Make, messages: Any, namespace: str
) -> None:
    definition = yaml.safe_load((Path(__file__).parent / "widgets.yaml").read_text())
    spec = {"interval": "30s", "port": "http", "extra": {"any": {"thing": [1, 2.5]}}, "tags": ["b", "a"]}
    widget: dict[str, Any] = {"metadata": {"namespace": namespace, "name": "w"}, "spec": spec}
    type_ = "kubernetes:tests.slipway.dev/v1:Widget"
    resource(type_).preview(widget)
    assert messages.lines == ["not validated: the cluster does not know tests.slipway.dev/v1 Widget yet"]
    crd = resource("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition").create(definition)
    assert crd.read().inputs == crd.inputs
    made = resource(type_).create(widget)
    assert made.state["spec"]["retries"] == 3
    assert made.read().inputs == made.inputs
    with pytest.raises(ProviderError, match=r"spec\.interval: Invalid value"):
        made.update({**widget, "spec": {**spec, "interval": "30 seconds"}}, preview=True)
    crd.delete()
    assert made.read() is None
    made.delete()


def test_a_helm_release_is_recorded_and_says_so(
    api: ApiClient, resource: Make, messages: Any, namespace: str
) -> None:
    inputs = {"chart": "keda", "version": "2.1", "namespace": namespace, "values": {"password": "hidden"}}
    made = resource("kubernetes:helm.sh/v3:Release", "keda").create(inputs)
    assert messages.lines[0].startswith("recorded only")
    assert made.state["status"]["status"] == "recorded"
    records = api.get(
        f"/api/v1/namespaces/{namespace}/configmaps",
        {"labelSelector": "slipway.dev/recorded-release=true"},
    )["items"]
    assert [record["data"]["chart"] for record in records] == ["keda"]
    assert "hidden" not in str(records)
    made.delete()
    assert made.read() is None


def test_a_secret_leaves_no_annotation_with_its_contents(
    api: ApiClient, resource: Make, namespace: str
) -> None:
    made = resource("kubernetes:core/v1:Secret").create(
        {"metadata": {"namespace": namespace, "name": "s"}, "stringData": {"a": "hidden"}}
    )
    live = api.get(f"/api/v1/namespaces/{namespace}/secrets/s")
    assert "hidden" not in str(live["metadata"])
    assert made.read().inputs == made.inputs
    assert set(made.state) - {"__fieldManager", "__initialApiVersion"} == set(live)


def test_a_cancel_ends_a_wait_and_keeps_what_was_made(
    provider: KubernetesProvider, resource: Make, namespace: str
) -> None:
    made = resource(DEPLOYMENT)
    ending = threading.Timer(1, provider.cancel)
    ending.start()
    with pytest.raises(InitFailed, match="cancelled") as caught:
        made.create(_deployment(namespace, "no-such-node"), timeout=60)
    ending.join()
    assert caught.value.id == f"{namespace}/server"


def test_an_object_that_is_gone_is_not_made_again_by_an_update(
    api: ApiClient, resource: Make, namespace: str
) -> None:
    inputs = {"metadata": {"namespace": namespace, "name": "s"}, "spec": {"ports": [{"port": 80}]}}
    made = resource("kubernetes:core/v1:Service").create(inputs)
    api.delete(f"/api/v1/namespaces/{namespace}/services/s", {})
    inputs["spec"] = {"ports": [{"port": 81}]}
    with pytest.raises(ProviderError, match="run `pulumi refresh`"):
        made.update(inputs)
    assert made.read() is None
    with pytest.raises(ApiError):
        api.get(f"/api/v1/namespaces/{namespace}/services/s")
