"""The class that TorchServe finds. Written by workloads/handlers/release.py."""

from slipway_handler import sentence_embedding as model
from slipway_handler.torchserve import TorchServeModel


class Handler(TorchServeModel):
    """See the package's docstring."""

    load = staticmethod(model.load)
    uses_gpu = model.USES_GPU
