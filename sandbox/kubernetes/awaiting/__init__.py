"""Waiting until an object is what it should be, and saying why it is not."""

from sandbox.kubernetes.awaiting.conditions import Progress, progress_of
from sandbox.kubernetes.awaiting.deletion import await_deleted
from sandbox.kubernetes.awaiting.readiness import NotReadyError, await_ready, check_ready

__all__ = ["NotReadyError", "Progress", "await_deleted", "await_ready", "check_ready", "progress_of"]
