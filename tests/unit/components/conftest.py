from collections.abc import Callable

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pytest

from tests.support.recording import Recording, record

Build = Callable[[pulumi.ResourceOptions], object]


@pytest.fixture(scope="session")
def built() -> Callable[[Build], Recording]:
    """Builds one component with explicit providers and gives back all that it registered."""

    def build(make: Build) -> Recording:
        def program() -> None:
            providers = [
                aws.Provider("aws", region="eu-west-1"),
                k8s.Provider("kubernetes", kubeconfig="{}"),
            ]
            make(pulumi.ResourceOptions(providers=providers, protect=False))

        return record(program)

    return build
