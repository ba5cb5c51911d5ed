"""One emergency put together: what is there, what it takes, who may, and what becomes of it in Git and on the forge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gitops.apply.hands import Hands
from gitops.apply.journal import FileJournal
from gitops.delivery import JOURNAL, WORK, limits_of, live_nodes, promotion_of, work_of, working
from gitops.emergency.alarm import Alarm
from gitops.emergency.carrying import Asked, Means, act, may, who
from gitops.emergency.outbox import outbox_of
from gitops.emergency.rules import growth, overdue, urgent, what_is_there
from gitops.engines.making import Ground, make_engine, owner_of
from gitops.errors import PoolplanError, Refused
from gitops.fleet import at_cluster, open_fleet, read_fleet
from gitops.gather import connect, connect_cluster, gather
from gitops.loop.emergencies import pools_of, unsettled
from gitops.loop.ledger import read_ledger
from gitops.loop.opening import open_world, trees_of
from gitops.rounds import plan_round, propose_round
from gitops.settings import Engine
from planner.decide import decide
from planner.portion import Kind
from renderer.layout import POOLS
from renderer.summary import summarize
from renderer.terminal import plan_view
from renderer.text import count
from renderer.tree import with_pools

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from gitops.apply.hands import Applied
    from gitops.fleet import Fleet
    from gitops.gather import Sources, Surroundings
    from gitops.loop.trees import Trees
    from gitops.loop.world import World
    from gitops.rounds import Planned
    from gitops.settings import Settings
    from planner.decide import Inputs
    from planner.plan import Plan

ITSELF = "poolplan itself (spec.emergency.automatic)"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody asks for, as they wrote it."""

    repo: str
    cluster: str
    reason: str
    now: datetime
    sources: Callable[[Settings], Sources]
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it: the plan for people, and one sentence. ``applied`` None: nothing was."""

    view: str
    verdict: str
    applied: Applied | None = None


def emergency(wish: Wish, around: Surroundings, state: Path) -> Outcome:
    """Apply what the pods need now. Raises Refused where that may not be, and what the engine raises."""
    fleet = open_fleet(wish.repo, wish.cluster, around, cache=state / "git", or_as_it_was=True)
    sources, around = wish.sources(fleet.settings), at_cluster(fleet.settings, around)
    inputs = gather(sources, around, declared=fleet.declared, policy=fleet.policy)
    work = work_of(state / WORK, fleet.settings)
    with working(work, fleet.settings):
        world, trees = open_world(fleet, around), trees_of(fleet, around, inputs.catalog)
        means = means_of(fleet, world, trees, sources, around, state)
        started = starting_from(inputs, means)
        asked = _asked(decide(started, now=wish.now), wish)
        if asked is None:
            return Outcome(view="", verdict="Nothing to do: the plan adds no node.")
        view = plan_view(summarize(asked.plan), cluster=fleet.settings.name)
        may(asked, means, wish.now)
        by = who(asked, means)
        if wish.dry_run:
            return Outcome(view=view, verdict=f"{by} may do this. Nothing was changed.")
        applied = act(asked, means, by=by)
    told = _propose(fleet, world, sources, around, wish.now)
    return Outcome(view=view, verdict=told, applied=applied)


def act_by_itself(
    planned: Planned, world: World, sources: Sources, state: Path, *, now: datetime,
    allowed: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Apply what has waited too long for people, where cluster.yaml allows that.

    What was applied is told, and so is why not: nothing is raised. ``allowed`` is asked before anything is done and
    before each step, and raises where this process may have no effect.
    """
    around, name = planned.around, planned.fleet.settings.name
    try:
        applied = _overdue(planned, world, sources, state, now=now, allowed=allowed)
    except PoolplanError as error:
        reasons = error.reasons if isinstance(error, Refused) else ()
        around.remark("; ".join((f"{name}: no emergency: {error}", *reasons)))
        return
    if applied is not None:
        what = f"{count(applied.changed, 'pool')} changed"
        around.remark(f"{name}: applied without review, as spec.emergency.automatic says: {what}")


