"""Repositories that are not as they should be: each is told in a line, and nothing in them is changed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from gitops.files import locked
from tests.commands.tools import DATA, Desk, FleetRepository, git, new_repository, policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.commands.world import World
    from tests.conftest import CompareText

SETUPS: dict[str, Callable[[Desk, FleetRepository, World], None]] = {}
#: Where propose, apply and drift may well say different things.
TO_ALL = ("another-engine", "another-endpoint", "dirty", "policy-of-no-flavor")


def setup(function: Callable[[Desk, FleetRepository, World], None]) -> Callable[[Desk, FleetRepository, World], None]:
    SETUPS[function.__name__.replace("_", "-")] = function
    return function


@pytest.fixture
def fleet(world: World, desk: Desk) -> FleetRepository:
    made = new_repository(desk.folder / "fleet.git")
    made.commit({"cluster.yaml": world.settings(), "policy/policy.yaml": policy()}, "Describe cluster demo")
    return made


@setup
def gone(desk: Desk, fleet: FleetRepository, world: World) -> None:
    shutil.rmtree(fleet.path)


@setup
def no_repository(desk: Desk, fleet: FleetRepository, world: World) -> None:
    shutil.rmtree(fleet.path)
    fleet.path.mkdir()


@setup
def a_file(desk: Desk, fleet: FleetRepository, world: World) -> None:
    shutil.rmtree(fleet.path)
    fleet.path.write_text("no repository")


@setup
def without_commits(desk: Desk, fleet: FleetRepository, world: World) -> None:
    shutil.rmtree(fleet.path)
    new_repository(fleet.path)


@setup
def dirty(desk: Desk, fleet: FleetRepository, world: World) -> None:
    checkout(desk, fleet)
    (fleet.path / "clusters/demo/policy/policy.yaml").write_text("half an edit")


@setup
def diverged(desk: Desk, fleet: FleetRepository, world: World) -> None:
    origin = checkout(desk, fleet)
    origin.commit({"policy/more.yaml": ""}, "Somebody else's")
    (fleet.path / "clusters/demo/policy/own.yaml").write_text("")
    git("add", "--all", cwd=fleet.path)
    git("commit", "--quiet", "--message", "Mine, not pushed", cwd=fleet.path)


@setup
def of_several_clusters(desk: Desk, fleet: FleetRepository, world: World) -> None:
    FleetRepository(fleet.path, "other").commit({"cluster.yaml": world.settings("other")}, "Describe another")


@setup
def of_no_cluster(desk: Desk, fleet: FleetRepository, world: World) -> None:
    fleet.commit({}, "Forget", removed=["cluster.yaml"])


@setup
def of_another_name(desk: Desk, fleet: FleetRepository, world: World) -> None:
    fleet.commit({"cluster.yaml": world.settings("other")}, "Rename")


@setup
def broken_settings(desk: Desk, fleet: FleetRepository, world: World) -> None:
    fleet.commit({"cluster.yaml": world.settings().replace("engine: terraform", "engine: [terraform")}, "Break")


@setup
def broken_policy(desk: Desk, fleet: FleetRepository, world: World) -> None:
    fleet.commit({"policy/policy.yaml": policy().replace("operator: In", "operator: Equals", 1)}, "Break")


@setup
def policy_of_no_flavor(desk: Desk, fleet: FleetRepository, world: World) -> None:
    fleet.commit({"policy/policy.yaml": policy("b9-8")}, "Want what is not sold")


@setup
def no_policy(desk: Desk, fleet: FleetRepository, world: World) -> None:
    fleet.commit({}, "Forget", removed=["policy/policy.yaml"])


@setup
def broken_pool(desk: Desk, fleet: FleetRepository, world: World) -> None:
    text = 'resource "ovh_cloud_project_kube_nodepool" "a" {\n  name = a\n}\n'
    fleet.commit({"pools/terraform/pool-a.tf": text}, "Edit")


@setup
def another_endpoint(desk: Desk, fleet: FleetRepository, world: World) -> None:
    fleet.commit({"cluster.yaml": world.settings().replace(world.sandbox.url, "ovh-eu")}, "Go to Europe")


@setup
def another_engine(desk: Desk, fleet: FleetRepository, world: World) -> None:
    settings = world.settings().replace("engine: terraform", "engine: delegated\n  delegated: argocd")
    fleet.commit({"cluster.yaml": settings}, "Let Argo CD do it")


def checkout(desk: Desk, fleet: FleetRepository) -> FleetRepository:
    """The fleet becomes a person's checkout of a repository beside it, which is returned."""
    origin = FleetRepository(desk.home / "origin.git")
    shutil.move(fleet.path, origin.path)
    git("clone", "--quiet", origin.path, fleet.path)
    return origin


CASES = [
    *((name, "propose") for name in SETUPS),
    *((name, command) for name in TO_ALL for command in ("apply", "drift")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "command"), sorted(CASES))
def test_what_is_wrong_with_it_is_told(
    world: World, desk: Desk, fleet: FleetRepository, golden: CompareText, name: str, command: str
) -> None:
    SETUPS[name](desk, fleet, world)
    before = desk.contents()
    outcome = desk.run(command, "--repo", "fleet.git")
    told = str(outcome).replace(world.sandbox.url, "http://127.0.0.1:1/1.0")
    golden(DATA / "repositories" / f"{name}.{command}.txt", told)
    assert "Traceback" not in told
    assert "defect" not in told
    assert desk.contents() == before or name == "diverged", "fetching is all that may happen"
    assert not world.client().pools().pools


def test_there_is_a_text_for_every_case_and_no_other() -> None:
    wanted = {f"{name}.{command}.txt" for name, command in CASES}
    assert {path.name for path in (DATA / "repositories").iterdir()} == wanted


def test_a_cluster_that_is_not_there_is_named(desk: Desk, fleet: FleetRepository) -> None:
    outcome = desk.run("drift", "--repo", "fleet.git", "--cluster", "mars")
    assert (outcome.code, outcome.out) == (1, "")
    place = "clusters/mars/cluster.yaml"
    assert outcome.err == f"poolplan: {place}: there is no such file on the main branch; it has demo\n"


def test_one_apply_of_a_cluster_at_a_time(desk: Desk, fleet: FleetRepository) -> None:
    lock = desk.home / "state" / "terraform" / "demo-11111111" / "poolplan.lock"
    with locked(lock, "cluster demo"):
        outcome = desk.run("apply", "--repo", "fleet.git")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        f"poolplan: another poolplan works on cluster demo ({lock} is locked); wait for it to end\n"
    )
