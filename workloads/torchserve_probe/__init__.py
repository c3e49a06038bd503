"""The readiness probe of a TorchServe container."""

from workloads.torchserve_probe.ready import Expectation, ExpectedModel, expectation_json

__all__ = ["Expectation", "ExpectedModel", "expectation_json"]
