"""What is said of a waiting pod, of a NodePool, of a proposal, and in metrics: worked out of one view."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gitops.clock import SystemClock
from gitops.controller.metrics import exposition
from gitops.controller.objects import node_class_conditions, node_pool_conditions, pod_happenings, scale_plans
from gitops.controller.pods import Stands, pods_of
from gitops.controller.view import Applying, View
from gitops.gather import Surroundings
from gitops.loop.acting import Done
from gitops.loop.ledger import Ledger
from gitops.loop.proposing import Proposed
from gitops.loop.records import Event, Figures, Record
from gitops.loop.steps import Step
from gitops.rounds import Observed
from gitops.tally import Tally
from planner.decide import Inputs, decide
from planner.pending import rfc3339
from planner.pools import PoolSet, ProviderState
from planner.portion import Kind
from renderer.gap import gap_tenths
from tests.gitops.controller.story import view as story_view
from tests.gitops.plans import pool
from tests.planner.cluster import NOW, inputs_of, node, node_class, node_pool, pod

POOL = "karpenter-b3-8-eu-west-par-a"
URL = "https://git.example.org/acme/fleet/pulls/12"


def view_of(inputs: Inputs, *, done: Done | None = None, records: tuple[Record, ...] = ()) -> View:
    """The view after a pass over these inputs, in which this became of the growth that they ask for."""
    around = Surroundings(environment={}, clock=SystemClock(), remark=lambda _: None)
    plan = decide(inputs, now=NOW)
    mine = (replace(done, plan=plan),) if done else ()
    return View(
        cluster="prod", at=NOW, leads=True, succeeded=NOW, passes=3, failures=1, seconds={"plan": 0.25},
        planned=Observed(around=around, inputs=inputs, plan=plan), proposed=Proposed(done=mine, ledger=Ledger(records=records)),
    )  # fmt: skip


def waiting(*more: object, declared: int = 0, observed: int = 0, joined: int = 0) -> Inputs:
    """One pod waits; the pool is declared, observed and joined with so many nodes."""
    state = ProviderState(id="id-1", current_nodes=observed, available_nodes=joined)
    return replace(
        inputs_of(
            [node_class(), node_pool("default", ("b3-8",)), pod("web-1", cpu="1500m"), *more],  # type: ignore[list-item]
            pools=PoolSet.of([pool(POOL, declared)] if declared else []),
        ),
        observed=PoolSet.of([pool(POOL, observed, state=state)] if observed else []),
    )


def opened(step: Step = Step.AWAIT, *, commit: str = "c0ffee", reason: str = "") -> Done:
    return Done(kind="up", step=step, reason=reason, branch="poolplan/prod/up", commit=commit, url=URL if commit else "")


@pytest.mark.parametrize(
    ("inputs", "done", "stands", "text"),
    [
        (waiting(), opened(), Stands.PROPOSED, f"covered by #12: {POOL} +1, waiting for review"),
        (waiting(), opened(Step.MERGE), Stands.PROPOSED, f"covered by #12: {POOL} +1, merged"),
        (
            waiting(), opened(commit="", reason="pods still come"), Stands.PLANNED,
            f"planned: {POOL} +1: pods still come",
        ),
        (waiting(), None, Stands.PLANNED, f"planned: {POOL} +1"),
        (waiting(declared=1), None, Stands.APPROVED, f"a node of pool {POOL} is approved and not ordered yet"),
        (waiting(declared=1, observed=1), None, Stands.JOINING, f"a node of pool {POOL} is joining"),
        (
            waiting(node("there-1", pool=POOL), declared=1, observed=1, joined=1), None, Stands.FITS,
            "node there-1 has room for it",
        ),
    ],
)  # fmt: skip
def test_a_pod_is_told_how_far_its_node_is(inputs: Inputs, done: Done | None, stands: Stands, text: str) -> None:
    told = pods_of(view_of(inputs, done=done))["default/web-1"]
    assert (told.stands, told.text) == (stands, text)


def test_a_pod_that_nothing_can_run_is_told_why() -> None:
    inputs = inputs_of([node_class(), node_pool("default", ("b3-8",)), pod("giant", cpu="64")])
    told = pods_of(view_of(inputs))["default/giant"]
    assert told.stands is Stands.UNCOVERED
    assert told.text.startswith("not covered: NodePool default: ")
    (event,) = pod_happenings(view_of(inputs))
    assert (event.type, event.reason, event.name) == ("Warning", "NotCovered", "giant")


def test_before_the_first_pass_nothing_is_said() -> None:
    empty = View(cluster="prod")
    assert pods_of(empty) == {}
    assert (pod_happenings(empty), node_pool_conditions(empty), node_class_conditions(empty)) == ((), {}, {})
    assert scale_plans(empty) == {}
    assert b"poolplan_leader" in exposition([empty], Tally(), NOW)


def test_a_node_that_has_room_needs_no_event() -> None:
    inputs = waiting(node("there-1", pool=POOL), declared=1, observed=1, joined=1)
    assert pod_happenings(view_of(inputs)) == ()


def test_a_node_pool_says_whether_it_can_order_and_what_is_under_way() -> None:
    view = view_of(waiting(), done=opened())
    ready, reconciling = node_pool_conditions(view)["default"]
    assert (ready.type, ready.status, ready.reason) == ("Ready", True, "Usable")
    assert (reconciling.type, reconciling.status, reconciling.message) == ("Reconciling", True, f"#12: {POOL} +1")
    (of_class,) = node_class_conditions(view).values()
    assert of_class[0].message.startswith("region EU-WEST-PAR, zones eu-west-par-a")


@pytest.mark.parametrize(
    ("inputs", "ready", "text"),
    [
        (waiting(declared=2), "1 pool with 2 nodes", f"{POOL}: 2 nodes are approved and not ordered yet"),
        (
            waiting(declared=2, observed=1), "1 pool with 2 nodes",
            f"{POOL}: 1 node is approved and not ordered yet; {POOL}: 1 node is joining",
        ),
        (waiting(node("there-1", pool=POOL), declared=1, observed=1, joined=1), "1 pool with 1 node", ""),
    ],
)  # fmt: skip
def test_a_node_pool_reconciles_until_its_nodes_are_there(inputs: Inputs, ready: str, text: str) -> None:
    """Its pools are known by what they are like: their labels need not name it."""
    usable, reconciling = node_pool_conditions(view_of(inputs))["default"]
    assert (usable.reason, usable.message) == ("InUse", ready)
    assert (reconciling.status, reconciling.message) == (bool(text), text or "nothing is to be done")


def test_what_another_node_pool_has_is_not_told_of_this_one() -> None:
    inputs = waiting(node_pool("other", ("c3-8",)), declared=1)
    usable, reconciling = node_pool_conditions(view_of(inputs))["other"]
    assert (usable.reason, reconciling.status) == ("Usable", False)


def test_a_node_pool_that_orders_nothing_is_not_ready() -> None:
    inputs = inputs_of([node_class(), node_pool("default", ("b3-8",)), node_pool("none", ("b3-1024",)), pod("web-1")])
    ready, _ = node_pool_conditions(view_of(inputs))["none"]
    assert (ready.status, ready.reason) == (False, "NothingToOrder")
    assert "nothing can be ordered under it" in ready.message


def record(event: Event, digest: str, *, minutes: int = 0, kind: str = "up", **more: object) -> Record:
    return Record(event=event, at=rfc3339(NOW + timedelta(minutes=minutes)), kind=kind, digest=digest, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((Event.OPENED,), "proposed"), ((Event.OPENED, Event.CLAIMED), "applying"),
        ((Event.OPENED, Event.CLAIMED, Event.FAILED), "failed"),
    ],
)  # fmt: skip
def test_a_scale_plan_says_how_far_it_is(events: tuple[Event, ...], state: str) -> None:
    digest = decide(waiting(), now=NOW).digest
    records = tuple(record(event, digest, minutes=number) for number, event in enumerate(events))
    status = scale_plans(view_of(waiting(), done=opened(), records=records))["prod-up"]
    assert (status["state"], status["summary"], status["nodesAdded"], status["url"]) == (state, f"{POOL} +1", 1, URL)
    assert status["pools"] == [{"name": POOL, "action": "create", "before": 0, "after": 1}]


def test_a_proposal_that_does_not_stand_has_no_scale_plan() -> None:
    assert scale_plans(view_of(waiting(), done=opened(commit=""))) == {}


def figures(view: View, tally: Tally | None = None) -> dict[tuple[str, tuple[str, ...]], float]:
    text = exposition([view], tally or Tally(), NOW + timedelta(seconds=30)).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text) for sample in family.samples
    }


def test_metrics_tell_what_the_view_says() -> None:
    tally = Tally()
    tally.count("ovh", "GET", "200")
    tally.count("ovh", "GET", "200")
    tally.count("forge", "POST", "no answer")
    digest = decide(waiting(), now=NOW).digest
    records = (
        record(Event.OPENED, digest), record(Event.CLAIMED, digest, minutes=10),
        record(
            Event.APPLIED, digest, minutes=13, proposed=rfc3339(NOW), merged=rfc3339(NOW + timedelta(minutes=9)),
            figures=Figures(added=1),
        ),
    )  # fmt: skip
    view = replace(view_of(waiting(), done=opened(), records=records), applying=Applying(at=NOW, problem="no quota"))
    found = figures(view, tally)
    assert found["poolplan_leader", ("prod",)] == 1
    assert found["poolplan_passes_total", ("done", "prod")] == 3
    assert found["poolplan_last_successful_pass_age_seconds", ("prod",)] == 30
    assert found["poolplan_pending_pods", ("prod", "proposed")] == 1
    assert found["poolplan_pending_pods", ("prod", "uncovered")] == 0
    assert found["poolplan_plan_nodes", ("add", "prod")] == 1
    assert found["poolplan_wait_for_people_seconds", ("prod",)] == 540
    assert found["poolplan_wait_for_cloud_seconds", ("prod",)] == 180
    assert found["poolplan_apply_failing", ("prod",)] == 1
    assert found["poolplan_api_calls_total", ("200", "GET", "ovh")] == 2
    assert found["poolplan_api_calls_total", ("POST", "forge", "no answer")] == 1
    assert found["poolplan_open_proposals", ("prod", "up")] == 1
    assert 0 < found["poolplan_cost_hourly", ("EUR", "planned", "prod")] < 1


def test_each_state_has_its_oldest_pod() -> None:
    """The age is the pod's own, not that of the oldest pod of the plan."""

    def since(minutes: int) -> dict[str, object]:
        at = rfc3339(NOW - timedelta(minutes=minutes))
        told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": at}
        return {"phase": "Pending", "conditions": [told]}

    made = [pod("web-1", cpu="1500m", status=since(2)), pod("giant", cpu="64", status=since(9))]
    found = figures(view_of(inputs_of([node_class(), node_pool("default", ("b3-8",)), *made]), done=opened()))
    oldest = {next(one for one in labels if one != "prod"): value for (name, labels), value in found.items() if name.endswith("_oldest_seconds")}
    assert (oldest["proposed"], oldest["uncovered"], oldest["joining"]) == (150, 570, 0)


