"""A drain that is killed at any call, and what each refusal of an API server means to it; the rest is in the contract."""

from __future__ import annotations

import copy
import itertools
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops import errors
from gitops.cluster.live.api import Answer
from gitops.cluster.node_hands import Blocked, Drained, DrainLimits
from gitops.cluster.nodes_live import TRIES, LiveNodes
from gitops.errors import Waiting
from tests.contracts.nodes import budget, node, pod
from tests.gitops.cluster.fakecluster import FakeCluster, is_healthy

CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(Path(__file__).with_name("draining.yaml"))
KARPENTER = "karpenter.sh/do-not-disrupt"
FORCED = DrainLimits(forced={"a": 120})


class Killed(BaseException):
    """The process is gone."""


def town() -> FakeCluster:
    """Pods of every tier, one that only the NodePool's time moves, and a budget that has one go after the other."""
    cluster = FakeCluster()
    cluster.put(
        node("n1", pool="a"), node("n2", pool="a"), node("n3", cordoned=True), budget("web", least=1),
        pod("web-1", "n1"), pod("web-2", "n2"), pod("dns", "n2", priorityClassName="system-node-critical", app="dns"),
        pod("job", "n1", app="job", annotations={KARPENTER: "true"}), pod("agent", "n1", owner="DaemonSet"),
        pod("web-3", "n9"),
    )  # fmt: skip
    return cluster


def apply(cluster: FakeCluster) -> Drained:
    nodes = LiveNodes(cluster, {}, clock=cluster.clock, limits=FORCED)
    names = ["n1", "n2", "n3"]
    nodes.cordon(names, mark="sha256:aa")
    return nodes.drain(names, lambda _: None)


def outcome(cluster: FakeCluster) -> tuple[list[str], dict[str, bool], tuple[str, ...]]:
    """Pods that are left, who is cordoned, and who is opened again by the plan's mark."""
    cordoned = {name: bool(one["spec"].get("unschedulable")) for name, one in sorted(cluster.nodes.items())}
    left = sorted(name for _, name in cluster.pods)
    return left, cordoned, LiveNodes(cluster, {}, clock=cluster.clock).uncordon("sha256:aa")


def test_killed_at_any_call_and_begun_again_it_ends_the_same() -> None:
    undisturbed = town()
    calls: list[str] = []
    undisturbed.before = calls.append
    assert apply(undisturbed) == Drained(emptied=("n1", "n2", "n3"))
    undisturbed.before = lambda _: None
    expected = outcome(undisturbed)
    assert expected[0] == ["agent", "web-3"]
    assert {"patch_node", "evict", "delete_pod"} == set(calls)

    for moment in ("before", "after"):
        for number in range(len(calls)):
            cluster, seen = town(), [0]

            def kill(_: str, *, at: int = number, seen: list[int] = seen) -> None:
                seen[0] += 1
                if seen[0] == at + 1:
                    raise Killed

            setattr(cluster, moment, kill)
            with pytest.raises(Killed):
                apply(cluster)
            cluster.clock.sleep(timedelta(seconds=5))
            assert apply(cluster).blocked == (), f"killed {moment} call {number}"
            assert outcome(cluster) == expected, f"killed {moment} call {number}"


def answer(told: dict[str, Any]) -> Answer:
    if "text" in told:
        return Answer(told["status"], told["text"].encode())
    causes = [{"reason": told["cause"], "message": told.get("told", "")}] if "cause" in told else []
    body = {"kind": "Status", "message": told.get("message", ""), "details": {"causes": causes}}
    return Answer(told["status"], json.dumps(body).encode())


@pytest.mark.parametrize("case", [pytest.param(one, id=one["why"]) for one in CASES])
def test_each_answer_of_the_server(case: dict[str, Any]) -> None:
    cluster, expected = FakeCluster(), case["expect"]
    cluster.put(node("n1", cordoned=True), pod("web", "n1"))
    cluster.refused = {name: answer(told) for name, told in case["refused"].items()}
    nodes = LiveNodes(cluster, {}, clock=cluster.clock, limits=DrainLimits(timeout=timedelta(minutes=1)))
    if "error" in expected:
        with pytest.raises(getattr(errors, expected["error"])) as caught:
            nodes.drain(["n1"], lambda _: None)
        assert str(caught.value) == expected["text"]
        return
    found = nodes.drain(["n1"], lambda _: None)
    assert [one.reason for one in found.blocked] == [expected["blocked"]]
    assert found.emptied == ()


