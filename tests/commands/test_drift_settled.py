"""Drift that is more than a pool's fields, from the difference to its end: pools that Git lacks, a state that lies."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gitops.controller.differing import differences_of
from planner.drift import DriftKind
from planner.pools import Pool, PoolName
from tests.commands.test_main_path import POOL, TF, apply, approve, clear, nodes, pods, propose, sizes
from tests.commands.test_run import Process
from tests.commands.tools import Desk, FleetRepository, new_repository, policy
from tests.commands.waiting import until

if TYPE_CHECKING:

    from tests.commands.world import World

STRAY = Pool(name=PoolName("karpenter-b3-8-stray"), flavor="b3-8", zones=("eu-west-par-a",), desired=1)
IMPORT, RESTORE = "poolplan/demo/import", "poolplan/demo/restore"
ENGINES = ("terraform", "ovh-api")


def start(world: World, desk: Desk, terraform: str, engine: str = "terraform", drift: str = "{}") -> FleetRepository:
    """A repository and a provider that agree on one pool with two pods on it."""
    clear(world)
    made = new_repository(desk.folder / "fleet.git")
    settings = world.settings(**{"engine: terraform": f"engine: {engine}\n  drift: {drift}"})
    made.commit({"cluster.yaml": settings, "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    pods(world, "one", "two")
    approve(desk, made)
    assert apply(desk, world, terraform).code == 0
    propose(desk)
    return made


def start_with_stray(world: World, desk: Desk, terraform: str, engine: str, wanted: str) -> FleetRepository:
    """The same, and then somebody makes a pool that is named like poolplan's own."""
    fleet = start(world, desk, terraform, engine, f"{{undeclared: {wanted}}}")
    world.client().create_pool(STRAY)
    until("its node is there", lambda: len(nodes(world)) == 3)
    return fleet


def drift(desk: Desk, world: World, terraform: str) -> list[str]:
    """What ``drift`` tells with the engine's state, a line for each difference."""
    where = ["--cli-config", str(world.cli_config), "--program", terraform]
    return desk.run("drift", "--repo", "fleet.git", "--engine-state", *where).out.splitlines()[1:]


def propose_with_state(desk: Desk, world: World, terraform: str) -> str:
    where = ["--cli-config", str(world.cli_config), "--program", terraform]
    outcome = desk.run("propose", "--repo", "fleet.git", "--engine-state", *where)
    assert outcome.code == 0, outcome
    return outcome.err


@pytest.mark.parametrize("engine", ENGINES)
def test_a_pool_that_looks_like_poolplan_s_is_taken_in_as_it_is(
    engine: str, world: World, desk: Desk, terraform: str
) -> None:
    fleet = start_with_stray(world, desk, terraform, engine, "adopt")
    before = world.client().pools()
    outcome, _ = propose(desk)
    assert f"import opened: branch {IMPORT}" in outcome.err, outcome
    fleet.merge(IMPORT)
    done = apply(desk, world, terraform)
    assert done.out.endswith(": 0 pools changed, 0 nodes removed, 1 pool imported.\n"), done
    assert world.client().pools() == before
    assert drift(desk, world, terraform) == []
    assert apply(desk, world, terraform).out == "Nothing to do: the approved plan is in effect.\n"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_pool_that_looks_like_poolplan_s_goes_where_that_is_wanted(
    engine: str, world: World, desk: Desk, terraform: str
) -> None:
    fleet = start_with_stray(world, desk, terraform, engine, "restore")
    outcome, _ = propose(desk)
    assert f"restore opened: branch {RESTORE}" in outcome.err, outcome
    fleet.merge(RESTORE)
    done = apply(desk, world, terraform)
    assert (done.code, done.out.partition(": ")[2]) == (0, "1 pool changed, 1 node removed.\n"), done
    until("it is gone", lambda: sizes(world) == {POOL: 2})
    assert drift(desk, world, terraform) == []
    assert apply(desk, world, terraform).out == "Nothing to do: the approved plan is in effect.\n"


def test_a_state_that_was_lost_is_filled_again_by_a_reviewed_import(world: World, desk: Desk, terraform: str) -> None:
    fleet = start(world, desk, terraform)
    before = world.client().pools()
    shutil.rmtree(desk.home / "state" / "terraform")
    (told,) = drift(desk, world, terraform)
    assert told.split()[:2] == [POOL, "engine-state"]
    assert told.endswith("ask")
    assert f"import opened: branch {IMPORT}" in propose_with_state(desk, world, terraform)
    assert "import stands" in propose_with_state(desk, world, terraform)
    fleet.merge(IMPORT)
    assert "import {" in fleet.read(TF)
    done = apply(desk, world, terraform)
    assert done.out.endswith(": 0 pools changed, 0 nodes removed, 1 pool imported.\n"), done
    assert world.client().pools() == before
    assert drift(desk, world, terraform) == []
    assert "import" not in propose_with_state(desk, world, terraform).replace("import tidied up", "")


def test_a_pool_that_was_made_again_just_as_it_was_is_taken_up_by_its_new_id(
    world: World, desk: Desk, terraform: str
) -> None:
    fleet = start(world, desk, terraform)
    again(world)
    (told,) = drift(desk, world, terraform)
    assert told.split()[:3] == [POOL, "engine-state", "id"]
    assert f"import opened: branch {IMPORT}" in propose_with_state(desk, world, terraform)
    fleet.merge(IMPORT)
    before = world.client().pools()
    done = apply(desk, world, terraform)
    assert done.out.endswith(": 0 pools changed, 0 nodes removed, 1 pool imported.\n"), done
    assert [one.state for one in world.client().pools()] == [one.state for one in before]
    assert drift(desk, world, terraform) == []


def test_a_controller_finds_by_itself_that_the_state_was_lost(world: World, desk: Desk, terraform: str) -> None:
    fleet = start(world, desk, terraform)
    shutil.rmtree(desk.home / "state" / "terraform")
    process = Process(world, desk, fleet, program=terraform)
    try:
        until("it is told", lambda: found(process) == [(POOL, DriftKind.ENGINE)])
        until("it has proposed", lambda: IMPORT in fleet.branches())
        fleet.merge(IMPORT)
        until("it is settled", lambda: found(process) == [])
    finally:
        process.stop()
    assert sizes(world) == {POOL: 2}


def found(process: Process) -> list[tuple[str, DriftKind]] | None:
    """The differences that the newest pass knows; None before there is one. Another pass begins."""
    (view,) = process.running.views
    process.running.look_now()
    told = differences_of(view.planned)
    return None if told is None else [(one.pool, one.kind) for one in told]


def again(world: World) -> None:
    """Somebody deletes the pool and makes the same again: it has another id."""
    client = world.client()
    pool = client.pools().get(POOL)
    assert pool is not None
    assert pool.state is not None
    client.delete_pool(pool.state.id)
    until("it is gone", lambda: not len(client.pools()))
    client.create_pool(replace(pool, state=None))
    until("its nodes are there", lambda: len(nodes(world)) == 2)
