"""A secret input is in no failure, and stays a secret in the answers."""

import json
from typing import Any, NoReturn

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from artifacts.provider.provider import ArtifactResourceProvider
from plugin_server import Create, Created, Found, InitFailed, Properties, ProviderError, Read, Update
from plugin_server.secret_values import without_secrets
from plugin_server.server import ProviderServicer
from plugin_server.values import SECRET, SIGNATURE, UNKNOWN, from_struct, to_struct

PLANTED = "hunter2 'quoted' and \\ more"
URN = "urn:pulumi:dev::slipway::slipway:index:ModelArtifact::reader"
INPUTS: dict[str, Any] = {
    "sourceBucket": "research",
    "sourcePath": "models/fr",
    "digest": f"sha256:{'a' * 64}",
    "bucket": "environment",
}


class Nowhere:
    def status(self, urn: str, message: str) -> None: ...

    info = warning = status


class AbortedError(Exception):
    """What a call of gRPC ends with."""


class Context:
    def abort(self, _code: grpc.StatusCode, details: str) -> NoReturn:
        raise AbortedError(details)


def secret(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "value": value}


def servicer(provider: Any) -> ProviderServicer:
    return ProviderServicer(provider, "0.1.0", lambda _: None)


def checked(**changes: Any) -> Any:
    request = provider_pb2.CheckRequest(urn=URN, news=to_struct({**INPUTS, **changes}))
    context: Any = Context()
    return servicer(ArtifactResourceProvider(Nowhere())).Check(request, context)


class Echo:
    """Gives back its inputs, and what a cloud makes of them."""

    def create(self, request: Create) -> Created:
        made = {"arn": f"arn:{request.inputs['bucket']}", "policy": json.dumps([request.inputs["bucket"]])}
        return Created(id="1", state={**request.inputs, **made, "tagsAll": {"t": [PLANTED]}, "size": 3})

    def read(self, request: Read) -> Found:
        return Found(id="1", inputs=request.inputs, state={**request.state, "arn": f"arn:{PLANTED}"})

    def update(self, request: Update) -> Properties:
        return {**request.new_inputs, "arn": f"arn:{request.new_inputs['bucket']}", "size": 3}


def test_what_is_read_is_as_secret_as_what_is_known() -> None:
    known = to_struct({**INPUTS, "bucket": secret(PLANTED)})
    context: Any = Context()
    request = provider_pb2.ReadRequest(urn=URN, id="1", inputs=known, properties=known)
    answer = servicer(Echo()).Read(request, context)
    assert secret_properties(answer.inputs) == {"bucket"}
    assert secret_properties(answer.properties) == {"bucket", "arn"}


def test_what_an_update_makes_of_a_secret_is_secret() -> None:
    news = to_struct({**INPUTS, "bucket": secret(PLANTED)})
    request = provider_pb2.UpdateRequest(urn=URN, id="1", olds=to_struct(INPUTS), news=news)
    context: Any = Context()
    assert secret_properties(servicer(Echo()).Update(request, context).properties) == {"bucket", "arn"}


def test_a_resource_that_is_half_made_keeps_its_secrets() -> None:
    class HalfWay:
        def create(self, request: Create) -> NoReturn:
            raise InitFailed("1", request.inputs, request.inputs, [f"not ready: {PLANTED}"])

    class Failed(Context):
        def set_trailing_metadata(self, metadata: Any) -> None:
            self.status = status_pb2.Status.FromString(dict(metadata)["grpc-status-details-bin"])

    request = provider_pb2.CreateRequest(urn=URN, properties=to_struct({"bucket": secret(PLANTED)}))
    context: Any = Failed()
    with pytest.raises(AbortedError):
        servicer(HalfWay()).Create(request, context)
    detail = provider_pb2.ErrorResourceInitFailed()
    assert context.status.details[0].Unpack(detail)
    assert secret_properties(detail.properties) == secret_properties(detail.inputs) == {"bucket"}
    assert "hunter2" not in str(list(detail.reasons))


def created(properties: dict[str, Any]) -> struct_pb2.Struct:
    request = provider_pb2.CreateRequest(urn=URN, properties=to_struct(properties))
    context: Any = Context()
    state: struct_pb2.Struct = servicer(Echo()).Create(request, context).properties
    return state