def test_a_server_that_answers_again_is_asked_again() -> None:
    cluster = FakeCluster()
    cluster.put(node("n1", cordoned=True), pod("web", "n1"))
    cluster.refused = {"read_node": Answer(503), "evict": Answer(503)}
    cluster.clock.ticks.append(lambda: cluster.refused.pop(next(iter(cluster.refused), ""), None))  # type: ignore[arg-type]
    assert LiveNodes(cluster, {}, clock=cluster.clock).drain(["n1"], lambda _: None).emptied == ("n1",)


def test_rounds_come_seldom_while_nothing_happens_and_often_again_when_something_does() -> None:
    cluster = FakeCluster()
    cluster.put(node("n1", cordoned=True), pod("web", "n1"), pod("dns", "n1", priorityClassName="system-node-critical"))
    cluster.put(budget("web", least=1))
    moments: list[timedelta] = []
    cluster.clock.ticks.append(lambda: moments.append(cluster.clock.slept))
    cluster.clock.ticks.append(lambda: cluster.budgets.clear() if len(moments) == 7 else None)
    LiveNodes(cluster, {}, clock=cluster.clock).drain(["n1"], lambda _: None)
    pauses = [(now - before).total_seconds() for before, now in itertools.pairwise([timedelta(), *moments])]
    assert pauses == [1, 1, 2, 4, 8, 10, 10, 1]


def test_a_budget_that_says_no_is_asked_once_a_round_for_another_pod_each_time() -> None:
    cluster, asked = FakeCluster(), list[str]()
    cluster.put(node("n1", cordoned=True), budget("web", least=3), *(pod(f"web-{each}", "n1") for each in "abc"))
    refused = cluster.evict
    cluster.evict = lambda namespace, name, body: asked.append(name) or refused(namespace, name, body)  # type: ignore[method-assign, func-returns-value, assignment]
    limits = DrainLimits(timeout=timedelta(seconds=30))
    found = LiveNodes(cluster, {}, clock=cluster.clock, limits=limits).drain(["n1"], lambda _: None)
    assert asked == ["web-a", "web-b", "web-c", "web-a", "web-b", "web-c", "web-a"]
    assert len({one.reason for one in found.blocked}) == 1
    assert [one.pod for one in found.blocked] == ["default/web-a", "default/web-b", "default/web-c"]


def test_a_pod_is_waited_for_until_a_minute_after_its_grace_period() -> None:
    cluster = FakeCluster()
    cluster.put(node("n1", cordoned=True), pod("web", "n1", slow=True))
    assert LiveNodes(cluster, {}, clock=cluster.clock).drain(["n1"], lambda _: None).emptied == ("n1",)
    assert timedelta(seconds=90) < cluster.clock.slept <= timedelta(seconds=101)


def test_a_node_pools_time_is_all_that_a_deleted_pod_gets() -> None:
    cluster = FakeCluster()
    guarded = pod("job", "n1", slow=True, annotations={KARPENTER: "true"})
    cluster.put(node("n1", pool="a", cordoned=True), guarded)
    assert LiveNodes(cluster, {}, clock=cluster.clock, limits=FORCED).drain(["n1"], lambda _: None).emptied == ("n1",)
    (left,) = cluster.pods.values()
    assert left["metadata"]["deletionTimestamp"] == "2026-03-01T12:02:00Z"


def test_a_pod_that_took_the_name_of_another_is_asked_for_itself() -> None:
    cluster, said = FakeCluster(), list[str]()
    cluster.put(node("n1", cordoned=True), pod("web", "n1"))
    others = iter([pod("web", "n1")])
    cluster.before = lambda call: cluster.put(*itertools.islice(others, 1)) if call == "evict" else None
    assert LiveNodes(cluster, {}, clock=cluster.clock).drain(["n1"], said.append).emptied == ("n1",)
    assert said == ["n1: default/web: it changed in the meantime", "n1: evicted default/web", "n1: empty"]


