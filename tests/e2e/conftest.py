"""The real TorchServe, installed once. Where it cannot be had every test of the tier fails, and says why."""

import pytest

from sandbox.serving.runtime import RuntimeUnavailable, TorchServeRuntime, ensure


@pytest.fixture(scope="session")
def runtime() -> TorchServeRuntime:
    try:
        return ensure(print)
    except RuntimeUnavailable as error:
        pytest.fail(f"the real TorchServe cannot be had: {error}", pytrace=False)
