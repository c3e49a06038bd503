"""A request that no plan can meet."""


class PlanningError(Exception):
    """Says what does not fit, by how much, and which change would make it fit."""
