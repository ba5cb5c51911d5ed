"""Nodes drained by the service account of the chart: draining needs no right that the chart does not give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitops.clock import SystemClock
from gitops.cluster.connection import connect
from tests.contracts.nodes import World
from tests.contracts.test_nodes import *  # noqa: F403 - the same suite, over the fixture below
from tests.gitops.cluster.fakecluster import TickingClock
from tests.real.test_chart_objects import release  # noqa: F401 - a fixture
from tests.real.test_nodes_drain import Planed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.controlplane import ControlPlane
    from tests.real.test_chart_objects import Installed


@pytest.fixture
def world(release: Installed, plane: ControlPlane, tmp_path: Path) -> World:  # noqa: F811 - a fixture
    release.set("git.repo=/fleet.git", "podDisruptionBudget.enabled=false")  # the suite counts its own
    clock = TickingClock(start=SystemClock().now)
    cluster = Planed(plane, connect({}, kubeconfig=release.kubeconfig(tmp_path)), clock)
    clock.ticks.append(cluster.stop_pods)
    return World(cluster)
