"""Applies now, through the API, what a plan adds: permitted, within its limits, written down first, and told after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.apply.carrying import apply_plan
from gitops.apply.shortages import Short
from gitops.emergency.alarm import sound
from gitops.emergency.outbox import DONE, FAILED, Entry
from gitops.emergency.recording import flush
from gitops.emergency.rules import refusals
from gitops.errors import PoolplanError, Refused, Stalled, Waiting
from gitops.git.signing import known_signer
from gitops.loop.drafting import draft_of
from gitops.loop.facts import freeze_of, last_day
from gitops.loop.records import Event
from planner.guardrails import check
from planner.pending import rfc3339
from planner.portion import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gitops.agreement import Owner
    from gitops.apply.hands import Applied, Hands
    from gitops.cluster.permission import Permission
    from gitops.emergency.alarm import Alarm
    from gitops.emergency.outbox import Outbox
    from gitops.loop.ledger import Ledger
    from gitops.loop.trees import Tree, Trees
    from gitops.loop.world import World
    from planner.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody asks for. ``force`` allows removals, and acting in a freeze."""

    plan: Plan
    reason: str
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class Means:
    """What an emergency works with. ``permission`` asks the cluster; it is not called where keys decide."""

    world: World
    trees: Trees
    main: Tree
    ledger: Ledger
    hands: Hands
    owner: Owner
    outbox: Outbox
    alarm: Alarm
    permission: Callable[[], Permission]


def may(asked: Asked, means: Means, now: datetime) -> None:
    """Raises Refused with everything that forbids it."""
    settings = means.trees.settings
    rules = settings.emergency.guardrails
    day = last_day(means.ledger, now, Event.EMERGENCY)
    violations = check(asked.plan, rules, last_day=day, account=means.trees.account())
    freeze = freeze_of(means.world, means.main.commit, settings)
    reasons = refusals(asked.plan, violations, freeze, force=asked.force)
    if reasons:
        raise Refused("this is more than an emergency may do; nothing was changed", reasons=reasons)


def who(asked: Asked, means: Means) -> str:
    """On whose word: the cluster's user, or the key that signs. Raises Refused where that may not be."""
    settings = means.trees.settings
    keys = settings.emergency.signers
    if keys:
        draft = draft_of(asked.plan, Kind.EMERGENCY, means.main, settings)
        commit = means.world.repository.commit(draft, parent=means.main.commit, signer=means.world.signer)
        signer = known_signer(means.world.repository, commit, keys)
        if signer is None:
            raise Refused("an emergency needs a signature here; nothing was changed", reasons=(
                "spec.emergency.signers names keys, and the key of spec.git.signing is none of them",
            ))  # fmt: skip
        return signer
    permission = means.permission()
    if not permission.allowed:
        raise Refused("you may not act in an emergency here; nothing was changed", reasons=(
            f"the cluster lets {permission.user or 'this user'} not create emergencies.poolplan.dev"
            + (f" ({permission.reason})" if permission.reason else ""),
            "a ClusterRole with that rule allows it, or keys in spec.emergency.signers",
        ))  # fmt: skip
    return permission.user or "somebody"


def act(asked: Asked, means: Means, *, by: str) -> Applied:
    """Apply it, whatever becomes of Git and the forge. Raises what the engine raises, once that is written down too."""
    hands = means.hands
    entry = Entry(plan=asked.plan, reason=asked.reason, by=by, at=rfc3339(hands.clock.now()))
    means.outbox.put(entry)
    _let_be(asked.plan, means)
    try:
        applied = apply_plan(asked.plan, means.owner, hands)
    except PoolplanError as error:
        if isinstance(error, Refused) and not error.changed:
            means.outbox.drop(entry)
            raise
        short = error.shortages if isinstance(error, Short) else ()
        _conclude(means, replace(entry, state=FAILED, text=str(error), shortages=short))
        raise
    _conclude(means, replace(entry, state=DONE))
    return applied


def _let_be(plan: Plan, means: Means) -> None:
    """Keep a delegate away, if that can be done; what is needed now does not wait for it."""
    names = tuple(str(one.pool) for one in plan.changes if one.before is not None and one.after is not None)
    try:
        if names:
            means.hands.keeper.let_be(names)
    except PoolplanError as error:
        means.world.remark(f"what applies in place of poolplan may put {', '.join(names)} back: {error}")


def _conclude(means: Means, entry: Entry) -> None:
    means.outbox.put(entry)
    sound(means.alarm, means.trees.settings.name, entry)
    bring_to_git(means.world, means.trees, means.outbox)


def bring_to_git(world: World, trees: Trees, outbox: Outbox) -> None:
    """Record what waits in the outbox; where Git is away it goes on waiting, and that is said."""
    try:
        if outbox.entries():
            world.repository.refresh()
            flush(world, trees, outbox)
    except (Waiting, Stalled) as error:
        world.remark(f"the emergency's record waits here, the next propose or apply brings it to Git: {error}")
