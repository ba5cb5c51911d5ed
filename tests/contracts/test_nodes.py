"""What cordoning and draining keep, whether in memory, on the sandbox, or on a real API server."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.cluster.node_hands import KEPT, MARK, SINCE, DrainLimits
from planner.pending import rfc3339
from tests.contracts.nodes import MAKERS, World, budget, node, pod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitops.cluster.node_hands import Drained

SHORT = DrainLimits(timeout=timedelta(seconds=30))
KARPENTER = "karpenter.sh/do-not-disrupt"


@pytest.fixture(params=MAKERS, ids=lambda make: make.__name__)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(request.param(tmp_path, stack))


def notes(world: World, name: str) -> dict[str, str]:
    """The annotations that poolplan has put on a node."""
    found = world.cluster.node(name)["metadata"].get("annotations") or {}
    return {key: value for key, value in found.items() if key.startswith("poolplan.dev/")}


def is_cordoned(world: World, name: str) -> bool:
    return bool(world.cluster.node(name)["spec"].get("unschedulable"))


def told(found: Drained) -> list[tuple[str, str, str]]:
    return [(one.node, one.pod, one.reason) for one in found.blocked]


def test_a_cordon_says_for_what_and_is_taken_back(world: World) -> None:
    world.cluster.put(node("n1"), node("n2"), node("n3"))
    for _ in range(2):
        world.nodes().cordon(["n2", "n1"], mark="sha256:aa")
    world.nodes().cordon(["n3"], mark="sha256:bb")
    assert [is_cordoned(world, name) for name in ("n1", "n2", "n3")] == [True, True, True]
    assert notes(world, "n1") == {MARK: "sha256:aa"}

    assert world.nodes().uncordon("sha256:aa") == ("n1", "n2")
    assert [is_cordoned(world, name) for name in ("n1", "n2", "n3")] == [False, False, True]
    assert (notes(world, "n1"), notes(world, "n3")) == ({}, {MARK: "sha256:bb"})
    assert world.nodes().uncordon("sha256:aa") == ()


def test_what_a_person_cordoned_stays_cordoned(world: World) -> None:
    world.cluster.put(node("n1", cordoned=True))
    world.nodes().cordon(["n1"], mark="sha256:aa")
    world.nodes().cordon(["n1"], mark="sha256:bb")
    assert notes(world, "n1") == {MARK: "sha256:bb", KEPT: "true"}

    assert world.nodes().uncordon("sha256:bb") == ()
    assert (is_cordoned(world, "n1"), notes(world, "n1")) == (True, {})


def test_another_plan_takes_a_node_over_with_a_time_of_its_own(world: World) -> None:
    world.cluster.put(node("n1"))
    world.drain("n1", mark="sha256:aa")
    assert set(notes(world, "n1")) == {MARK, SINCE}
    world.nodes().cordon(["n1"], mark="sha256:bb")
    assert notes(world, "n1") == {MARK: "sha256:bb"}
    assert world.nodes().uncordon("sha256:aa") == ()
    assert is_cordoned(world, "n1")


def test_nodes_that_are_gone_are_no_trouble(world: World) -> None:
    assert world.drain("n1", "n2").emptied == ("n1", "n2")
    assert world.nodes().uncordon("sha256:aa") == ()
    assert world.nodes().occupied(["n1"]) == ()


def test_occupied_are_nodes_that_a_removal_would_take_pods_from(world: World) -> None:
    world.cluster.put(
        node("n1"), node("n2"), pod("web", "n1"), pod("agent", "n2", owner="DaemonSet"),
        pod("done", "n2", phase="Succeeded"),
    )  # fmt: skip
    assert world.nodes().occupied(["n2", "n1"]) == ("n1",)


def test_pods_leave_and_what_belongs_to_the_node_stays(world: World) -> None:
    world.cluster.put(
        node("n1"), node("n2"), pod("web-1", "n1"), pod("web-2", "n1"), pod("elsewhere", "n2"),
        pod("agent", "n1", owner="DaemonSet"), pod("done", "n1", phase="Succeeded"),
    )  # fmt: skip
    found = world.drain("n1")
    assert (found.emptied, found.blocked) == (("n1",), ())
    assert world.cluster.pods() == ["agent", "done", "elsewhere"]
    assert world.said[-1] == "n1: empty"
    assert "n1: evicted default/web-1" in world.said


def test_several_nodes_are_emptied_at_a_time(world: World) -> None:
    names = [f"n{number}" for number in range(1, 6)]
    world.cluster.put(*map(node, names), *(pod(f"on-{name}", name, slow=True) for name in names))
    seen: list[int] = []
    world.cluster.clock.ticks.append(lambda: seen.append(sum("evicted" in text for text in world.said)))
    world.cluster.clock.ticks.append(lambda: [world.cluster.let_go(name) for name in world.cluster.pods()])
    found = world.drain(*names, limits=DrainLimits(at_once=2))
    assert (found.emptied, found.blocked) == (tuple(names), ())
    assert sorted(set(seen)) == [2, 4, 5]


def test_a_budget_is_heeded_and_asked_again(world: World) -> None:
    world.cluster.put(node("n1"), node("n2"), pod("web-1", "n1"), pod("web-2", "n1"), budget("web", least=1))
    world.cluster.clock.ticks.append(lambda: _once(world, pod("web-3", "n2"), after=3))
    found = world.drain("n1")
    assert (found.emptied, world.cluster.pods()) == (("n1",), ["web-3"])
    refused = "the PodDisruptionBudget default/web says no: it needs 1 healthy pods and has 1 currently"
    assert any(text.endswith(refused) for text in world.said)


def _once(world: World, *objects: dict[str, object], after: int = 0) -> None:
    """Put something there when the clock has moved so often."""
    ticks = len([text for text in world.said if text == "tick"])
    world.said.append("tick")
    if ticks == after:
        world.cluster.put(*objects)


def test_a_budget_that_never_agrees_ends_with_the_time(world: World) -> None:
    world.cluster.put(node("n1"), pod("web", "n1"), budget("web", least=1))
    found = world.drain("n1", limits=SHORT)
    [(name, who, reason)] = told(found)
    assert (found.emptied, name, who) == ((), "n1", "default/web")
    assert reason.startswith("the PodDisruptionBudget default/web says no: it needs 1 healthy pods")
    assert reason.endswith("given up after 0 minutes")
    assert world.cluster.pods() == ["web"]


def test_two_budgets_for_one_pod_are_said_plainly_and_at_once(world: World) -> None:
    world.cluster.put(node("n1"), pod("web", "n1"), budget("web", least=0), budget("more", least=0))
    before = world.cluster.clock.slept
    [(_, who, reason)] = told(world.drain("n1"))
    assert (who, reason) == (
        "default/web", "several PodDisruptionBudgets select it, and an eviction heeds one at most",
    )  # fmt: skip
    assert world.cluster.clock.slept - before < timedelta(seconds=30)


@pytest.mark.parametrize(("guard", "reason"), [
    ({"annotations": {KARPENTER: "true"}}, f"{KARPENTER} forbids it"),
    ({"owner": ""}, "no controller would start it again"),
], ids=["do-not-disrupt", "bare"])  # fmt: skip
def test_nothing_leaves_a_node_with_a_pod_that_must_not(world: World, guard: dict[str, object], reason: str) -> None:
    world.cluster.put(node("n1"), node("n2"), pod("web", "n1"), pod("guarded", "n1", **guard), pod("other", "n2"))  # type: ignore[arg-type]
    found = world.drain("n1", "n2")
    assert (found.emptied, told(found)) == (("n2",), [("n1", "default/guarded", reason)])
    assert world.cluster.pods() == ["guarded", "web"]


def test_nothing_leaves_a_node_that_must_not_be_disrupted(world: World) -> None:
    world.cluster.put(node("n1", **{KARPENTER: "true"}), pod("web", "n1"))
    assert told(world.drain("n1")) == [("n1", "", f"{KARPENTER} on the node forbids it")]
    assert world.cluster.pods() == ["web"]


def test_bare_pods_leave_where_that_is_allowed(world: World) -> None:
    world.cluster.put(node("n1"), pod("tool", "n1", owner=""))
    assert world.drain("n1", limits=DrainLimits(bare=True)).emptied == ("n1",)


def test_critical_pods_leave_after_all_others_are_gone(world: World) -> None:
    world.cluster.put(
        node("n1"), pod("dns", "n1", priorityClassName="system-cluster-critical"), pod("web", "n1", slow=True),
    )  # fmt: skip
    world.cluster.clock.ticks.append(lambda: world.cluster.let_go("web") if world.said.count("tick") == 2 else None)
    world.cluster.clock.ticks.append(lambda: world.said.append("tick"))
    assert world.drain("n1").emptied == ("n1",)
    order = [text for text in world.said if "evicted" in text or text == "tick"]
    assert order.index("n1: evicted default/web") < order.index("tick") < order.index("n1: evicted default/dns")
    assert order.index("n1: evicted default/dns") > 3


def test_a_pod_may_take_its_grace_period(world: World) -> None:
    world.cluster.put(node("n1"), pod("web", "n1", slow=True))
    [(_, who, reason)] = told(world.drain("n1", limits=SHORT))
    assert (who, reason[:30]) == ("default/web", "it is stopping; its grace peri")
    world.cluster.let_go("web")
    assert world.drain("n1", limits=SHORT).emptied == ("n1",)


def test_a_pod_that_does_not_stop_long_after_its_time_is_not_waited_for(world: World) -> None:
    world.cluster.put(node("n1"), pod("web", "n1", slow=True))
    assert world.drain("n1").emptied == ("n1",)
    assert world.cluster.clock.slept > timedelta(minutes=1)


def test_a_node_pools_time_overrules_whoever_says_no(world: World) -> None:
    world.cluster.put(
        node("n1", pool="a"), budget("web", least=9), pod("web", "n1"), pod("other", "n1", app="other"),
        pod("job", "n1", app="job", annotations={KARPENTER: "true"}), pod("tool", "n1", app="tool", owner=""),
    )  # fmt: skip
    gone: list[tuple[timedelta, list[str]]] = []
    world.cluster.clock.ticks.append(lambda: gone.append((world.cluster.clock.slept, world.cluster.pods())))
    found = world.drain("n1", limits=DrainLimits(forced={"a": 120}))
    assert (found.emptied, world.cluster.pods()) == (("n1",), [])
    halfway = next(pods for slept, pods in gone if slept > timedelta(seconds=60))
    assert halfway == ["job", "tool", "web"], "who may leave leaves; the others have 30 seconds before 120 are over"
    assert timedelta(seconds=90) <= world.cluster.clock.slept <= timedelta(seconds=120)


def test_a_restart_does_not_begin_the_time_anew(world: World) -> None:
    began = rfc3339(world.cluster.clock.now() - timedelta(minutes=14))
    world.cluster.put(node("n1"), pod("web", "n1"), budget("web", least=1))
    world.nodes().cordon(["n1"], mark="sha256:aa")
    world.cluster.note("n1", draining_since=began)
    before = world.cluster.clock.slept
    [(_, _, reason)] = told(world.drain("n1"))
    assert reason.endswith("given up after 15 minutes")
    assert world.cluster.clock.slept - before < timedelta(minutes=2)
    assert notes(world, "n1")[SINCE] == began


def test_when_the_time_is_over_one_more_look_is_taken(world: World) -> None:
    world.cluster.put(node("n1"), pod("web", "n1"))
    world.nodes().cordon(["n1"], mark="sha256:aa")
    world.cluster.note("n1", draining_since=rfc3339(world.cluster.clock.now() - timedelta(hours=1)))
    assert told(world.drain("n1")) == [("n1", "default/web", "it is stopping; given up after 60 minutes")]
    world.cluster.clock.sleep(timedelta(seconds=1))
    assert world.drain("n1").emptied == ("n1",)


def test_pods_that_appear_meanwhile_leave_too(world: World) -> None:
    world.cluster.put(node("n1"), pod("web", "n1"))
    world.cluster.clock.ticks.append(lambda: _once(world, pod("late", "n1")))
    assert world.drain("n1").emptied == ("n1",)
    assert "n1: evicted default/late" in world.said


def test_a_pod_that_came_back_in_spite_of_the_cordon_is_left(world: World) -> None:
    world.nodes().cordon(["n1"], mark="sha256:aa")
    world.cluster.put(node("n1"), pod("back", "n1", tolerations=[{"operator": "Exists"}]), pod("put", "n1"))
    world.nodes().cordon(["n1"], mark="sha256:aa")
    world.cluster.note("n1", draining_since=rfc3339(world.cluster.clock.now() - timedelta(minutes=1)))
    assert world.drain("n1").emptied == ("n1",)
    assert world.cluster.pods() == ["back"]


def test_somebody_who_opens_a_node_again_ends_its_drain(world: World) -> None:
    world.cluster.put(node("n1"), pod("web-1", "n1"), pod("web-2", "n1"), budget("web", least=1))
    world.cluster.clock.ticks.append(lambda: world.cluster.open("n1"))
    assert told(world.drain("n1")) == [("n1", "", "somebody opened it for pods again while it was drained")]
    assert len(world.cluster.pods()) == 1


def test_a_node_that_goes_while_it_is_drained_is_empty(world: World) -> None:
    world.cluster.put(node("n1"), pod("web", "n1", slow=True))
    world.cluster.clock.ticks.append(lambda: world.cluster.remove_node("n1") if world.said.count("gone") == 0 else None)
    world.cluster.clock.ticks.append(lambda: world.said.append("gone"))
    assert world.drain("n1").emptied == ("n1",)
