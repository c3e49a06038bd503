"""The Helm charts of the sandbox: stand-ins, served from loopback."""
