"""What the cloud does not give is told by kind: off states, off errors, before it is ordered and once all had its time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gitops.agreement import Owner
from gitops.apply.arriving import await_arrival
from gitops.apply.carrying import apply_plan
from gitops.apply.hands import Hands
from gitops.apply.refusals import from_error, from_states
from gitops.apply.shortages import Lack, Short, Shortage, span_of, without
from gitops.catalogs.bundle import bundled
from gitops.errors import Stalled, Waiting
from gitops.ovh.answers import ProviderNode
from gitops.ovh.failures import QuotaLacking
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, Quota, SandboxOptions, Timing
from planner.pools import PoolSet, ProviderState
from renderer.files import FileSet
from tests.contracts.engines import FakeEngine
from tests.gitops.apply.test_carrying import Bench, FakeNodes, HandClock
from tests.gitops.plans import plan_of, pool

ZONE, REGION = "eu-west-par-a", "EU-WEST-PAR"
CASES = YAML(typ="safe").load((Path(__file__).parent / "cases" / "refusals.yaml").read_text("utf-8"))
OWNER = Owner(service_name=PROJECT, kube_id=CLUSTER)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["about"])
def test_states_say_what_is_lacking(case: dict[str, Any]) -> None:
    one = pool("a", 3, state=ProviderState(id="1", status=case["pool"], current_nodes=3))
    nodes = tuple(ProviderNode(id=str(n), name=f"n{n}", status=status) for n, status in enumerate(case["nodes"]))
    found = from_states([one], {"a": nodes}, REGION, late=case.get("late", False))
    assert sorted(f"{each.lack}: {each.what}" for each in found) == sorted(case["lacks"])
    assert all(each.remedy for each in found)


@pytest.mark.parametrize(("error", "blamed"), [
    (QuotaLacking("pool b: OVH answered 412: [InsufficientVCPUsQuota] 6 needed; ask"), ["b: vCPUs"]),
    (QuotaLacking("the project's quota is too small: [InsufficientPortsQuota] no"), ["a: network ports", "b: network ports"]),
    (QuotaLacking("the project's quota is too small"), ["a: something", "b: something"]),
    (Stalled("OVH answered 412: [InsufficientNewQuota] no"), ["a: InsufficientNewQuota", "b: InsufficientNewQuota"]),
    (Stalled("check the project"), []),
], ids=["named", "ports", "unknown", "new", "other"])  # fmt: skip
def test_refused_calls_say_which_quota(error: Exception, blamed: list[str]) -> None:
    plan = plan_of((pool("a", 1), pool("c", 1)), (pool("a", 2), pool("b", 3), pool("c", 2)))
    found = from_error(error, plan, PoolSet.of([pool("a", 1), pool("c", 2)]), REGION)
    used_up = [one.what.removeprefix("the project's quota of ").partition(" is used")[0] for one in found]
    assert [f"{one.pool}: {text}" for one, text in zip(found, used_up, strict=True)] == blamed
    assert {one.lack for one in found} <= {"quota-ports" if "Ports" in str(error) else "quota"}


def test_each_time_it_is_taken_for_true_twice_as_long() -> None:
    one = Shortage(pool="a", lack="out-of-stock")
    assert [span_of(one, before).total_seconds() / 60 for before in range(6)] == [30, 60, 120, 240, 360, 360]
    assert span_of(replace(one, lack="unheard-of"), 99) == timedelta(hours=6)


@pytest.mark.parametrize(("lack", "known", "gone"), [
    (Lack.OUT_OF_STOCK, False, {"b3-8": (ZONE,)}),
    (Lack.STUCK, False, {"b3-8": (ZONE,)}),
    (Lack.QUOTA, False, {"b3-8": (REGION,)}),
    (Lack.QUOTA, True, {}),
    (Lack.PORTS, True, {"b3-8": (REGION,), "c3-4": (REGION,)}),
    (Lack.MAINTENANCE, False, {"b3-8": (ZONE,), "c3-4": (ZONE,)}),
    (Lack.SUSPENDED, False, {"b3-8": (REGION,), "c3-4": (REGION,)}),
])  # fmt: skip
def test_what_it_makes_unavailable(lack: Lack, known: bool, gone: dict[str, tuple[str, ...]]) -> None:
    catalog = bundled()
    region = catalog.region(REGION)
    assert region is not None
    found = without(catalog, region, [Shortage(pool="a", lack=lack.value, flavor="b3-8", zone=ZONE)], quota_known=known)
    told = {
        flavor.name: tuple(sorted(set(flavor.unavailable) - set(before.unavailable)))
        for flavor, before in zip(found.flavors, catalog.flavors, strict=True) if flavor.name in ("b3-8", "c3-4")
    }  # fmt: skip
    assert {name: places for name, places in told.items() if places} == gone


# Through the API of the sandbox.


@pytest.fixture
def bench() -> Iterator[Bench]:
    """What can come is there at once; the provider's clock stands still, ours is moved."""
    at_once = Timing(join_after=timedelta(0), settle_after=timedelta(0))
    with start_sandbox(SandboxOptions(quota=Quota(cores=10), timing=at_once), HandClock()) as server:
        yield Bench(server)