def test_the_gap_is_told_where_nodes_are_ordered() -> None:
    ordered = view_of(waiting())
    assert ordered.planned is not None
    tenths = gap_tenths(ordered.planned.plan)
    assert tenths is not None
    assert figures(ordered)["poolplan_plan_gap_ratio", ("prod",)] == tenths / 1000
    assert ("poolplan_plan_gap_ratio", ("prod",)) not in figures(view_of(waiting(declared=1, observed=1)))


def test_drift_is_counted_by_kind_where_somebody_looked() -> None:
    view = story_view()
    assert view.planned is not None
    inputs = view.planned.inputs
    grown = replace(inputs, observed=PoolSet.of(
        replace(one, desired=one.desired + 1) if one.name == POOL else one for one in inputs.observed
    ))  # fmt: skip
    unread = replace(inputs, observed=PoolSet.of([]))
    before, after, unknown = (
        {labels: value for (name, labels), value in figures(replace(view, planned=replace(view.planned, inputs=one))).items()
         if name == "poolplan_drift"}
        for one in (inputs, grown, unread)
    )  # fmt: skip
    assert after[("paris", "size")] == before[("paris", "size")] + 1
    assert unknown == {}


def test_of_plans_only_the_leader_speaks() -> None:
    """What a replica knew when it led last would be told for ever."""
    applying = Applying(at=NOW, succeeded=NOW, problem="no")
    view = replace(view_of(waiting(), done=opened()), applying=applying)
    leading, following = (
        {family.name for family in text_string_to_metric_families(exposition([one], Tally(), NOW).decode()) if family.samples}
        for one in (view, replace(view, leads=False))
    )
    assert {"poolplan_pending_pods", "poolplan_open_proposals", "poolplan_apply_failing"} <= leading - following
    assert {"poolplan_leader", "poolplan_passes", "poolplan_last_successful_pass_timestamp_seconds"} <= following


def test_metrics_are_the_same_bytes_for_the_same_view() -> None:
    view = view_of(waiting(), done=opened())
    assert exposition([view], Tally(), NOW) == exposition([view], Tally(), NOW)


def test_an_emergency_is_loud_until_it_is_settled() -> None:
    mine = replace(opened(), kind=Kind.EMERGENCY.value, branch="poolplan/prod/emergency")
    assert figures(view_of(waiting(), done=mine))["poolplan_emergency_unsettled", ("prod",)] == 1
    assert figures(view_of(waiting(), done=opened()))["poolplan_emergency_unsettled", ("prod",)] == 0
