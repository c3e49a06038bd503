"""Entry point of the executable ``pulumi-resource-kubernetes`` in the sandbox."""

from importlib.metadata import version

from sandbox.kubernetes.provider import KubernetesProvider
from sandbox.plugin import serve

if __name__ == "__main__":
    serve(KubernetesProvider, version=version("pulumi_kubernetes"))
