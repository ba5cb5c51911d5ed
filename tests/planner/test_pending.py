"""How long pods have waited, and how urgent they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from planner.demand import Demand, collect_demand
from planner.pending import find_pending
from planner.plan import Pending
from planner.pods import Pod
from planner.snapshot import Snapshot
from tests.planner.cluster import node_class, node_pool, plan_of, pod

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EARLY = Pod(namespace="shop", name="early", created_at=NOON)


def _pending(*pods: Pod) -> Pending:
    return find_pending(collect_demand(Snapshot(pods=pods)), pods)


def test_the_oldest_and_the_newest_are_told() -> None:
    late = replace(EARLY, name="late", created_at=NOON + timedelta(minutes=5))

    assert _pending(late, EARLY) == Pending(pods=2, since="2026-03-01T12:00:00Z", newest="2026-03-01T12:05:00Z")


def test_a_pod_waits_since_it_was_found_unschedulable() -> None:
    found = replace(EARLY, unscheduled_since=NOON + timedelta(hours=1))

    assert _pending(found).since == "2026-03-01T13:00:00Z"


def test_a_pod_that_has_a_node_does_not_wait() -> None:
    placed = replace(EARLY, name="placed", node_name="n", created_at=NOON - timedelta(hours=1))

    assert _pending(placed, EARLY) == Pending(pods=1, since="2026-03-01T12:00:00Z", newest="2026-03-01T12:00:00Z")


def test_a_pod_that_nobody_made_yet_waits_since_no_time() -> None:
    imagined = replace(EARLY, created_at=None)

    assert _pending(imagined) == Pending(pods=1)
    assert find_pending(Demand(), ()) == Pending()


def test_a_plan_tells_how_urgent_its_changes_are_and_since_when_pods_wait() -> None:
    told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "lastTransitionTime": "2026-03-01T11:50:00Z"}  # fmt: skip
    status = {"phase": "Pending", "conditions": [told]}
    plan = plan_of([
        node_class(), node_pool("small", flavors=["b3-8"], taints=[{"key": "a", "value": "b", "effect": "NoSchedule"}]),
        node_pool("large", flavors=["b3-16"]),
        pod("urgent", priority=2_000_000, status=status), pod("usual", priority=0),
        pod("cheap", priority=-10, tolerations=[{"operator": "Exists"}], nodeSelector={"node.kubernetes.io/instance-type": "b3-8"}),
    ])  # fmt: skip

    urgency = {change.after.flavor: change.priority for change in plan.changes if change.after}
    assert urgency == {"b3-8": -10, "b3-16": 2_000_000}
    assert plan.pending == Pending(pods=3, since="2026-03-01T11:50:00Z", newest="2026-03-01T11:50:00Z")
