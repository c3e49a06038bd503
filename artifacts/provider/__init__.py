"""The Pulumi provider behind ModelArtifact."""
