"""A plan as people read it: pools, servers, GPUs as bars, cost and risks (docs/plan.md).

Not part of planning.capacity's face: plans are made with that, and this is made from plans.
"""

from planning.report.build import make_report, report_pools
from planning.report.content import (
    Alternative,
    GpuBar,
    Held,
    MemoryBound,
    PoolReport,
    Report,
    Risk,
    RiskKind,
    Segment,
    ServerReport,
    VersionReport,
)

__all__ = [
    "Alternative",
    "GpuBar",
    "Held",
    "MemoryBound",
    "PoolReport",
    "Report",
    "Risk",
    "RiskKind",
    "Segment",
    "ServerReport",
    "VersionReport",
    "make_report",
    "report_pools",
]
