"""An apply without review, as a user types it: at once, within its limits, and with the same record afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gitops.sandbox.cluster.store import Key
from tests.commands.test_main_path import POOL, TF, apply, clear, nodes, placed, pods
from tests.commands.tools import Desk, FleetRepository, Outcome, git, new_repository, policy
from tests.commands.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.world import World

BRANCH = "poolplan/demo/emergency"


@pytest.fixture
def desk(world: World, tmp_path: Path) -> Desk:
    return world.desk(tmp_path)


@pytest.fixture
def fleet(world: World, desk: Desk) -> FleetRepository:
    clear(world)
    made = new_repository(desk.folder / "fleet.git")
    made.commit({"cluster.yaml": world.settings(), "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    return made


def emergency(desk: Desk, *more: str) -> Outcome:
    return desk.run("emergency", "--repo", "fleet.git", "--reason", "payments are down", *more)


def test_growth_is_there_at_once_and_reviewed_afterwards(
    world: World, desk: Desk, fleet: FleetRepository, terraform: str
) -> None:
    pods(world, "one", "two")
    outcome = emergency(desk)
    assert outcome.code == 0, outcome.err
    assert "Applied without review: 1 pool changed. emergency opened: branch poolplan/demo/emergency" in outcome.out
    until("the pods run", lambda: all(placed(world).values()))
    assert len(nodes(world)) == 2
    message = git("log", "-1", "--format=%B", BRANCH, cwd=fleet.path)
    assert "Review the emergency in demo" in message
    assert "Poolplan-Emergency: applied without review by kubernetes-admin-sandbox" in message
    assert "desired_nodes = 2" in fleet.read(TF, at=BRANCH)
    record = git("show", "poolplan/demo/ledger:records/0000001-emergency.json", cwd=fleet.path)
    assert json.loads(record)["reason"] == "payments are down"
    events = [one for one in world.cluster.listing("events") if one["reason"] == "PoolplanEmergency"]  # type: ignore[index, call-overload]
    assert len(events) == 1

    fleet.merge(BRANCH)
    applied = apply(desk, world, terraform)
    assert applied.code == 0, applied.err
    assert len(nodes(world)) == 2
    again = apply(desk, world, terraform)
    assert again.out == "Nothing to do: the approved plan is in effect.\n"
    assert desk.run("drift", "--repo", "fleet.git", "--detailed-exitcode").code == 0
    assert [pool.name for pool in world.client().pools()] == [POOL]
