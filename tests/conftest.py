"""Ctrl-C works in every tier: a shell that starts tests in the background leaves SIGINT ignored, and what they start
would inherit that."""

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
