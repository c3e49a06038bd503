"""Finds or builds the programs that the sandbox runs: the Pulumi engine and the Kubernetes control plane."""
