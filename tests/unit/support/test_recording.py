import pulumi
import pulumi_kubernetes as k8s
import pytest

from tests.support.recording import record


class Outer(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:x:Outer", name, None, opts)
        self.register_outputs({})


class Inner(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:x:Inner", name, None, opts)
        k8s.core.v1.ConfigMap(f"{name}-map", opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


def test_a_urn_holds_the_whole_chain_of_parents_as_the_engine_s_does() -> None:
    def nested() -> None:
        Inner("in", pulumi.ResourceOptions(parent=Outer("out")))

    recording = record(nested)
    expected = "urn:pulumi:test::slipway::test:x:Outer$test:x:Inner$kubernetes:core/v1:ConfigMap::in-map"
    assert recording.one("kubernetes:core/v1:ConfigMap").urn == expected


def test_a_duplicate_urn_is_an_error_as_it_is_in_the_engine() -> None:
    def twice() -> None:
        k8s.core.v1.ConfigMap("same")
        k8s.core.v1.ConfigMap("same")

    with pytest.raises(AssertionError, match="duplicate URN"):
        record(twice)


def test_a_secret_is_recorded_as_one_and_its_value_is_plain() -> None:
    def program() -> None:
        k8s.core.v1.ConfigMap("map", data=pulumi.Output.secret({"key": "value"}))

    config_map = record(program).one("kubernetes:core/v1:ConfigMap")
    assert config_map.secrets == {"data"}
    assert config_map.inputs["data"] == {"key": "value"}


def test_a_lookup_is_refused() -> None:
    def look_up() -> None:
        pulumi.runtime.invoke("some:index:lookup", {})

    with pytest.raises(AssertionError, match="invokes some:index:lookup"):
        record(look_up)
