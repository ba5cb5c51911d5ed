"""Laws of the lifecycle, whatever legal changes are made and however often somebody looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.sandbox import lifecycle
from gitops.sandbox.lifecycle import Fate, advance
from gitops.sandbox.records import NodeStatus, PoolRecord, PoolSpec, PoolStatus, Template, World
from gitops.sandbox.settings import Timing

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMING = Timing(join_after=timedelta(seconds=7), settle_after=timedelta(seconds=2))
START = datetime(2026, 1, 1, tzinfo=UTC)
LONG = timedelta(hours=1)

fates = st.sampled_from([
    Fate(), Fate(), Fate(), Fate(pool=PoolStatus.ERROR), Fate(pool=PoolStatus.USER_QUOTA_ERROR),
    Fate(node=NodeStatus.FLAVOR_OUT_OF_STOCK_ERROR), Fate(hidden_for=timedelta(seconds=3)),
])  # fmt: skip
steps = st.lists(
    st.tuples(
        st.sampled_from(["create", "resize", "relabel", "delete", "wait"]), st.integers(0, 6), st.integers(0, 9), fates,
    ),
    max_size=25,
)


def spec(name: str, desired: int) -> PoolSpec:
    return PoolSpec(name=name, flavor="b3-8", desired=desired, minimum=0, maximum=100)


def step(world: World, kind: str, number: int, now: datetime, fate: Fate) -> World:
    """One change, if it is legal now."""
    if kind == "create":
        return lifecycle.create_pool(world, spec(f"p{world.serial}", number), now=now, fate=fate)[0]
    free = [pool for pool in world.pools if not pool.status.busy]
    if kind == "wait" or not free:
        return world
    pool = free[number % len(free)]
    if kind == "delete":
        return lifecycle.delete_pool(world, pool, now=now, fate=fate)
    wanted = changed(pool, kind, number)
    return lifecycle.change_pool(world, pool, spec=wanted, now=now, fate=fate)


def changed(pool: PoolRecord, kind: str, number: int) -> PoolSpec:
    if kind == "relabel":
        return PoolSpec(
            name=pool.spec.name, flavor=pool.spec.flavor, desired=pool.spec.desired, minimum=0, maximum=100,
            template=Template(labels={"n": str(number)}),
        )
    return spec(pool.spec.name, number)


def check(world: World) -> None:
    """What must hold at every time."""
    assert len({node.id for node in world.nodes}) == len(world.nodes)
    assert len({node.name for node in world.nodes}) == len(world.nodes)
    for pool in world.pools:
        staying, nodes = world.staying(pool.id), world.nodes_of(pool.id)
        leaving = [node for node in nodes if node.status == NodeStatus.DELETING]
        joining = [node for node in nodes if node.status == NodeStatus.INSTALLING]
        assert len(staying) == (0 if pool.status == PoolStatus.DELETING else pool.spec.desired)
        assert not leaving or pool.status in {PoolStatus.DOWNSCALING, PoolStatus.DELETING}
        assert not joining or pool.status in {PoolStatus.INSTALLING, PoolStatus.UPSCALING}
        for node in nodes:
            assert (node.status == NodeStatus.READY) <= (node.instance_id is not None and node.deployed_at is not None)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_sizes_and_statuses_agree_after_any_legal_calls(calls: Sequence[tuple[str, int, int, Fate]]) -> None:
    world, now = World(region="EU-WEST-PAR"), START
    for kind, number, wait, fate in calls:
        world = advance(step(world, kind, number, now, fate), now, timing=TIMING)
        check(world)
        now += timedelta(seconds=wait)
        world = advance(world, now, timing=TIMING)
        check(world)
    rested = advance(world, now + LONG, timing=TIMING)
    check(rested)
    assert not [pool for pool in rested.pools if pool.status.busy]
    assert not [node for node in rested.nodes if node.status in {NodeStatus.INSTALLING, NodeStatus.DELETING}]


@settings(max_examples=100, deadline=None)
@given(steps, st.lists(st.integers(0, 12), max_size=5))
def test_looking_on_the_way_changes_nothing(
    calls: Sequence[tuple[str, int, int, Fate]], looks: Sequence[int],
) -> None:
    world, now = World(region="EU-WEST-PAR"), START
    for kind, number, wait, fate in calls:
        world = step(advance(world, now, timing=TIMING), kind, number, now, fate)
        now += timedelta(seconds=wait)
    looked = world
    for seconds in sorted(looks):
        looked = advance(looked, now + timedelta(seconds=seconds), timing=TIMING)
        assert advance(looked, now + timedelta(seconds=seconds), timing=TIMING) == looked
    later = now + LONG
    assert advance(looked, later, timing=TIMING) == advance(world, later, timing=TIMING)


def test_deleted_nodes_are_forgotten_in_the_end() -> None:
    world, now = World(region="EU-WEST-PAR"), START
    for _ in range(6):
        world, _ = lifecycle.create_pool(world, spec("p", 100), now=now, fate=Fate())
        now += LONG
        world = advance(world, now, timing=TIMING)
        world = lifecycle.delete_pool(world, world.pools[0], now=now, fate=Fate())
        now += LONG
        world = advance(world, now, timing=TIMING)
    assert world.pools == ()
    assert len(world.nodes) == 500
    assert max(node.serial for node in world.nodes) == world.serial, "the oldest are forgotten first"


def test_ids_and_names_are_the_same_in_every_run() -> None:
    empty = World(region="EU-WEST-PAR")
    worlds = [lifecycle.create_pool(empty, spec("p", 2), now=START, fate=Fate())[0] for _ in range(2)]
    assert worlds[0] == worlds[1]
    assert [node.name for node in worlds[0].nodes] == ["p-node-d63570", "p-node-a153d6"]
