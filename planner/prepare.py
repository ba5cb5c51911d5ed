"""The snapshot as the planner looks at it: with the pods that are to come, and with what pods share spelled out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.attach import with_attach_limits
from planner.ports import with_whole_ports
from planner.workloads import with_headroom, with_workloads

if TYPE_CHECKING:
    from planner.aims import Aims
    from planner.snapshot import Snapshot


def prepared(snapshot: Snapshot, aims: Aims) -> Snapshot:
    """What-if workloads and buffers become pods, ports on all addresses name each address, volumes become amounts."""
    whole = with_headroom(with_workloads(snapshot), aims.headroom)
    return with_attach_limits(with_whole_ports(whole))
