import base64
from collections.abc import Callable
from typing import Any

import pytest

from plugin_server import UNKNOWN, ProviderError
from sandbox.kubernetes.apply import apply, explain, is_managed_by, manager_of, target_of
from sandbox.kubernetes.client import ApiClient, ApiError
from sandbox.kubernetes.discovery import Kind
from sandbox.kubernetes.preview import NotValidatedError, preview_create
from sandbox.kubernetes.types import not_emulated

URN = "urn:pulumi:sandbox::slipway::kubernetes:core/v1:Secret::s"
KIND = Kind(api_version="v1", name="Secret", plural="secrets", namespaced=True)


def _target(**inputs: Any) -> Any:
    whole = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **inputs}
    return target_of(URN, KIND, whole, default_namespace="n")


def test_the_field_manager_has_the_real_providers_form_and_follows_from_the_urn() -> None:
    assert manager_of(URN).startswith("pulumi-kubernetes-")
    assert manager_of(URN) == manager_of(URN) != manager_of(URN + "2")
    managed = {"metadata": {"managedFields": [{"manager": manager_of(URN), "operation": "Apply"}]}}
    assert is_managed_by(managed, manager_of(URN))
    assert not is_managed_by(managed, manager_of("other"))


def test_strings_of_a_secret_are_sent_as_data_so_that_a_dropped_key_goes_away() -> None:
    body = _target(stringData={"a": "x"}, data={"b": "eQ=="}).body
    assert body["data"] == {"b": "eQ==", "a": base64.b64encode(b"x").decode()}
    assert "stringData" not in body


def _conflict(manager: str) -> dict[str, Any]:
    cause = {
        "reason": "FieldManagerConflict",
        "message": f'conflict with "{manager}" using v1',
        "field": ".data",
    }
    return {"reason": "Conflict", "message": "Apply failed", "details": {"causes": [cause]}}


def test_a_change_made_with_kubectl_is_taken_over_without_being_forced(
    server: Any, client_for: Callable[..., ApiClient]
) -> None:
    server.answer = lambda a: (200, {}) if "force=true" in a.path else (409, _conflict("kubectl-edit"))
    assert apply(client_for(server.url), _target(), dry_run=False) == {}


def test_a_field_of_another_manager_is_a_conflict_that_names_field_manager_and_fix(
    server: Any, client_for: Callable[..., ApiClient]
) -> None:
    server.answer = lambda _: (409, _conflict("horizontal-scaler"))
    with pytest.raises(ApiError) as caught:
        apply(client_for(server.url), _target(), dry_run=False)
    message = str(explain(_target(), caught.value))
    assert '.data (conflict with "horizontal-scaler" using v1)' in message
    assert '"pulumi.com/patchForce": "true"' in message


def test_an_immutable_field_is_explained_with_the_option_that_replaces() -> None:
    causes = [{"field": "spec.selector", "message": "field is immutable"}]
    error = ApiError(422, {"message": "field is immutable", "details": {"causes": causes}})
    assert 'replace_on_changes=["spec.selector"]' in str(explain(_target(), error))


def _previewed(server: Any, client: ApiClient, refusal: tuple[int, dict[str, Any]]) -> Any:
    server.answer = lambda asked: (404, {}) if asked.method == "GET" else refusal
    return preview_create(client, _target())


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (404, {"details": {"kind": "namespaces"}}, "namespace n does not exist yet"),
        (403, {"message": 'User "x" cannot patch resource'}, "cannot patch"),
        (403, {"message": "no PriorityClass with name gold was found; not found"}, "not found"),
    ],
)
def test_what_an_update_may_still_bring_is_not_an_error_of_the_preview(
    server: Any, client_for: Callable[..., ApiClient], status: int, body: dict[str, Any], why: str
) -> None:
    with pytest.raises(NotValidatedError, match=why):
        _previewed(server, client_for(server.url), (status, body))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, "exceeded quota: gpus"),
        (422, "spec.replicas: Invalid value"),
        (500, ".spec.replicsa: field not declared"),
    ],
)
def test_what_the_server_will_still_refuse_is_an_error_of_the_preview(
    server: Any, client_for: Callable[..., ApiClient], status: int, message: str
) -> None:
    with pytest.raises(ProviderError, match=f"refuses Secret n/s: {message}"):
        _previewed(server, client_for(server.url), (status, {"message": message}))


def test_what_only_the_real_write_decides_is_unknown_in_a_preview(
    server: Any, client_for: Callable[..., ApiClient]
) -> None:
    made = {
        "metadata": {"name": "s", "uid": "u-1", "labels": {"job": "u-1"}, "managedFields": []},
        "data": {},
    }
    seen = _previewed(server, client_for(server.url), (200, made))
    assert seen["metadata"]["uid"] is UNKNOWN
    assert seen["metadata"]["resourceVersion"] is UNKNOWN
    assert seen["metadata"]["labels"]["job"] is UNKNOWN
    assert seen["status"] is UNKNOWN
    assert seen["data"] == {}


@pytest.mark.parametrize(
    ("token", "kind", "emulated"),
    [
        ("kubernetes:apps/v1:Deployment", "Deployment", True),
        ("kubernetes:monitoring.coreos.com/v1:PodMonitor", "PodMonitor", True),
        ("kubernetes:helm.sh/v3:Release", None, True),
        ("kubernetes:helm.sh/v4:Chart", None, False),
        ("kubernetes:yaml/v2:ConfigFile", None, False),
        ("kubernetes:kustomize/v2:Directory", None, False),
        ("kubernetes:core/v1:ConfigMapPatch", "ConfigMap", False),
        ("kubernetes:core/v1:ConfigMapList", "ConfigMapList", False),
        ("kubernetes:example.com/v1:AllowList", "AllowList", True),
    ],
)
def test_a_type_that_is_not_emulated_is_named(token: str, kind: str | None, emulated: bool) -> None:
    reason = not_emulated(token, {"kind": kind} if kind else {})
    assert reason == "" if emulated else token in reason
