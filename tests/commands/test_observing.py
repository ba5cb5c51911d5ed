"""A controller without a fleet repository: it plans and tells, and changes nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from gitops.clock import SystemClock
from gitops.controller.logs import Log
from gitops.controller.metrics import exposition
from gitops.controller.pods import Stands, pods_of
from gitops.controller.running import Running, RunOptions
from gitops.gather import Sources, Surroundings
from tests.commands.test_main_path import clear, nodes, pods, sizes
from tests.commands.tools import policy
from tests.commands.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commands.world import World


@pytest.fixture
def lines() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def running(world: World, tmp_path: Path, lines: list[dict[str, Any]]) -> Iterator[Running]:
    """Which cluster it is nobody says: the project has one."""
    clear(world)
    desk = world.desk(tmp_path)
    unnamed = {name: value for name, value in desk.environment.items() if name != "OVH_KUBE_ID"}
    around = Surroundings(environment=unnamed, clock=SystemClock(), remark=lambda _: None)
    options = RunOptions(
        repo="", clusters=(), state=desk.home / "state", every=timedelta(seconds=30),
        sources=lambda _name, _settings: Sources(kubeconfig=str(world.folder / "kubeconfig")),
    )  # fmt: skip
    log = Log(clock=SystemClock(), write=lambda line: lines.append(json.loads(line)))
    made = Running(options, around, log)
    made.start()
    yield made
    made.stop()


def test_it_tells_what_it_would_do_and_does_nothing(
    world: World, running: Running, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    until("it says what is missing", lambda: any("there is no NodePool" in str(line) for line in list(lines)))
    world.seed(policy("b3-8"))
    pods(world, "one", "two")
    until("it covers the pods", lambda: len(pods_of(running.views[0])) == 2)
    (view,) = running.views
    assert (view.cluster, view.problem, view.proposed, view.applying) == ("cluster", "", None, None)
    assert {told.stands for told in pods_of(view).values()} == {Stands.PLANNED}
    assert view.planned is not None
    assert [one.after.desired for one in view.planned.plan.changes if one.after] == [2]
    figures = exposition(running.views, view.planned.around.tally, SystemClock().now()).decode()
    assert 'poolplan_plan_nodes{change="add",cluster="cluster"} 2.0' in figures
    assert (sizes(world), nodes(world)) == ({}, []), "nothing is ordered"
    assert not (tmp_path / "home" / "state").exists(), "nothing is kept"


def test_several_clusters_are_not_observed_at_once(world: World, tmp_path: Path) -> None:
    outcome = world.desk(tmp_path).run("run", "--cluster", "a,b")
    assert (outcome.code, "several clusters need --repo" in outcome.err) == (1, True), outcome
