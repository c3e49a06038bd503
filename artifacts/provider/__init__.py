"""The Pulumi provider behind ModelArtifact and ThinArchive."""
