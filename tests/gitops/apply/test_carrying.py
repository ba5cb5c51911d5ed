"""An apply, effect by effect: what stops it before anything is changed, and that a killed one can be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from gitops.agreement import Owner
from gitops.apply.arriving import await_arrival
from gitops.apply.carrying import apply_plan
from gitops.apply.hands import Applied, Hands
from gitops.apply.journal import MemoryJournal
from gitops.apply.shortages import Short
from gitops.apply.waiting import wait_until_ready
from gitops.engines.base import EnginePlan
from gitops.engines.ovh_calls import PATIENCE
from gitops.errors import Refused, Stalled, Waiting
from gitops.ovh.client import OvhClient
from gitops.ovh.credentials import credentials_from
from gitops.ovh.transport import Transport
from gitops.sandbox.server import RunningSandbox, start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing
from planner.plan import Plan
from planner.pools import Pool, PoolSet, ProviderState
from renderer.files import FileSet
from tests.contracts.engines import HandClock, Killed
from tests.gitops.enginevalues import engine_plan
from tests.gitops.fakeengine import FakeEngine
from tests.gitops.plans import plan_of, pool

OWNER = Owner(service_name=PROJECT, kube_id=CLUSTER)


@dataclass
class Kill:
    """Counts effects, and ends the process after the one that was chosen."""

    after: int | None = None
    effects: list[str] = field(default_factory=list)

    def note(self, effect: str) -> None:
        self.effects.append(effect)
        if self.after is not None and len(self.effects) == self.after:
            raise Killed


@dataclass
class CountingCaller:
    """The API, where every call that changes something is an effect."""

    inner: Transport
    kill: Kill

    def call(self, method: str, path: str, *, body: Any = None, signed: bool = True) -> object:
        answer = self.inner.call(method, path, body=body, signed=signed)
        if method != "GET":
            self.kill.note(f"{method} {path.rsplit('/', 1)[-1] if method == 'POST' else 'nodepool'}")
        return answer


@dataclass
class FakeNodes:
    """A cluster: who is cordoned, and who is in use."""

    kill: Kill = field(default_factory=Kill)
    cordoned: set[str] = field(default_factory=set)
    busy: Callable[[FakeNodes], Sequence[str]] = lambda _nodes: ()

    def cordon(self, names: Sequence[str], *, mark: str) -> None:
        assert mark
        for name in sorted(names):
            self.cordoned.add(name)
            self.kill.note("cordon")

    def uncordon(self, _mark: str) -> tuple[str, ...]:
        back = tuple(sorted(self.cordoned))
        self.cordoned.clear()
        return back

    def occupied(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name in self.busy(self))


@dataclass
class Bench:
    """One provider, and hands to work on it."""

    sandbox: RunningSandbox
    clock: HandClock = field(default_factory=HandClock)
    said: list[str] = field(default_factory=list)
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def client(self, kill: Kill | None = None) -> OvhClient:
        keys = dict.fromkeys(("OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "OVH_CONSUMER_KEY"), "sandbox")
        transport = Transport(credentials_from({"OVH_ENDPOINT": self.sandbox.url, **keys}), self.clock)
        return OvhClient(CountingCaller(transport, kill or Kill()), service_name=PROJECT, kube_id=CLUSTER)

    def reset(self, *pools: Pool) -> PoolSet:
        """The provider has these pools and no others."""
        client = self.client()
        for old in client.pools():
            assert old.state is not None
            client.delete_pool(old.state.id)
        for new in pools:
            client.create_pool(new)
        return client.pools()

    def nodes(self, name: str) -> list[str]:
        """The pool's nodes, oldest first."""
        there = self.client().pools().get(name)
        assert there is not None
        assert there.state is not None
        return [str(body["name"]) for body in self.sandbox.model.list_nodes(there.state.id)]

    def apply(
        self, plan: Plan, *, nodes: FakeNodes | None = None,
        kill: Kill | None = None, twist: Callable[[EnginePlan], EnginePlan] = lambda found: found,
    ) -> Applied:  # fmt: skip
        client = self.client(kill)
        hands = Hands(
            engine=FakeEngine(client, OWNER, twist), client=client, clock=self.clock,
            nodes=lambda: nodes or FakeNodes(), report=lambda _progress: None, say=self.said.append,
            files=lambda _pools: FileSet(), journal=self.journal,
        )  # fmt: skip
        return apply_plan(plan, OWNER, hands)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    at_once = Timing(join_after=timedelta(0), settle_after=timedelta(0))
    with start_sandbox(SandboxOptions(timing=at_once), HandClock()) as running:
        yield running