def _overdue(
    planned: Planned, world: World, sources: Sources, state: Path, *, now: datetime, allowed: Callable[[], None]
) -> Applied | None:  # fmt: skip
    """None where nothing has waited too long. Raises Refused where it is more than an emergency may do, and what the
    engine raises."""
    fleet, around, trees = planned.fleet, planned.around, planned.trees
    automatic = fleet.settings.emergency.automatic
    if automatic is None:
        return None
    reason = overdue(read_ledger(world.repository, fleet.settings), automatic, now)
    if not reason:
        return None
    allowed()
    with working(work_of(state / WORK, fleet.settings), fleet.settings):
        means = means_of(fleet, world, trees, sources, around, state)
        means = replace(means, hands=replace(means.hands, may=allowed))
        part = urgent(decide(starting_from(planned.inputs, means), now=now), automatic)
        if part is None:
            return None
        asked = Asked(plan=part, reason=reason)
        may(asked, means, now)
        return act(asked, means, by=ITSELF)


def means_of(
    fleet: Fleet, world: World, trees: Trees, sources: Sources, around: Surroundings, state: Path
) -> Means:  # fmt: skip
    """Everything an emergency works with, whatever the cluster's own engine is: it goes through the API."""
    settings = fleet.settings
    work, client = work_of(state / WORK, settings), connect(around)
    main = trees.at(fleet.main)
    names = {*fleet.declared.names()}
    engine = make_engine(Ground(
        settings=replace(settings, engine=Engine.OVH_API, delegate=None), work=work, environment=around.environment,
        client=client, clock=around.clock, owns=lambda pool: pool.name in names,
    ))  # fmt: skip
    usual = make_engine(Ground(
        settings=settings, work=work, environment=around.environment, client=client, clock=around.clock,
        owns=lambda pool: pool.name in names, promotion=promotion_of(world, sources, around),
    )) if settings.delegate else None  # fmt: skip
    hands = Hands(
        engine=engine, client=client, clock=around.clock,
        nodes=lambda: live_nodes(sources, around, limits_of(settings, trees.grace_periods(main))),
        files=lambda pools: with_pools(main.files.inside(POOLS), pools), say=around.remark,
        report=lambda one: around.remark(str(one)),
        journal=FileJournal(work / JOURNAL), usual=usual,
    )  # fmt: skip
    return Means(
        world=world, trees=trees, main=main, ledger=read_ledger(world.repository, settings), hands=hands,
        owner=owner_of(settings), outbox=outbox_of(state, settings.name),
        alarm=Alarm(
            cluster=lambda: connect_cluster(sources, around), remark=around.remark,
            address=around.environment.get(settings.emergency.notify, ""),
        ),
        permission=lambda: _permission(sources, around, settings.name),
    )  # fmt: skip


def starting_from(inputs: Inputs, means: Means) -> Inputs:
    """The inputs, with the pools declared that are really there: what was changed by hand is no reason to wait now."""
    made = pools_of(means.trees, unsettled(means.ledger))
    return replace(inputs, declared=what_is_there(inputs.declared, inputs.observed, made=made))


def _asked(plan: Plan, wish: Wish) -> Asked | None:
    part = plan if wish.force else growth(plan)
    if part is None or not part.changes:
        return None
    return Asked(plan=part, reason=wish.reason, force=wish.force)


def _permission(sources: Sources, around: Surroundings, name: str) -> Any:
    from gitops.cluster.permission import may_act  # noqa: PLC0415 - only where RBAC decides

    return may_act(connect_cluster(sources, around), name)


def _propose(fleet: Fleet, world: World, sources: Sources, around: Surroundings, now: datetime) -> str:
    """Open the proposal at once where Git and forge are there. The emergency is done: what fails is only said."""
    try:
        world.repository.refresh()
        world.look_again()
        again = read_fleet(fleet.repository, fleet.settings.name, around)
        proposed = propose_round(plan_round(again, sources, around, now=now), world, now=now)
    except PoolplanError as error:
        around.remark(f"its proposal is opened by the next propose: {error}")
        return "Its proposal waits."
    mine = [str(one) for one in proposed.done if one.kind == Kind.EMERGENCY.value]
    return "; ".join(mine) or "Its proposal waits."