def secret_properties(state: struct_pb2.Struct) -> set[str]:
    return {name for name, value in state.fields.items() if SIGNATURE in value.struct_value.fields}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bucketOwner", secret(PLANTED)),
        ("digest", secret(PLANTED)),
        ("bucketOwner", secret(4815162342)),
        ("kmsKeyArn", {"deep": [secret(PLANTED)]}),
        ("kmsKeyArn", secret({"deep": [PLANTED]})),
    ],
)
def test_a_wrong_secret_input_is_not_echoed_in_the_failure_of_a_check(name: str, value: Any) -> None:
    failures = checked(**{name: value}).failures
    # The engine shows the value of a property that is named there.
    assert [failure.property for failure in failures] == [""]
    assert failures[0].reason.startswith(f"{name} is ")
    assert "hunter2" not in failures[0].reason
    assert "4815162342" not in failures[0].reason
    assert "[secret]" in failures[0].reason


@pytest.mark.parametrize("size", [1, 5, len(PLANTED) - 1])
def test_the_beginning_of_a_secret_that_a_message_cuts_off_is_hidden(size: int) -> None:
    secrets = frozenset({PLANTED, "hunting"})
    said = without_secrets(f"it is 'a {PLANTED[:size]}…', and 'b…' is none of them… or {PLANTED}", secrets)
    assert said == "it is 'a [secret]…', and 'b…' is none of them… or [secret]"


def test_a_wrong_input_that_is_no_secret_is_shown() -> None:
    failure = checked(bucketOwner="nobody", sourcePath=secret("models/fr")).failures[0]
    assert failure.property == "bucketOwner"
    assert "is 'nobody'; write an account id" in failure.reason


def test_a_secret_address_is_not_echoed_by_the_provider_s_own_check() -> None:
    request = provider_pb2.CheckRequest(urn=URN, news=to_struct({"endpoint": secret(f"ftp://{PLANTED}")}))
    context: Any = Context()
    answer = servicer(ArtifactResourceProvider(Nowhere())).CheckConfig(request, context)
    assert answer.failures
    assert "hunter2" not in str(answer.failures)


def test_a_secret_input_is_secret_in_what_a_check_gives_back_and_in_the_state() -> None:
    assert (
        checked(sourcePath=secret("models/fr")).inputs.fields["sourcePath"]
        == to_struct({"x": secret("models/fr")}).fields["x"]
    )
    state = created({**INPUTS, "bucket": secret(PLANTED)})
    assert state.fields["bucket"].struct_value.fields[SIGNATURE].string_value == SECRET
    assert from_struct(state)["bucket"] == PLANTED
    assert state.fields["size"].number_value == 3


@pytest.mark.parametrize("kind", [ProviderError, ValueError])
def test_a_secret_input_is_not_in_the_error_of_a_call_nor_in_its_traceback(
    kind: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing:
        def create(self, request: Create) -> NoReturn:
            raise kind(f"the bucket {request.inputs['bucket']} and {request.inputs['bucket']!r}")

    request = provider_pb2.CreateRequest(urn=URN, properties=to_struct({"bucket": secret(PLANTED)}))
    context: Any = Context()
    with pytest.raises(AbortedError) as failed:
        servicer(Failing()).Create(request, context)
    assert "[secret]" in str(failed.value)
    assert "hunter2" not in str(failed.value) + capsys.readouterr().err


def test_a_property_that_repeats_a_secret_text_is_secret_too_and_no_other() -> None:
    state = created({**INPUTS, "bucket": secret(PLANTED), "size": secret(3)})
    assert secret_properties(state) == {"bucket", "arn", "policy", "tagsAll", "size"}
    assert from_struct(state)["arn"] == f"arn:{PLANTED}"


def test_a_secret_that_is_not_known_yet_marks_nothing_but_itself() -> None:
    state = created({**INPUTS, "bucket": "plain", "digest": secret(UNKNOWN), "kmsKeyArn": UNKNOWN})
    assert secret_properties(state) == {"digest"}


def test_the_engine_is_told_that_secrets_are_accepted() -> None:
    context: Any = Context()
    provider: Any = ArtifactResourceProvider(Nowhere())
    assert servicer(provider).Configure(provider_pb2.ConfigureRequest(), context).acceptSecrets is True