@pytest.fixture
def bench(sandbox: RunningSandbox) -> Bench:
    sandbox.model.failures.clear()
    return Bench(sandbox)


def shrinking(bench: Bench, *, more: bool = False) -> tuple[Plan, list[str]]:
    """Pool a from 3 nodes to 2 without its oldest; with ``more``, b relabelled and one less, c made, d deleted."""
    names = ("a", "b", "d") if more else ("a",)
    before = bench.reset(*(pool(name, 3) for name in names))
    wanted = {one.name: one for one in before}
    victims = {"a": (bench.nodes("a")[0],)}
    wanted["a"] = wanted["a"].resized(2)
    if more:
        victims |= {"b": (bench.nodes("b")[1],), "d": tuple(sorted(bench.nodes("d")))}
        wanted["b"] = replace(wanted["b"], desired=2, maximum=10, labels=(("team", "web"),))
        wanted["c"] = pool("c", 1)
        del wanted["d"]
    plan = plan_of(tuple(before), tuple(wanted.values()), victims=victims)
    return plan, [node for each in victims.values() for node in each]


def test_a_new_pool_is_made_and_a_second_try_has_nothing_to_do(bench: Bench) -> None:
    bench.reset()
    plan = plan_of((), (pool("a", 2),))
    assert bench.apply(plan) == Applied(changed=1)
    kill = Kill()
    assert bench.apply(plan, kill=kill) == Applied(changed=0)
    assert kill.effects == []


def test_a_victim_is_cordoned_and_removed_by_name(bench: Bench) -> None:
    plan, (victim,) = shrinking(bench)
    staying = bench.nodes("a")[1:]
    nodes = FakeNodes()
    assert bench.apply(plan, nodes=nodes) == Applied(changed=0, removed=(victim,))
    assert nodes.cordoned == {victim}
    assert bench.nodes("a") == staying
    assert bench.said == [f"cordoned {victim}", f"a: removing {victim}"]


def test_removal_goes_together_with_other_changes_of_the_same_pool(bench: Bench) -> None:
    plan, victims = shrinking(bench, more=True)
    applied = bench.apply(plan)
    assert applied.removed == tuple(sorted(victims)), "the nodes of a pool that goes leave too"
    assert applied.drift == ()
    assert bench.client().pools() == plan.desired


def ends(bench: Bench, plan: Plan) -> tuple[PoolSet, set[str]]:
    there = bench.client().pools()
    return there, {node for one in there for node in bench.nodes(one.name)}


def test_killed_after_any_effect_and_repeated_it_comes_to_the_same_end(bench: Bench) -> None:
    whole = Kill()
    plan, _ = shrinking(bench, more=True)
    bench.apply(plan, nodes=FakeNodes(whole), kill=whole)
    assert len(whole.effects) == 5 + 2 + 3, "five nodes cordoned, two removals, one pool updated, made and deleted each"
    for after in range(1, len(whole.effects) + 1):
        plan, victims = shrinking(bench, more=True)
        everyone = {node for name in ("a", "b") for node in bench.nodes(name)}
        kill = Kill(after)
        with suppress(Killed):
            bench.apply(plan, nodes=FakeNodes(kill), kill=kill)
        applied = bench.apply(plan)
        assert applied.drift == ()
        there, left = ends(bench, plan)
        assert there == plan.desired, f"killed after effect {after}"
        assert everyone - left == set(victims) & everyone
        assert not left & set(victims)


