"""``python -m artifacts.provider ENGINE_ADDRESS``: the provider plugin, started by the engine through
`artifacts/plugin/pulumi-resource-slipway`."""

from __future__ import annotations

from artifacts.provider.provider import ArtifactResourceProvider
from plugin_server import serve

VERSION = "0.1.0"
"""Of the plugin. The program asks for none, so that the project's own is always the right one."""

if __name__ == "__main__":
    serve(ArtifactResourceProvider, version=VERSION)
