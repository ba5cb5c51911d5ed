"""One apply of one cluster, put together: approval from the repository, the engine, provider and cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from gitops.apply.carrying import apply_plan
from gitops.apply.hands import Applied, Hands
from gitops.apply.journal import FileJournal
from gitops.apply.reopening import cordoned, reopen
from gitops.cluster.node_hands import DrainLimits
from gitops.cluster.nodes_live import LiveNodes
from gitops.emergency.carrying import bring_to_git
from gitops.emergency.outbox import outbox_of
from gitops.engines.base import Goal
from gitops.engines.delegating import Promotion, retire
from gitops.engines.live_branch import Cause
from gitops.engines.making import Ground, make_engine, owner_of
from gitops.environment import machine_name
from gitops.errors import PoolplanError, Refused, Stalled
from gitops.files import locked
from gitops.fleet import at_cluster
from gitops.gather import connect, connect_cluster, read_catalog
from gitops.loop.chain import read_chain
from gitops.loop.delivering import Delivery, deliver_all
from gitops.loop.joining import joined
from gitops.loop.ledger import read_ledger
from gitops.loop.opening import open_world, trees_of
from planner.ownership import is_managed
from planner.plan import Action
from planner.pools import PoolSet
from renderer.layout import POOLS, released_names
from renderer.tree import with_pools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from gitops.cluster.connection import KubernetesApi
    from gitops.engines.base import Progress
    from gitops.fleet import Fleet
    from gitops.gather import Sources, Surroundings
    from gitops.loop.chain import Chain
    from gitops.loop.claims import Turn
    from gitops.loop.trees import Tree
    from gitops.loop.world import World
    from gitops.settings import Settings
    from renderer.files import FileSet


JOURNAL, WORK = "journal.jsonl", "terraform"
DELEGATE_KUBECONFIG = "POOLPLAN_DELEGATE_KUBECONFIG"
"""The environment variable that names a kubeconfig for Argo CD's own cluster, where that is another one."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Below which folder of the state folder engines work; for Terraform, with which program and CLI configuration.

    ``holder`` is in whose name changes are claimed: empty, this machine. Processes of which one leads share a name, so
    that whoever leads next goes on with what the one before it claimed.
    """

    work: Path
    program: str = ""
    cli_config: Path | None = None
    holder: str = ""

    @classmethod
    def below(cls, state: Path, *, program: str = "", cli_config: Path | None = None, holder: str = "") -> Place:
        """The place in the folder where poolplan keeps what outlives a process."""
        return cls(work=state / WORK, program=program, cli_config=cli_config, holder=holder)


@dataclass(frozen=True, kw_only=True)
class Tell:
    """Where progress and talk go, and the reason of ``--freeze``, None where that was not given.

    ``may`` is asked before each step, and raises Interrupted where this process is to have no further effect.
    """

    report: Callable[[Progress], None]
    say: Callable[[str], None]
    freeze: str | None = None
    retry: bool = False
    """A person asks to try at once what failed before."""
    may: Callable[[], None] = lambda: None


def deliver(fleet: Fleet, sources: Sources, around: Surroundings, place: Place, tell: Tell) -> Delivery:
    """Apply what is approved, and nothing else. Raises Refused, Stalled or Waiting.

    Changes are applied one after the other as they came onto main, so that each does what was reviewed.
    """
    settings = fleet.settings
    around = at_cluster(settings, around)
    work = work_of(place.work, settings)
    with working(work, settings):
        world = open_world(fleet, around, freeze=tell.freeze)
        world.asked = tell.retry
        trees = trees_of(fleet, around, read_catalog(sources, around))
        bring_to_git(world, trees, outbox_of(place.work.parent, settings.name))

        ground = Ground(
            settings=settings, work=work, environment=around.environment, client=connect(around), clock=around.clock,
            owns=is_managed, program=place.program, cli_config=place.cli_config,
            promotion=promotion_of(world, sources, around),
        )  # fmt: skip

        journal = FileJournal(work / JOURNAL)
        if cordoned(journal):
            asked = _asked_for(read_chain(trees, read_ledger(world.repository, settings)))
            reopen(asked, lambda: live_nodes(sources, around, limits_of(settings, {})), journal, around.clock, tell.say)

        def apply(turn: Turn) -> Applied:
            freed = {one.pool for one in turn.plan.changes if one.action is Action.RELEASE}
            # A plan may name a pool that no tree declares: one that only looks like poolplan's, and is to go.
            names = frozenset().union(*map(_names, turn.trees), (str(one.pool) for one in turn.plan.changes)) - freed
            engine = make_engine(replace(
                ground, owns=lambda pool: pool.name in names, promotion=_caused_by(turn, ground, tell)
            ))
            hands = Hands(
                engine=engine, client=ground.client, clock=around.clock,
                nodes=lambda: live_nodes(sources, around, limits_of(settings, trees.grace_periods(turn.link.before))),
                ready=lambda: _ready_nodes(sources, around),
                report=tell.report, say=tell.say, may=tell.may, journal=journal,
                files=lambda pools: _declaring(pools, turn.link.after, settings),
            )  # fmt: skip
            plan = joined(turn.plans, ground.client.pools()) if turn.earlier else turn.plan
            return apply_plan(plan, owner_of(settings), hands)

        def in_effect(tree: Tree) -> bool:
            goal = Goal(pools=tree.pools or PoolSet(), files=tree.files.inside(POOLS))
            freed = released_names(goal.files.paths())
            engine = make_engine(replace(ground, owns=lambda pool: is_managed(pool) and pool.name not in freed))
            if tree.pools is None or not engine.plan(goal).is_empty:
                return False
            return not any(pool.failed for pool in ground.client.pools() if pool.name in _names(tree))

        return deliver_all(
            world, trees, apply, clock=around.clock, holder=place.holder or machine_name(), in_effect=in_effect
        )  # fmt: skip


def _asked_for(chain: Chain) -> set[str]:
    """The digests of the plans that main still asks to apply: one by one, or the first of them together."""
    plans = [link.step.plan for link in chain.links if link.step.plan is not None]
    return {one.digest for one in (*plans, *(joined(plans[:count]) for count in range(1, len(plans) + 1)))}


def work_of(folder: Path, settings: Settings) -> Path:
    """A cluster's folder below the one for all."""
    return folder / f"{settings.name}-{settings.ovh.kube_id[:8]}"


