"""The engine that cluster.yaml names, its change, and what a failed creation leaves behind, from the command line."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.commands.test_main_path import POOL, apply, approve, clear, delete_pod, placed, pods, sizes
from tests.commands.tools import Desk, FleetRepository, Outcome, new_repository, policy
from tests.commands.waiting import until
from tests.gitops.engines.statehouse import PASSWORD, USER, statehouse

if TYPE_CHECKING:

    from tests.commands.world import World

API, TERRAFORM = "engine: ovh-api", "engine: terraform"


def fleet_of(world: World, desk: Desk, engine: str) -> FleetRepository:
    clear(world)
    made = new_repository(desk.folder / "fleet.git")
    made.commit({"cluster.yaml": settings(world, engine), "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    return made


def settings(world: World, engine: str) -> str:
    return world.settings(**{TERRAFORM: engine})


def ids(world: World) -> dict[str, str]:
    return {pool.name: pool.state.id for pool in world.client().pools() if pool.state}


def done(outcome: Outcome) -> str:
    assert outcome.code == 0, outcome
    return outcome.err


def test_the_api_applies_where_cluster_yaml_says_so(world: World, desk: Desk) -> None:
    fleet = fleet_of(world, desk, API)
    pods(world, "one", "two")
    approve(desk, fleet)
    told = done(desk.run("apply", "--repo", "fleet.git"))
    assert told == f"poolplan: create {POOL}: started\npoolplan: create {POOL}: complete, 0 s\n"
    assert sizes(world) == {POOL: 2}
    again = desk.run("apply", "--repo", "fleet.git")
    assert (again.code, again.out) == (0, "Nothing to do: the approved plan is in effect.\n"), again


def test_a_change_of_the_engine_doubles_no_pool(
    world: World, desk: Desk, terraform: str
) -> None:
    fleet = fleet_of(world, desk, API)
    pods(world, "one")
    approve(desk, fleet)
    done(apply(desk, world, terraform))
    made = ids(world)
    for number, engine in enumerate((TERRAFORM, API, TERRAFORM)):
        fleet.commit({"cluster.yaml": settings(world, engine)}, f"Let {engine} apply")
        pods(world, f"more-{number}")
        approve(desk, fleet)
        told = done(apply(desk, world, terraform))
        assert (f"terraform does not keep track of {POOL}" in told) == (number == 0), told
        assert f"update {POOL}: complete" in told
        assert sizes(world) == {POOL: 2 + number}
        assert ids(world) == made, "it is the same pool"


def test_terraform_deletes_a_pool_that_the_api_made(world: World, desk: Desk, terraform: str) -> None:
    fleet = fleet_of(world, desk, API)
    pods(world, "one")
    approve(desk, fleet)
    done(apply(desk, world, terraform))
    until("the pod runs", lambda: all(placed(world).values()))
    fleet.commit({"cluster.yaml": settings(world, TERRAFORM)}, "Let Terraform apply")
    delete_pod(world, "one")
    world.clock.sleep(timedelta(minutes=5))
    approve(desk, fleet)
    told = done(apply(desk, world, terraform))
    assert f"terraform does not keep track of {POOL}" in told
    assert sizes(world) == {}


@pytest.mark.parametrize("engine", [API, TERRAFORM])
@pytest.mark.parametrize("scenario", ["pool-error", "pool-quota-error"])
def test_an_empty_pool_that_failed_is_made_anew_once(
    world: World, desk: Desk, terraform: str, engine: str, scenario: str
) -> None:
    fleet = fleet_of(world, desk, engine)
    pods(world, "one")
    approve(desk, fleet)
    status = {"pool-error": "ERROR", "pool-quota-error": "USER_QUOTA_ERROR"}[scenario]
    world.fail(scenario=scenario)
    failed = apply(desk, world, terraform)
    assert (failed.code, POOL in failed.err, status in failed.err) == (1, True, True), failed
    left = ids(world)
    told = done(apply(desk, world, terraform, "--retry"))
    assert f"{POOL} was left in state {status} without a node: deleting it to make it anew" in told
    assert sizes(world) == {POOL: 1}
    assert ids(world) != left
    assert [pool.state.status for pool in world.client().pools() if pool.state] == ["READY"]


def test_a_pool_that_fails_again_is_left_to_a_person(world: World, desk: Desk) -> None:
    fleet = fleet_of(world, desk, API)
    pods(world, "one")
    approve(desk, fleet)
    world.fail(scenario="pool-quota-error", times=2)
    for _ in range(2):
        assert desk.run("apply", "--repo", "fleet.git", "--retry").code == 1
    left = ids(world)
    outcome = desk.run("apply", "--repo", "fleet.git", "--retry")
    assert outcome.code == 1
    assert "in state USER_QUOTA_ERROR again, after it was deleted and made anew once" in outcome.err, outcome
    assert ids(world) == left


def test_a_lock_that_was_left_behind_is_ended_by_its_id(world: World, desk: Desk, terraform: str) -> None:
    clear(world)
    with statehouse() as house:
        backend = f"http: {{address: {house.url}, lock_address: {house.url}, unlock_address: {house.url}}}"
        text = world.settings(**{"local: {path: state/terraform.tfstate}": backend})
        fleet = new_repository(desk.folder / "fleet.git")
        fleet.commit({"cluster.yaml": text, "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
        pods(world, "one")
        approve(desk, fleet)
        desk.environment |= {"TF_HTTP_USERNAME": USER, "TF_HTTP_PASSWORD": PASSWORD}
        house.lock = {"ID": "6a1f"}
        stuck = apply(desk, world, terraform)
        assert stuck.code == 1
        assert stuck.err.endswith("`poolplan apply --unlock 6a1f` ends the lock\n")
        told = done(apply(desk, world, terraform, "--unlock", "6a1f"))
        assert told.startswith("poolplan: the lock 6a1f of the Terraform state is ended\n")
        assert sizes(world) == {POOL: 1}
        assert house.state
    fleet.commit({"cluster.yaml": settings(world, API)}, "Let the API apply")
    refused = desk.run("apply", "--repo", "fleet.git", "--unlock", "6a1f")
    assert refused.err == "poolplan: cluster demo has engine ovh-api: no Terraform state of it is locked\n"
