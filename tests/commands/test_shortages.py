"""The cloud says no, from the command line: told, remembered, led around, and applied in the end."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.commands.test_main_path import POOL, apply, approve, clear, placed, pods, propose, sizes
from tests.commands.tools import Desk, FleetRepository, new_repository, policy
from tests.commands.waiting import until

if TYPE_CHECKING:

    from tests.commands.world import World

B = POOL.removesuffix("a") + "b"


@pytest.fixture(params=["ovh-api", "terraform"])
def fleet(world: World, desk: Desk, request: pytest.FixtureRequest, terraform: str) -> FleetRepository:
    assert terraform
    clear(world)
    made = new_repository(desk.folder / "fleet.git")
    settings = world.settings(**{"engine: terraform": f"engine: {request.param}"})
    made.commit({"cluster.yaml": settings, "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    return made


@pytest.mark.parametrize(("scenario", "lack"), [
    ("node-out-of-stock", "FLAVOR_OUT_OF_STOCK_ERROR"), ("pool-error", "ERROR"),
])
def test_another_zone_is_ordered_in_place_of_what_does_not_come(
    world: World, desk: Desk, fleet: FleetRepository, terraform: str, scenario: str, lack: str
) -> None:
    pods(world, "one", "two")
    approve(desk, fleet)
    world.fail(scenario=scenario)
    refused = apply(desk, world, terraform)
    assert refused.code == 1
    assert f"2 of 2 nodes are {lack} (b3-8 in eu-west-par-a)" in refused.err
    waits = apply(desk, world, terraform)
    assert (waits.code, "the next try is not before" in waits.err) == (1, True), waits

    told = desk.run("status", "--repo", "fleet.git")
    assert (told.code, told.err) == (0, ""), told
    for part in ("1 change waits to be applied", f" {POOL} of ", "failed 1 time, next try",
                 "\nb3-8 in eu-west-par-a  "):  # fmt: skip
        assert part in told.out, told

    again, branch = propose(desk)
    while "tidied up" in again.err and not branch:
        again, branch = propose(desk)
    assert "2 of 2 nodes never came" in fleet.read("plan.json", at=branch), again
    fleet.merge(branch)
    done = apply(desk, world, terraform)
    assert done.code == 0, done
    assert sizes(world) == {B: 2}
    until("both pods run", lambda: all(placed(world).values()))
    assert apply(desk, world, terraform).out == "Nothing to do: the approved plan is in effect.\n"
    document = json.loads(desk.run("status", "--repo", "fleet.git", "--output", "json").out)
    assert (document["changes"], document["step"], document["drift"]) == ([], None, 0)
    assert [one["offering"] for one in document["unavailable"]] == ["b3-8 in eu-west-par-a"]


def test_what_the_quota_does_not_hold_is_not_ordered(
    world: World, desk: Desk, fleet: FleetRepository, terraform: str
) -> None:
    pods(world, "one", "two")
    approve(desk, fleet)
    world.fail(method="GET", path="*/quota", status=403)
    world.fail(method="POST", path="*/nodepool", status=412, message="[InsufficientVCPUsQuota] 4 needed, 2 granted")
    refused = apply(desk, world, terraform)
    assert (refused.code, "quota of vCPUs is used up" in refused.err) == (1, True), refused
    assert sizes(world) == {}
    again, _ = propose(desk)
    assert "tidied up" in again.err
    assert "never came" not in again.out, "nothing else can be ordered, so the pods wait for the quota"
    world.clock.sleep(timedelta(hours=1, minutes=1))
    done = apply(desk, world, terraform)
    assert (done.code, sizes(world)) == (0, {POOL: 2}), done