def test_a_node_that_changes_while_it_is_cordoned_is_cordoned_all_the_same() -> None:
    cluster = FakeCluster()
    cluster.put(node("n1"))
    beats = iter(range(TRIES - 1))
    cluster.before = lambda _: [cluster.put(cluster.nodes["n1"]) for _ in [next(beats, None)] if _ is not None]  # type: ignore[assignment, return-value]
    LiveNodes(cluster, {}, clock=cluster.clock).cordon(["n1"], mark="sha256:aa")
    assert cluster.nodes["n1"]["spec"]["unschedulable"] is True


def test_a_node_that_never_holds_still_is_said() -> None:
    cluster = FakeCluster()
    cluster.put(node("n1"))
    cluster.before = lambda _: cluster.put(cluster.nodes["n1"])
    with pytest.raises(Waiting, match="changed all the time by others"):
        LiveNodes(cluster, {}, clock=cluster.clock).cordon(["n1"], mark="sha256:aa")


def test_a_reason_names_node_and_pod() -> None:
    assert str(Blocked(node="n1", pod="shop/web", reason="it is stopping")) == "n1: shop/web: it is stopping"
    assert str(Blocked(node="n1", reason="it is closed")) == "n1: it is closed"


pods = st.builds(
    pod, st.sampled_from([f"p{number}" for number in range(9)]), st.sampled_from(("n1", "n2", "n3")),
    app=st.sampled_from(("web", "api")), owner=st.sampled_from(("ReplicaSet", "ReplicaSet", "DaemonSet", "")),
    slow=st.booleans(), phase=st.sampled_from(("Running", "Running", "Pending", "Succeeded")),
    annotations=st.sampled_from(({}, {}, {KARPENTER: "true"}, {KARPENTER: "1m"})).map(dict),
    priorityClassName=st.sampled_from(("", "system-cluster-critical")),
)  # fmt: skip


@given(
    st.lists(pods, max_size=7, unique_by=lambda one: one["metadata"]["name"]), st.integers(0, 3),
    st.sampled_from((None, 90)), st.integers(1, 3),
)  # fmt: skip
def test_whatever_runs_there_no_budget_is_broken_and_nobody_is_moved_in_vain(
    made: list[dict[str, Any]], least: int, forced: int | None, at_once: int
) -> None:
    cluster, healthy = FakeCluster(), []
    names = ["n1", "n2", "n3"]
    cluster.put(*(node(name, pool="a") for name in names), budget("web", least=least), *copy.deepcopy(made))

    def count() -> list[str]:
        return sorted(name for (_, name), one in cluster.pods.items() if is_healthy(one) and app_of(one) == "web")

    before = count()
    cluster.after = lambda call: healthy.append((call, count()))
    limits = DrainLimits(forced={} if forced is None else {"a": forced}, at_once=at_once)
    nodes = LiveNodes(cluster, {}, clock=cluster.clock, limits=limits)
    nodes.cordon(names, mark="sha256:aa")
    found = nodes.drain(names, lambda _: None)

    blocked = {one.node for one in found.blocked}
    assert sorted([*found.emptied, *blocked]) == names
    left = [one for one in cluster.pods.values() if "deletionTimestamp" not in one["metadata"]]
    assert nodes.occupied(found.emptied) == tuple(
        name for name in found.emptied if any(one["spec"]["nodeName"] == name for one in stuck(cluster))
    )
    guarded = {one["metadata"]["name"] for one in made if one["metadata"]["annotations"].get(KARPENTER) == "true"}
    bare = {one["metadata"]["name"] for one in made if not one["metadata"]["ownerReferences"]}
    if forced is None:
        assert guarded | bare <= {one["metadata"]["name"] for one in left}
        for previous, now in itertools.pairwise([before, *(seen for _, seen in healthy)]):
            assert len(now) >= min(least, len(previous))


def stuck(cluster: FakeCluster) -> list[dict[str, Any]]:
    """Pods that do not stop, which nobody waits for in the end."""
    return [one for one in cluster.pods.values() if "deletionTimestamp" in one["metadata"]]


def app_of(one: dict[str, Any]) -> str:
    name: str = one["metadata"]["labels"]["app"]
    return name


def test_an_idle_look_takes_three_calls_and_no_change() -> None:
    cluster = FakeCluster()
    cluster.put(node("n1", cordoned=True, **{"poolplan.dev/draining-since": "2026-03-01T11:59:00Z"}))
    changed: list[str] = []
    cluster.before = changed.append
    assert LiveNodes(cluster, {}, clock=cluster.clock).drain(["n1"], lambda _: None).emptied == ("n1",)
    assert changed == []