def lacking(bench: Bench, plan: Any, **hands: Any) -> list[str]:
    """What an apply of the plan finds lacking."""
    client = bench.client()
    made = Hands(
        engine=FakeEngine(client, OWNER), client=client, clock=bench.clock, nodes=FakeNodes,
        report=lambda _: None, say=bench.said.append, files=lambda _: FileSet(), journal=bench.journal, **hands,
    )  # fmt: skip
    with pytest.raises(Short) as short:
        apply_plan(plan, OWNER, made)
    assert len(short.value.reasons) == len(short.value.shortages)
    return [f"{one.pool} {one.lack}" for one in short.value.shortages]


def test_quota_is_looked_at_before_anything_is_ordered(bench: Bench) -> None:
    """What it does not hold is left out, and keeps nothing else from being ordered."""
    wanted = (pool("a", 3), pool("b", 3), pool("c", 2))
    assert lacking(bench, plan_of((), wanted)) == ["b quota"]
    assert {one.name: one.desired for one in bench.client().pools()} == {"a": 3, "c": 2}
    assert lacking(bench, plan_of((), wanted)) == ["b quota"]


def test_while_something_is_lacking_no_node_leaves(bench: Bench) -> None:
    before = bench.reset(pool("a", 2))
    victim = bench.nodes("a")[0]
    plan = plan_of(tuple(before), (pool("a", 1), pool("b", 9), pool("c", 1)), victims={"a": (victim,)})
    assert lacking(bench, plan) == ["b quota"]
    assert {one.name: one.desired for one in bench.client().pools()} == {"a": 2, "c": 1}


def test_stock_is_looked_at_before_anything_is_ordered(bench: Bench) -> None:
    bench.sandbox.model.failures.add(b'{"scenario": "flavor-unavailable", "flavor": "b3-8"}')
    assert lacking(bench, plan_of((), (pool("a", 1),))) == ["a out-of-stock"]
    assert len(bench.client().pools()) == 0


def test_where_quota_may_not_be_looked_at_the_order_is_sent(bench: Bench) -> None:
    order = b'{"method": "GET", "path": "*/quota", "status": 403, "times": null}'
    bench.sandbox.model.failures.add(order)
    assert lacking(bench, plan_of((), (pool("a", 6),))) == ["a quota"]
    assert any("cannot be looked at beforehand" in text for text in bench.said)


@pytest.mark.parametrize(("order", "lack"), [
    (b'{"scenario": "node-out-of-stock"}', "out-of-stock"), (b'{"scenario": "pool-quota-error"}', "quota"),
    (b'{"scenario": "pool-error"}', "node-error"), (b'{"scenario": "pool-maintenance"}', "maintenance"),
    (b'{"scenario": "pool-stuck"}', "stuck"), (b'{"scenario": "pool-suspended"}', "suspended"),
    (b'{"scenario": "node-lost"}', "node-not-found"),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_what_does_not_come_is_told_by_kind(bench: Bench, order: bytes, lack: str) -> None:
    bench.sandbox.model.failures.add(order)
    begun = bench.clock.now()
    assert lacking(bench, plan_of((), (pool("a", 2),))) == [f"a {lack}"]
    waited = bench.clock.now() - begun
    assert (waited >= timedelta(hours=1)) is (lack in ("stuck", "maintenance"))


def test_a_second_try_that_orders_nothing_says_so(bench: Bench) -> None:
    plan = plan_of((), (pool("a", 2),))
    bench.sandbox.model.failures.add(b'{"scenario": "node-out-of-stock"}')
    fresh = []
    for _ in range(2):
        with pytest.raises(Short) as short:
            bench.apply(plan)
        fresh.append(short.value.fresh)
    assert fresh == [True, False]


@pytest.mark.parametrize(("ready", "lack"), [
    (lambda names: {names[0]: True}, "never-joined"),
    (lambda names: {names[0]: True, names[1]: False}, "never-ready"),
], ids=["never-joined", "never-ready"])  # fmt: skip
def test_machines_have_to_become_ready_nodes(bench: Bench, ready: Any, lack: str) -> None:
    def there() -> dict[str, bool]:
        return ready(sorted(bench.nodes("a")))  # type: ignore[no-any-return]

    assert lacking(bench, plan_of((), (pool("a", 2),)), ready=there) == [f"a {lack}"]


@pytest.mark.parametrize("ready", [lambda: None, dict, lambda: {"stranger": True}], ids=["none", "empty", "other"])
def test_another_cluster_says_nothing_of_these_machines(bench: Bench, ready: Any) -> None:
    client = bench.client()
    hands = Hands(
        engine=FakeEngine(client, OWNER), client=client, clock=bench.clock, nodes=FakeNodes, ready=ready,
        report=lambda _: None, say=bench.said.append, files=lambda _: FileSet(),
    )  # fmt: skip
    assert apply_plan(plan_of((), (pool("a", 2),)), OWNER, hands).changed == 1
    assert "is not known" in bench.said[-1]


def test_a_state_that_says_nothing_ends_the_apply_as_well(bench: Bench) -> None:
    """UNKNOWN is a state that the API knows, and that never ends by itself here."""
    client = bench.client()
    client.create_pool(pool("a", 1))
    unknown = replace(pool("a", 1), state=ProviderState(id=client.pools().pools[0].state.id, status="UNKNOWN"))  # type: ignore[union-attr]
    client.pools = lambda: PoolSet.of([unknown])  # type: ignore[method-assign]
    hands = Hands(
        engine=FakeEngine(client, OWNER), client=client, clock=bench.clock, nodes=FakeNodes,
        report=lambda _: None, say=bench.said.append, files=lambda _: FileSet(),
    )  # fmt: skip
    with pytest.raises(Waiting, match="not at rest after an hour: a"):
        await_arrival(["a"], hands)
