"""Failures of the sandbox, each one line for the user: what, where, and the fix."""

from __future__ import annotations


class SandboxError(Exception):
    """The sandbox cannot go on. The message says why and what to do; the command line prints it alone."""
