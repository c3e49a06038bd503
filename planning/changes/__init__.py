"""What a change of the catalog does to one environment, told from the plans before and after it (docs/diff.md)."""

from planning.changes.alerts import AlertChange
from planning.changes.compare import PlanChanges, compare_plans
from planning.changes.costs import CostChange, CostChanges, OwnerCost
from planning.changes.live import LiveChange, LiveChanges, LiveKind, WaitingChange
from planning.changes.places import Gone, PlaceChanges
from planning.changes.pods import PodPart
from planning.changes.pools import PoolChange
from planning.changes.restarts import Affected, Restart
from planning.changes.risks import ChangeRisk, ChangeRiskKind
from planning.changes.servers import ServerChange, Size
from planning.changes.sides import PlanSide

__all__ = [
    "Affected",
    "AlertChange",
    "ChangeRisk",
    "ChangeRiskKind",
    "CostChange",
    "CostChanges",
    "Gone",
    "LiveChange",
    "LiveChanges",
    "LiveKind",
    "OwnerCost",
    "PlaceChanges",
    "PlanChanges",
    "PlanSide",
    "PodPart",
    "PoolChange",
    "Restart",
    "ServerChange",
    "Size",
    "WaitingChange",
    "compare_plans",
]
