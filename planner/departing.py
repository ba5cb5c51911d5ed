"""What becomes of the pods on nodes that leave: who goes, in which order, and who says no.

One set of rules for the text of a proposal and for the drain itself. They are Karpenter's (``IsEvictable`` and
``IsDrainable`` in pkg/utils/pod/scheduling.go, the tiers of terminator.go), but for two things. A pod without a
controller is not evicted, as with kubectl drain and cluster-autoscaler: nothing would start it again. And a pod that
tolerates the taint of a cordoned node is evicted once, with all its grace, instead of being killed with the node.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from planner import labels as known
from planner.errors import ValueRefused
from planner.ownership import owners
from planner.pending import rfc3339
from planner.pods import Phase
from planner.quantity import parse_duration
from planner.taints import Taint, untolerated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from planner.catalog import Catalog, Region
    from planner.nodes import Node
    from planner.pods import Owner, Pod
    from planner.policy import Policy
    from planner.pools import PoolSet
    from planner.snapshot import Budget

CORDONED: Final = Taint("node.kubernetes.io/unschedulable")
CRITICAL: Final = ("system-cluster-critical", "system-node-critical")
"""The priority classes whose pods leave last, as in a node's own graceful shutdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eviction:
    """A pod (``namespace/name``) that must leave a node. ``onto``: the node it finds room on; empty: it would wait;
    None: nobody looked.

    ``headroom`` is how many pods its PodDisruptionBudgets let be away now; None: no budget selects it. ``blocked_by``
    are clauses that say what forbids the eviction now.
    """

    pod: str
    owner: Owner | None = None
    critical: bool = False
    onto: str | None = None
    headroom: int | None = None
    blocked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What the removal of one node does; without evictions, only pods of daemon sets run there.

    ``forced_after`` is in seconds: what has not left by then is deleted, whatever forbids it; None: nothing is.
    """

    node: str
    pool: str = ""
    evictions: tuple[Eviction, ...] = ()
    blocked_by: tuple[str, ...] = ()
    forced_after: int | None = None


def departures(
    nodes: Iterable[Node], pods: Iterable[Pod], budgets: Sequence[Budget], *, now: datetime,
    forced: Mapping[str, int] | None = None, bare: bool = False,
) -> tuple[Departure, ...]:  # fmt: skip
    """What draining these nodes does, by node; in each, evictions in the order in which they are asked for.

    ``forced`` is what ``grace_periods`` says of the nodes' pools. ``bare``: pods without a controller may go.
    """
    leaving = {node.name: node for node in nodes}
    found: dict[str, list[Pod]] = {name: [] for name in leaving}
    for pod in pods:
        if pod.node_name in found and not pod.deleting and not stays(pod):
            found[pod.node_name].append(pod)

    def evictions(name: str) -> tuple[Eviction, ...]:
        mine = sorted(found[name], key=_order)
        return tuple(_eviction(pod, budgets, protection(pod, now, bare=bare)) for pod in mine)

    return tuple(
        Departure(
            node=name, pool=leaving[name].pool, blocked_by=tuple(filter(None, (protection_of_node(leaving[name]),))),
            evictions=evictions(name), forced_after=(forced or {}).get(leaving[name].pool),
        )
        for name in sorted(leaving)
    )  # fmt: skip


def grace_periods(pools: PoolSet, policy: Policy, catalog: Catalog, region: Region) -> dict[str, int]:
    """For each pool whose NodePools set one, ``terminationGracePeriod`` in seconds; of several, the longest.

    A pool that one of its NodePools lets drain for ever has none.
    """
    found = {}
    for pool in pools:
        periods = [one.termination_grace_period for one in owners(pool, policy, catalog, region)]
        given = [one for one in periods if one is not None]
        if given and len(given) == len(periods):
            found[str(pool.name)] = max(given)
    return found


def stays(pod: Pod, *, since: datetime | None = None) -> bool:
    """Whether a drain that began ``since`` leaves the pod where it is, to go with its node.

    Daemon sets' pods and those that kubelet runs by itself would come back at once; so would a pod that came to a
    cordoned node after the drain began and tolerates that. What has finished has no more to lose.
    """
    if pod.by_daemonset or pod.mirror or pod.phase.finished:
        return True
    came_back = since is not None and pod.created_at is not None and pod.created_at > since
    return came_back and not untolerated([CORDONED], pod.needs.tolerations)


def is_critical(pod: Pod) -> bool:
    """Whether the pod leaves only after all others have."""
    return pod.needs.priority_class in CRITICAL


def protection(pod: Pod, now: datetime, *, bare: bool = False) -> str:
    """What about the pod itself forbids to evict it, as a clause; empty: nothing does. ``bare``: bare pods may go.

    ``karpenter.sh/do-not-disrupt`` is ``true`` or a duration from the pod's creation; what is neither protects for
    ever, as Karpenter's design of it says (do-not-disrupt-grace-period.md).
    """
    annotations = dict(pod.annotations)
    safe = annotations.get(known.SAFE_TO_EVICT, "").lower()
    written = annotations.get(known.DO_NOT_DISRUPT, "")
    if written and written.lower() != "false":
        until = _protected_until(written, pod)
        if until is None:
            return f"{known.DO_NOT_DISRUPT} forbids it"
        if now < until:
            return f"{known.DO_NOT_DISRUPT} forbids it until {rfc3339(until)}"
    if safe == "false":
        return f"{known.SAFE_TO_EVICT} forbids it"
    if pod.controller is None and not bare and safe != "true":
        return "no controller would start it again"
    return ""


def protection_of_node(node: Node) -> str:
    """What forbids to evict anything from the node, as a clause; empty: nothing does."""
    written = dict(node.annotations).get(known.DO_NOT_DISRUPT, "")
    return f"{known.DO_NOT_DISRUPT} on the node forbids it" if written.lower() == "true" else ""


def _protected_until(written: str, pod: Pod) -> datetime | None:
    try:
        seconds = parse_duration(written)
    except ValueRefused:
        return None
    return pod.created_at + timedelta(seconds=seconds) if pod.created_at and seconds else None


def _eviction(pod: Pod, budgets: Sequence[Budget], protected: str) -> Eviction:
    mine = [one for one in budgets if _guards(one, pod)]
    headroom = min((one.allowed for one in mine), default=None)
    blocked = [protected]
    names = " and ".join(f"{one.namespace}/{one.name}" for one in mine)
    if len(mine) > 1:
        blocked.append(f"the PodDisruptionBudgets {names} select it, and an eviction heeds one at most")
    elif headroom == 0:
        blocked.append(f"the PodDisruptionBudget {names} lets no pod go now")
    return Eviction(
        pod=pod.key, owner=pod.owner, critical=is_critical(pod), headroom=headroom,
        blocked_by=tuple(filter(None, blocked)),
    )  # fmt: skip


def _guards(budget: Budget, pod: Pod) -> bool:
    """Whether an eviction of the pod asks this budget: one that does not run yet may always go."""
    if budget.selector is None or budget.namespace != pod.namespace or pod.phase is Phase.PENDING:
        return False
    return budget.selector.allow(dict(pod.labels))


def _order(pod: Pod) -> tuple[bool, str]:
    return (is_critical(pod), pod.key)
