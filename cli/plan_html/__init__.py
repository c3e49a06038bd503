"""A plan's report as one HTML page that needs nothing else: no network, no storage, no JavaScript to be read."""

from cli.plan_html.page import to_html

__all__ = ["to_html"]