def working(work: Path, settings: Settings) -> AbstractContextManager[None]:
    """Holds a cluster's folder for this process alone. Raises Waiting while another one works there."""
    return locked(work / "poolplan.lock", f"cluster {settings.name}")


def promotion_of(world: World, sources: Sources, around: Surroundings) -> Promotion:
    """Where a delegate is told what to apply, and where it is looked at."""
    return Promotion(
        repository=world.repository, signer=world.signer, api=cache(lambda: delegates_cluster(sources, around))
    )  # fmt: skip


def delegates_cluster(sources: Sources, around: Surroundings) -> KubernetesApi:
    """The cluster that the delegate's objects are in: the one that the environment names, else the pools' own."""
    named = around.environment.get(DELEGATE_KUBECONFIG, "")
    return connect_cluster(replace(sources, kubeconfig=named, context="") if named else sources, around)


def _caused_by(turn: Turn, ground: Ground, tell: Tell) -> Promotion | None:
    """The same promotion, on this change's account. Whoever applied in place of poolplan before has nothing to follow
    any more.
    """
    if ground.promotion is None:
        return None
    promotion = replace(ground.promotion, cause=Cause(digest=turn.plan.digest, main=turn.link.commit.id))
    if ground.settings.delegate is None and retire(ground.settings, promotion, ground.clock):
        tell.say("emptied the branch that a delegate followed: remove its objects, they delete nothing")
    return promotion


def _declaring(pools: PoolSet, tree: Tree, settings: Settings) -> FileSet:
    """The tree's own files where they declare these pools, else the same with other pools."""
    files = tree.files.inside(POOLS)
    return files if pools == tree.pools else with_pools(files, pools, delegate=settings.delegate)


def _names(tree: Tree) -> frozenset[str]:
    """The pools that a tree declares."""
    return frozenset(tree.pools.names()) if tree.pools else frozenset()


def limits_of(settings: Settings, forced: Mapping[str, int]) -> DrainLimits:
    """How far a drain goes; ``forced`` are the pools' ``terminationGracePeriod``, in seconds."""
    how = settings.draining
    return DrainLimits(timeout=how.timeout, forced=forced, bare=how.bare, at_once=how.at_once)


def _ready_nodes(sources: Sources, around: Surroundings) -> dict[str, bool] | None:
    """The cluster's nodes, and whether each is Ready; None where no cluster is at hand."""
    from gitops.cluster.node_calls import NodeCalls  # noqa: PLC0415 - loads the kubernetes package

    try:
        found = NodeCalls(connect_cluster(sources, around), around.environment).nodes()
    except PoolplanError:
        return None
    return {one.node.name: one.node.ready for one in found}


def live_nodes(sources: Sources, around: Surroundings, limits: DrainLimits) -> LiveNodes:
    """The cluster's nodes. Raises Refused where no cluster is at hand."""
    try:
        return LiveNodes(connect_cluster(sources, around), around.environment, clock=around.clock, limits=limits)
    except Stalled as error:
        reason = str(error).removesuffix("; plan and propose also take files with --snapshot")
        raise Refused("nodes would leave, and no cluster is at hand to see that they are still empty; nothing was "
                      "changed", reasons=(reason,)) from error  # fmt: skip
