"""A delegate applies, from the command line: a stand-in of it follows the live branch while poolplan waits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from gitops.engines.delegating import following_of
from gitops.git.opening import open_path
from gitops.settings_read import load_settings
from renderer.delegated import Delegate
from renderer.layout import pools_folder
from tests.commands.test_main_path import POOL, approve, clear, delete_pod, pods, sizes
from tests.commands.tools import Desk, FleetRepository, QuickClock, new_repository, policy
from tests.gitops.standin import StandIn

if TYPE_CHECKING:
    from datetime import timedelta

    from tests.commands.world import World

LIVE = "poolplan/demo/live"


@dataclass
class Waking:
    """A clock whose passing wakes the stand-in."""

    inner: QuickClock
    standin: StandIn

    def now(self) -> object:
        return self.inner.now()

    def sleep(self, duration: timedelta) -> None:
        self.inner.sleep(duration)
        self.standin.reconcile()


def begin(world: World, desk: Desk, delegate: Delegate) -> tuple[Desk, FleetRepository, StandIn]:
    """A desk by whose clock the stand-in wakes, and a repository that gives it the work."""
    clear(world)
    text = world.settings(**{"engine: terraform": f"engine: delegated\n  delegated: {delegate.value}"})
    fleet = new_repository(desk.folder / "fleet.git")
    fleet.commit({"cluster.yaml": text, "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    desk.write({"cluster.yaml": text})
    following = following_of(load_settings(desk.folder / "cluster.yaml", {}))
    standin = StandIn(delegate, open_path(desk.folder / "fleet.git"), world.client(), following)
    waking = Desk(
        folder=desk.folder, home=desk.home, environment=desk.environment, clock=Waking(desk.clock, standin)  # type: ignore[arg-type]
    )
    return waking, fleet, standin


@pytest.mark.parametrize("delegate", [Delegate.ARGO_CD, Delegate.FLUX], ids=lambda one: one.value)
def test_what_was_merged_is_promoted_and_awaited(world: World, desk: Desk, delegate: Delegate) -> None:
    desk, fleet, standin = begin(world, desk, delegate)
    pods(world, "one", "two")
    approve(desk, fleet)
    assert standin.repository.head(LIVE) is None, "a merge alone moves nothing"  # type: ignore[arg-type]

    told = desk.run("apply", "--repo", "fleet.git")

    assert told.code == 0, told
    assert "1 pool changed, 0 nodes removed" in told.out
    assert told.err.startswith(f"poolplan: create {POOL}: started\n")
    assert told.err.endswith(f"poolplan: create {POOL}: complete, {told.err.rpartition(', ')[2]}")
    assert sizes(world) == {POOL: 2}
    assert standin.deeds == [f"create {POOL} 2"]
    again = desk.run("apply", "--repo", "fleet.git")
    assert (again.code, again.out) == (0, "Nothing to do: the approved plan is in effect.\n"), again


def test_no_node_goes_while_the_delegate_cannot_be_seen(world: World, desk: Desk) -> None:
    desk, fleet, standin = begin(world, desk, Delegate.ARGO_CD)
    pods(world, "one", "two")
    approve(desk, fleet)
    assert desk.run("apply", "--repo", "fleet.git").code == 0
    before = standin_head(standin)
    for name in ("one", "two"):
        delete_pod(world, name)
    desk.clock.inner.time = desk.clock.inner.time.replace(year=2027)  # type: ignore[attr-defined]
    approve(desk, fleet)

    refused = desk.run("apply", "--repo", "fleet.git")

    assert refused.code == 3, refused
    assert "Argo CD cannot be seen; nothing was removed" in refused.err
    assert sizes(world) == {POOL: 2}
    assert standin.repository.show(standin_head(standin)).parents in ((), (before,))  # type: ignore[arg-type]


def test_a_delegate_takes_over_what_another_engine_made_and_doubles_nothing(world: World, desk: Desk) -> None:
    desk, fleet, standin = begin(world, desk, Delegate.ARGO_CD)
    delegated = fleet.read("cluster.yaml")
    fleet.commit({"cluster.yaml": world.settings(**{"engine: terraform": "engine: ovh-api"})}, "Let the API apply")
    pods(world, "one")
    approve(desk, fleet)
    assert desk.run("apply", "--repo", "fleet.git").code == 0
    assert (sizes(world), standin_head(standin)) == ({POOL: 1}, "")

    fleet.commit({"cluster.yaml": delegated}, "Let Argo CD apply")
    pods(world, "two", "three")
    approve(desk, fleet)
    assert desk.run("apply", "--repo", "fleet.git").code == 0
    assert (sizes(world), standin.deeds) == ({POOL: 3}, [f"update {POOL} 3"])

    fleet.commit({"cluster.yaml": world.settings(**{"engine: terraform": "engine: ovh-api"})}, "Let the API apply again")
    pods(world, "four")
    approve(desk, fleet)
    left = desk.run("apply", "--repo", "fleet.git")
    assert "emptied the branch that a delegate followed" in left.err
    standin.reconcile()
    assert (sizes(world), len(standin.deeds)) == ({POOL: 4}, 1)
    assert len(standin.repository.read(standin_head(standin), PurePosixPath())) == 0  # type: ignore[arg-type]


def test_what_an_emergency_changes_is_not_put_back_by_flux(world: World, desk: Desk) -> None:
    desk, fleet, standin = begin(world, desk, Delegate.FLUX)
    pods(world, "one")
    approve(desk, fleet)
    assert desk.run("apply", "--repo", "fleet.git").code == 0
    pods(world, "two", "three")

    done = desk.run("emergency", "--repo", "fleet.git", "--reason", "payments are down")

    assert done.code == 0, done
    assert sizes(world) == {POOL: 3}
    standin.deeds.clear()
    for _ in range(3):
        standin.reconcile()
    assert (standin.deeds, sizes(world)) == ([], {POOL: 3})
    fleet.merge("poolplan/demo/emergency")
    assert desk.run("apply", "--repo", "fleet.git").code == 0
    standin.reconcile()
    assert (standin.deeds, sizes(world)) == ([], {POOL: 3})
    head = standin_head(standin)
    files = [str(path) for path, _ in standin.repository.read(head, pools_folder("demo"))]  # type: ignore[arg-type]
    assert f"manifests/{POOL}.yaml" in files, "the branch speaks of the pool again"


def standin_head(standin: StandIn) -> str:
    standin.repository.refresh()
    return standin.repository.head(LIVE) or ""  # type: ignore[arg-type]


def test_the_files_to_start_with_are_written_once(world: World, desk: Desk) -> None:
    desk, _, _ = begin(world, desk, Delegate.FLUX)
    command = ("render", "--bootstrap", "flux", "--settings", "cluster.yaml", "--into", "flux")
    nowhere = desk.run(*command)
    assert (nowhere.code, "name it with --repo-url" in nowhere.err) == (1, True)

    made = desk.run(*command, "--repo-url", "https://git.example.org/fleet.git")
    assert (made.code, made.err) == (0, "poolplan: 2 files in flux\n")
    desk.write({"flux/source.yaml": "# mine\n"})
    again = desk.run(*command, "--repo-url", "https://git.example.org/fleet.git")
    assert again.err == "poolplan: 0 files in flux; left as they are: kustomization.yaml, source.yaml\n"
    assert desk.contents()["flux/source.yaml"] == b"# mine\n"


def test_files_for_somebody_who_does_not_have_the_work_are_written_with_a_word(world: World, desk: Desk) -> None:
    desk, _, _ = begin(world, desk, Delegate.FLUX)
    told = desk.run(
        "render", "--bootstrap", "argocd", "--settings", "cluster.yaml", "--into", "argo", "--repo-url", "https://x/y.git"
    )
    assert told.err.startswith("poolplan: cluster.yaml does not give the work to argocd yet: spec.engine: delegated")


def test_a_check_says_whether_the_delegate_can_be_seen(world: World, desk: Desk) -> None:
    desk, _, _ = begin(world, desk, Delegate.FLUX)
    told = desk.run("validate", "cluster.yaml", "--live")
    (line,) = [one for one in told.out.splitlines() if "delegate" in one]
    assert line.startswith("none  delegate flux: ")
    assert line.endswith("; without it no node and no pool of demo goes")
    assert "terraform" in told.out
