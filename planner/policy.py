"""The policy people write: Karpenter's NodePool and the OVHNodeClass it names, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from planner.requirements import Requirement
from planner.resources import Resources
from planner.taints import Taint


class Consolidation(Enum):
    """``disruption.consolidationPolicy``."""

    WHEN_EMPTY = "WhenEmpty"
    WHEN_EMPTY_OR_UNDERUTILIZED = "WhenEmptyOrUnderutilized"


class DisruptionReason(Enum):
    """Why a node would go; a budget may name some of them."""

    UNDERUTILIZED = "Underutilized"
    EMPTY = "Empty"
    DRIFTED = "Drifted"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisruptionBudget:
    """At most ``nodes`` nodes (or ``percent`` of them, rounded up) may go at once.

    With a ``schedule`` (cron, UTC, as in Karpenter) it holds only for ``duration`` seconds after each start.
    """

    nodes: int | None = None
    percent: int | None = None
    schedule: str = ""
    duration: int = 0
    reasons: tuple[DisruptionReason, ...] = tuple(DisruptionReason)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePool:
    """A ``karpenter.sh/v1 NodePool``. Times are seconds; ``consolidate_after`` None is ``Never``.

    ``budgets`` None means that none was written. ``limits`` holds capacity amounts and may hold ``nodes``.
    """

    name: str
    node_class: str
    weight: int = 0
    requirements: tuple[Requirement, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    taints: tuple[Taint, ...] = ()
    startup_taints: tuple[Taint, ...] = ()
    limits: Resources = field(default_factory=Resources)
    limited: tuple[str, ...] = ()
    consolidation: Consolidation = Consolidation.WHEN_EMPTY_OR_UNDERUTILIZED
    consolidate_after: int | None = 0
    budgets: tuple[DisruptionBudget, ...] | None = None
    expire_after: int | None = 720 * 3600
    termination_grace_period: int | None = None
    replicas: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClass:
    """A ``karpenter.ovhcloud.sh/v1alpha1 OVHNodeClass``; empty ``kube_id`` and ``region`` are found by themselves."""

    name: str
    service_name: str = ""
    kube_id: str = ""
    region: str = ""
    monthly_billed: bool = False
    anti_affinity: bool = False
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """All node pools and node classes of a cluster, sorted by name."""

    node_pools: tuple[NodePool, ...] = ()
    node_classes: tuple[NodeClass, ...] = ()

    def node_class(self, name: str) -> NodeClass | None:
        return next((one for one in self.node_classes if one.name == name), None)
