"""The emulated Kubernetes provider: pulumi-kubernetes's behaviour on the sandbox's real API server."""
