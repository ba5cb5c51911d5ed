"""What an apply works with, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gitops.apply.journal import MemoryJournal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitops.apply.journal import Journal
    from gitops.clock import Clock
    from gitops.cluster.node_hands import Nodes
    from gitops.engines.base import Engine, Progress
    from gitops.ovh.client import OvhClient
    from planner.drift import Drift
    from planner.pools import PoolSet
    from renderer.files import FileSet


@dataclass(frozen=True, kw_only=True)
class Hands:
    """``nodes`` is called when nodes are to leave, and may raise: then none leaves.

    ``files`` are those that declare a set of pools, by paths in the ``pools`` folder: in the end the approved ones.
    ``usual`` is the cluster's own engine where another one acts in its place: it stands back while that takes nodes
    out. ``ready`` gives the cluster's nodes and whether each is Ready, None where no cluster is at hand. ``may`` is
    asked before each step, and raises Interrupted where this process is to have no further effect.
    """

    engine: Engine
    client: OvhClient
    clock: Clock
    nodes: Callable[[], Nodes]
    files: Callable[[PoolSet], FileSet]
    report: Callable[[Progress], None]
    say: Callable[[str], None]
    journal: Journal = field(default_factory=MemoryJournal)
    usual: Engine | None = None
    ready: Callable[[], Mapping[str, bool] | None] | None = None
    may: Callable[[], None] = lambda: None

    @property
    def keeper(self) -> Engine:
        """The engine that may put back what is taken out beside it."""
        return self.usual or self.engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an apply did: pools the engine changed, nodes that left, and what still differs."""

    changed: int
    removed: tuple[str, ...] = ()
    drift: tuple[Drift, ...] = ()
