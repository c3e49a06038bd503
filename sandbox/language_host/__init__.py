"""Runs Python programs for the Pulumi engine; stands in for the host that no package registry carries."""