def refusal(bench: Bench, plan: Plan, **more: Any) -> Refused:
    """The refusal, with nothing changed by it."""
    before = ends(bench, plan)
    kill = Kill()
    nodes = more.pop("nodes", FakeNodes(kill))
    with pytest.raises(Refused) as refused:
        bench.apply(plan, nodes=nodes, kill=kill, **more)
    assert kill.effects == []
    assert not refused.value.changed
    assert ends(bench, plan) == before
    return refused.value


def test_an_engine_that_would_do_more_is_refused(bench: Bench) -> None:
    bench.reset()
    plan = plan_of((), (pool("a", 3),))
    more = engine_plan(plan_of((), (pool("x"),)), OWNER).changes
    error = refusal(bench, plan, twist=lambda found: replace(found, changes=(*found.changes, *more)))
    assert str(error) == "fake would not do exactly what was approved; nothing was changed"
    assert error.reasons[0] == "x: fake would create it, which the plan does not say"


def test_a_victim_in_use_stays(bench: Bench) -> None:
    plan, (victim,) = shrinking(bench)
    error = refusal(bench, plan, nodes=FakeNodes(busy=lambda _nodes: [victim]))
    assert str(error) == "nodes that the plan removes are in use now; nothing was changed, plan again"
    assert error.reasons == (f"{victim} holds pods that would be evicted",)


def test_a_victim_that_is_used_while_it_is_cordoned_stays(bench: Bench) -> None:
    plan, _ = shrinking(bench)
    nodes = FakeNodes(busy=lambda nodes: nodes.cordoned)
    with pytest.raises(Refused) as refused:
        bench.apply(plan, nodes=nodes)
    assert str(refused.value) == "nodes that the plan removes are in use now; nothing was changed, plan again"
    assert nodes.cordoned == set(), "what stays takes pods again"
    assert bench.client().pools() == plan.declared


def test_without_a_cluster_no_node_leaves(bench: Bench) -> None:
    plan, _ = shrinking(bench)
    client = bench.client()

    def nobody() -> FakeNodes:
        raise Refused("no cluster is at hand")

    hands = Hands(
        engine=FakeEngine(client, OWNER), client=client, clock=bench.clock, nodes=nobody,
        report=lambda _progress: None, say=bench.said.append, files=lambda _pools: FileSet(),
    )  # fmt: skip
    with pytest.raises(Refused, match="no cluster is at hand"):
        apply_plan(plan, OWNER, hands)
    assert bench.client().pools() == plan.declared


def test_a_pool_with_another_node_than_the_plan_removes_is_not_deleted(bench: Bench) -> None:
    there = bench.reset(pool("a", 2))
    old, new = bench.nodes("a")
    plan = plan_of(tuple(there), (), victims={"a": (old,)})
    error = refusal(bench, plan)
    assert str(error) == "the nodes are not as the plan found them; nothing was changed, plan again"
    assert error.reasons == (
        f"a: the plan leaves 0 nodes, and of those there it does not remove {new}; it removes {old}",
    )


def test_a_pool_is_not_made_smaller_without_a_name(bench: Bench) -> None:
    there = bench.reset(pool("a", 2))
    plan = plan_of(tuple(there), (there.pools[0].resized(1),))
    assert "it removes no node" in refusal(bench, plan).reasons[0]


def test_a_pool_that_lost_a_node_meanwhile_loses_no_other(bench: Bench) -> None:
    plan, _ = shrinking(bench)
    bench.sandbox.model.delete_node(node_id(bench, bench.nodes("a")[2]))
    error = refusal(bench, plan, twist=lambda _found: engine_plan(plan, OWNER))
    assert error.reasons[0].endswith(" the pool has 1 node, the plan leaves 2")


