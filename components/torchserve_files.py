"""The files that configure a TorchServe pod: config.properties, which only an engine or image change changes, and the
agent's configuration, which each change of the catalog changes in place (artifacts/agent_configuration.py)."""

from typing import Final

from components.server_pod import MODEL_STORE
from engines.torchserve import render_empty_config
from planning import TorchServePlan

CONFIG_DIRECTORY: Final = "/etc/torchserve"
CONFIG_FILE: Final = "config.properties"
MODELS_DIRECTORY: Final = "/etc/slipway"
MODELS_FILE: Final = "models.json"


def config_properties(server: TorchServePlan) -> str:
    """The text of config.properties, the same whatever models the server has."""
    return render_empty_config(model_store=MODEL_STORE, gpus=server.resources.gpus)


def models_name(server: TorchServePlan) -> str:
    """Of the ConfigMap with the agent's configuration: a role can name an object only by a name that stays."""
    return f"{server.name}-models"
