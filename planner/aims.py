"""What a plan is to be good at, beside the policy: its objective, what it may ignore, and room kept free for later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from planner.canonical import Digest, Digests

if TYPE_CHECKING:
    from planner.pods import Pod, Spread
    from planner.policy import Policy
    from planner.snapshot import PodTemplate

EXPENDABLE_BELOW = -10
"""The cutoff of cluster-autoscaler's ``--expendable-pods-priority-cutoff``."""
BUDGET = 5_000
"""Milliseconds for the search of the cheapest nodes."""
HEADROOM = "Headroom"
"""The kind of the owner of a buffer's pods: there is no such object in any cluster."""
LOWEST_PRIORITY = -(2**31)
"""The least that a PriorityClass can say. Buffers have it, and are not expendable all the same."""


class Objective(Enum):
    """What is made as small as can be first; euros, nodes, change and name decide between equals, in this order."""

    CHEAPEST = "cheapest"
    FEWEST_NODES = "fewest-nodes"
    LEAST_WASTE = "least-waste"


class Preferences(Enum):
    """Whether new nodes are chosen so that preferred terms hold too, as Karpenter's ``--preference-policy`` says."""

    RESPECT = "respect"
    IGNORE = "ignore"


class MinValues(Enum):
    """Whether a NodePool is used that offers fewer values than its ``minValues`` asks for, as Karpenter's
    ``--min-values-policy`` says."""

    STRICT = "strict"
    BEST_EFFORT = "best-effort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """A buffer of pending capacity: so many pods of this shape always find room.

    They are demand like any pod, whatever ``Aims.expendable_below`` says, and nothing of them ever reaches the cluster.
    """

    name: str
    replicas: int
    template: PodTemplate
    namespace: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aims:
    """What a plan is to be good at.

    ``default_spreads`` are the scheduler's cluster-wide constraints for pods that bring none of their own; their
    selectors are None, because kube-scheduler takes those of Services and controllers. None in place of the tuple means
    the scheduler's built-in defaults, which only prefer. Pods whose priority is below ``expendable_below`` are never
    a reason to order a node (None: every pod is one). ``budget`` is in milliseconds.
    """

    objective: Objective = Objective.CHEAPEST
    preferences: Preferences = Preferences.RESPECT
    min_values: MinValues = MinValues.STRICT
    headroom: tuple[Headroom, ...] = ()
    default_spreads: tuple[Spread, ...] | None = None
    expendable_below: int | None = EXPENDABLE_BELOW
    budget: int = BUDGET

    def spares(self, pod: Pod) -> bool:
        """Whether a pod is expendable: its priority is below the cutoff, and it is no buffer's."""
        is_headroom = pod.owner is not None and pod.owner.kind == HEADROOM
        return self.expendable_below is not None and pod.needs.priority < self.expendable_below and not is_headroom


def policy_digest(policy: Policy, aims: Aims, digests: Digests | None = None) -> Digest:
    """The digest of what people want: the policy and the aims. The search's time budget alone is no part of it."""
    own = replace(aims, budget=BUDGET)
    return (digests or Digests()).of(policy if own == Aims() else (policy, own))
