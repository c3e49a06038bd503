"""Entry point of the executable ``pulumi-resource-kubernetes`` in the sandbox."""

from importlib.metadata import version

from plugin_server import serve
from sandbox import guard
from sandbox.kubernetes.provider import KubernetesProvider

if __name__ == "__main__":
    serve(KubernetesProvider, version=version("pulumi_kubernetes"), refusal=guard.of_process)