def test_another_pool_of_the_same_name_is_left_alone(bench: Bench) -> None:
    plan, _ = shrinking(bench)
    bench.reset(pool("a", 3))
    error = refusal(bench, plan, twist=lambda _found: engine_plan(plan, OWNER))
    assert error.reasons[0].startswith("a: it is another pool than the plan saw: id ")


def test_what_goes_wrong_after_a_removal_says_what_was_removed(bench: Bench) -> None:
    plan, (victim,) = shrinking(bench)
    complete = iter([True, False])
    with pytest.raises(Refused) as refused:
        bench.apply(plan, twist=lambda found: replace(found, complete=next(complete)))
    assert str(refused.value) == (
        f"fake would not do exactly what was approved; removed so far: {victim}"
    )
    assert refused.value.changed


def test_what_is_refused_after_growth_says_that_something_was_changed(bench: Bench) -> None:
    before = bench.reset(pool("a", 1))
    (victim,) = bench.nodes("a")
    plan = plan_of(tuple(before), (pool("c", 1),), victims={"a": (victim,)})
    with pytest.raises(Refused) as refused:
        bench.apply(plan, nodes=FakeNodes(busy=lambda _nodes: [victim]))
    assert str(refused.value) == "nodes that the plan removes are in use now; 1 pool was changed before, plan again"
    assert refused.value.changed


def test_a_pool_that_fails_ends_the_apply(bench: Bench) -> None:
    bench.reset()
    bench.sandbox.model.failures.add(b'{"scenario": "pool-error"}')
    with pytest.raises(Short) as short:
        bench.apply(plan_of((), (pool("b", 1),)))
    assert [(one.pool, one.lack) for one in short.value.shortages] == [("b", "node-error")]


def test_a_failed_pool_is_not_waited_for(bench: Bench) -> None:
    bench.reset()
    bench.sandbox.model.failures.add(b'{"scenario": "pool-error"}')
    made = bench.client().create_pool(pool("a", 1))
    assert made.state is not None
    with pytest.raises(Stalled, match="pool a is in state ERROR"):
        wait_until_ready(bench.client(), made.state.id, bench.clock)


def test_waiting_has_an_end() -> None:
    slow = Timing(join_after=timedelta(days=1))
    with start_sandbox(SandboxOptions(timing=slow), HandClock()) as running:
        bench = Bench(running)
        made = bench.client().create_pool(pool("a", 1))
        assert made.state is not None
        bench.clock.sleep = lambda _duration: HandClock.sleep(bench.clock, timedelta(minutes=10))  # type: ignore[method-assign]
        with pytest.raises(Waiting, match="is not READY after an hour"):
            wait_until_ready(bench.client(), made.state.id, bench.clock)


def test_what_came_by_the_last_look_is_there() -> None:
    clock = HandClock()
    last = clock.now() + PATIENCE

    class Provider:
        def pools(self) -> PoolSet:
            there = clock.now() >= last
            state = ProviderState(id="1", status="READY" if there else "INSTALLING", available_nodes=int(there))
            return PoolSet.of([pool("a", 1, state=state)])

        def nodes_by_pool(self, ids: Sequence[str]) -> dict[str, tuple[()]]:
            return dict.fromkeys(ids, ())

    provider: Any = Provider()
    hands = Hands(
        engine=FakeEngine(provider, OWNER), client=provider, clock=clock, nodes=FakeNodes, say=silent,
        report=lambda _progress: None, files=lambda _pools: FileSet(),
    )  # fmt: skip
    await_arrival(("a",), hands)
    assert clock.now() >= last


def silent(text: str) -> None:
    raise AssertionError(text)


def node_id(bench: Bench, name: str) -> str:
    return next(str(body["id"]) for body in bench.sandbox.model.list_nodes() if body["name"] == name)
