"""Code that runs in containers. It imports no Pulumi and no component."""
