"""Existing pools are taken in and handed back: Git and Terraform's state change, the provider's pools do not."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from planner.pools import Pool, PoolName
from planner.taints import Taint
from renderer.manifests import manifest
from tests.commands.test_main_path import apply, clear, nodes, pods, propose
from tests.commands.tools import Desk, FleetRepository, git, new_repository, policy
from tests.commands.waiting import until

if TYPE_CHECKING:

    from planner.pools import PoolSet
    from tests.commands.world import World

ZONE = ("eu-west-par-a",)
PLAIN = Pool(name=PoolName("workers"), flavor="b3-8", zones=ZONE, desired=1, maximum=9)
DRESSED = Pool(
    name=PoolName("gpu"), flavor="b3-16", zones=ZONE, desired=1, minimum=1, labels=(("team", "web"),),
    taints=(Taint("gpu", "", "NoSchedule"),),
)  # fmt: skip
SCALED = Pool(name=PoolName("scaled"), flavor="b3-8", zones=ZONE, desired=1, autoscale=True)
OURS = Pool(name=PoolName("karpenter-b3-8-old"), flavor="b3-8", zones=ZONE, desired=0)
SIZED = "OVHcloud's autoscaler sizes it, and a size has one writer: switch its autoscaling off first"
IMPORT, RELEASE, LEDGER = "poolplan/demo/import", "poolplan/demo/release", "poolplan/demo/ledger"


@pytest.fixture
def fleet(world: World, desk: Desk) -> FleetRepository:
    """A repository that declares no pool; the provider has four, with nodes that people put pods on."""
    clear(world)
    for pool in (PLAIN, DRESSED, SCALED, OURS):
        world.client().create_pool(pool)
    until("the nodes are there", lambda: len(nodes(world)) == 3)
    made = new_repository(desk.folder / "fleet.git")
    made.commit({"cluster.yaml": world.settings(), "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    return made


def there(world: World) -> PoolSet:
    return world.client().pools()


def differs(desk: Desk) -> int:
    return int(desk.run("drift", "--repo", "fleet.git", "--detailed-exitcode").code)


def bring_in(desk: Desk, fleet: FleetRepository, world: World, terraform: str, *names: str) -> None:
    """Import, merge, apply."""
    assert desk.run("import", "--repo", "fleet.git", *names).code == 0
    fleet.merge(IMPORT)
    assert apply(desk, world, terraform).code == 0


def test_pools_come_under_management_and_stay_as_they_are(
    world: World, desk: Desk, fleet: FleetRepository, terraform: str
) -> None:
    pods(world, "one")  # so that not every node is empty
    before = there(world)
    listed = desk.run("import", "--repo", "fleet.git")
    assert listed.out.splitlines() == [
        "gpu: b3-16, eu-west-par-a, 1 node",
        "karpenter-b3-8-old: b3-8, eu-west-par-a, 0 nodes",
        f"scaled: b3-8, eu-west-par-a, 1 node; cannot be imported: {SIZED}",
        "workers: b3-8, eu-west-par-a, 1 node",
    ]

    asked = desk.run("import", "--repo", "fleet.git", "gpu")
    assert asked.code == 0
    assert "in gpu" in asked.out
    assert f"import opened: branch {IMPORT}" in asked.err
    more = desk.run("import", "--repo", "fleet.git", "--all")
    assert "scaled is left out: OVHcloud's autoscaler" in more.err
    assert f"import revised: branch {IMPORT}" in more.err
    assert "3 to import" in more.out
    idle, _ = propose(desk)
    assert "import stands" in idle.err, "what a person asked for is not taken back by the loop"

    fleet.merge(IMPORT)
    done = apply(desk, world, terraform)
    assert (done.code, done.out.partition(": ")[2]) == (0, "0 pools changed, 0 nodes removed, 3 pools imported.\n"), done
    assert there(world) == before
    assert [pool.state for pool in there(world)] == [pool.state for pool in before]
    assert differs(desk) == 0
    again = apply(desk, world, terraform)
    assert again.out == "Nothing to do: the approved plan is in effect.\n"
    after, _ = propose(desk)
    assert after.out.startswith("poolplan: cluster demo, no pod waits"), after
    assert desk.run("import", "--repo", "fleet.git", "--all").err.endswith(
        "nothing to import: Git declares these pools already\n"
    )


def test_a_pool_that_was_imported_grows_like_any_other(
    world: World, desk: Desk, fleet: FleetRepository, terraform: str
) -> None:
    bring_in(desk, fleet, world, terraform, "karpenter-b3-8-old")
    pods(world, *(f"pod-{number}" for number in range(4)))
    outcome, branch = propose(desk)
    assert "~ karpenter-b3-8-old" in outcome.out
    fleet.merge(branch)
    assert apply(desk, world, terraform).code == 0
    grown = there(world).get("karpenter-b3-8-old")
    assert grown is not None
    assert grown.desired > 0
    assert len(there(world)) == 4


def test_what_was_imported_is_taken_up_again_when_the_state_is_lost(
    world: World, desk: Desk, fleet: FleetRepository, terraform: str
) -> None:
    bring_in(desk, fleet, world, terraform, "workers", "gpu", "karpenter-b3-8-old")
    shutil.rmtree(desk.home / "state" / "terraform")
    pods(world, *(f"pod-{number}" for number in range(4)))
    _, branch = propose(desk)
    fleet.merge(branch)
    done = apply(desk, world, terraform)
    assert done.code == 0, str(done)
    assert len(there(world)) == 4


def test_a_released_pool_is_left_alone(world: World, desk: Desk, fleet: FleetRepository, terraform: str) -> None:
    bring_in(desk, fleet, world, terraform, "workers", "karpenter-b3-8-old")
    before = there(world)
    asked = desk.run("release", "--repo", "fleet.git", "workers")
    assert asked.code == 0, asked
    assert f"release opened: branch {RELEASE}" in asked.err
    desk.run("release", "--repo", "fleet.git", "karpenter-b3-8-old")
    fleet.merge(RELEASE)
    done = apply(desk, world, terraform)
    assert (done.code, done.out.partition(": ")[2]) == (0, "0 pools changed, 0 nodes removed, 2 pools released.\n"), done
    assert there(world) == before
    assert apply(desk, world, terraform).out == "Nothing to do: the approved plan is in effect.\n"
    assert "removed {" in fleet.read("pools/terraform/released-workers.tf")

    after, _ = propose(desk)
    assert "No changes." in after.out, "empty nodes of a released pool stay"
    assert differs(desk) == 0, "whatever a pool is named"
    bring_in(desk, fleet, world, terraform, "workers")
    assert there(world) == before


def test_an_apply_that_was_killed_after_the_release_goes_on(
    world: World, desk: Desk, fleet: FleetRepository, terraform: str
) -> None:
    bring_in(desk, fleet, world, terraform, "workers")
    desk.run("release", "--repo", "fleet.git", "workers")
    fleet.merge(RELEASE)
    assert apply(desk, world, terraform).code == 0
    forget_last(fleet, LEDGER)
    again = apply(desk, world, terraform)
    assert again.code == 0, again
    assert there(world).get("workers") is not None


def forget_last(fleet: FleetRepository, branch: str) -> None:
    """The ledger without its last record, as if the process had been killed before it was written."""
    git("--git-dir", fleet.path, "update-ref", f"refs/heads/{branch}", fleet.head(f"{branch}~1"))


def test_a_proposal_is_taken_back_by_deleting_its_branch(
    world: World, desk: Desk, fleet: FleetRepository
) -> None:
    desk.run("import", "--repo", "fleet.git", "workers")
    git("--git-dir", fleet.path, "update-ref", "-d", f"refs/heads/{IMPORT}")
    idle, _ = propose(desk)
    assert "import declined" in idle.err
    assert IMPORT not in fleet.branches()
    asked = desk.run("import", "--repo", "fleet.git", "workers")
    assert "import opened" in asked.err, "a person may ask again"


def test_a_pool_that_goes_leaves_the_proposal(world: World, desk: Desk, fleet: FleetRepository) -> None:
    desk.run("import", "--repo", "fleet.git", "workers")
    pool = there(world).get("workers")
    assert pool is not None
    assert pool.state is not None
    world.client().delete_pool(pool.state.id)
    until("it is gone", lambda: there(world).get("workers") is None)
    idle, _ = propose(desk)
    assert "import withdrawn" in idle.err


def test_files_alone(world: World, desk: Desk, fleet: FleetRepository) -> None:
    outcome = desk.run("import", "--repo", "fleet.git", "workers", "--into", "out")
    assert outcome.code == 0
    assert fleet.branches() == ["main"]
    text = (desk.folder / "out/terraform/pool-workers.tf").read_text("utf-8")
    pool = there(world).get("workers")
    assert pool is not None
    assert pool.state is not None
    assert text.endswith(f'/{pool.state.id}"\n}}\n')
    assert (desk.folder / "out/manifests/workers.yaml").is_file()


@pytest.mark.parametrize(("words", "code", "says"), [
    (("import", "absent"), 1, "the provider has no pool absent; it has gpu, karpenter-b3-8-old, scaled, workers"),
    (("import", "scaled", "workers"), 3, "not every pool can be imported, so none is"),
    (("release", "workers"), 1, "Git declares no pool workers to be released; it declares no pool, and poolplan changes no other"),
    (("release",), 1, "missing argument 'POOL...'"),
])  # fmt: skip
def test_what_cannot_be_is_refused(
    words: tuple[str, ...], code: int, says: str, desk: Desk, fleet: FleetRepository
) -> None:
    outcome = desk.run(*words, "--repo", "fleet.git")
    assert outcome.code == code
    assert says in outcome.err
    assert fleet.branches() == ["main"]


def test_where_the_api_applies_nothing_but_git_changes(
    world: World, desk: Desk, fleet: FleetRepository, terraform: str
) -> None:
    fleet.commit({"cluster.yaml": world.settings(**{"engine: terraform": "engine: ovh-api"})}, "Let the API apply")
    before = there(world)
    bring_in(desk, fleet, world, terraform, "workers", "karpenter-b3-8-old")
    assert desk.run("release", "--repo", "fleet.git", "workers", "karpenter-b3-8-old").code == 0
    fleet.merge(RELEASE)
    done = apply(desk, world, terraform)
    assert done.out.endswith("0 pools changed, 0 nodes removed, 2 pools released.\n"), str(done)
    assert there(world) == before
    assert differs(desk) == 0
    git("--git-dir", fleet.path, "update-ref", "-d", f"refs/heads/{LEDGER}")
    assert apply(desk, world, terraform).out == "Nothing to do: the approved plan is in effect.\n", "a new ledger begins"

    fleet.commit({"cluster.yaml": world.settings()}, "Let Terraform apply")
    bring_in(desk, fleet, world, terraform, "karpenter-b3-8-old")
    pods(world, *(f"pod-{number}" for number in range(4)))
    _, branch = propose(desk)
    fleet.merge(branch)
    done = apply(desk, world, terraform)
    assert done.code == 0, str(done)
    grown = there(world).get("karpenter-b3-8-old")
    assert grown is not None
    assert grown.desired > 0
    assert there(world).get("workers") == before.get("workers")


@pytest.mark.parametrize("delegate", ["argocd", "flux"])
def test_no_pool_is_released_whose_manifest_a_delegate_would_prune(
    world: World, desk: Desk, fleet: FleetRepository, delegate: str
) -> None:
    settings = world.settings(**{"engine: terraform": f"engine: delegated\n  delegated: {delegate}"})
    fleet.commit({"cluster.yaml": settings}, f"Let {delegate} apply")
    assert desk.run("import", "--repo", "fleet.git", "workers").code == 0
    fleet.merge(IMPORT)
    kept = fleet.read("pools/manifests/workers.yaml")
    fleet.commit({"pools/manifests/workers.yaml": manifest(PLAIN)}, "Take the annotations out")
    refused = desk.run("release", "--repo", "fleet.git", "workers")
    assert refused.code == 3, str(refused)
    assert "manifests/workers.yaml lacks the annotations that keep the object" in refused.err
    fleet.commit({"pools/manifests/workers.yaml": kept}, "Put them back")
    released = desk.run("release", "--repo", "fleet.git", "workers")
    assert "release opened" in released.err, str(released)
