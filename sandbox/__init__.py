"""The embedded default: the real Pulumi engine and a real Kubernetes control plane beside an emulated AWS."""
