"""Makes room for a second try: an empty pool that this very plan made, and that OVHcloud could not fill, is deleted.

OVHcloud leaves a pool behind whose nodes it cannot make (ERROR, USER_QUOTA_ERROR), and its name is taken by it. It is
deleted once for each plan; where it fails again, a person must act first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.apply.journal import DONE, noted
from gitops.apply.steps import Act, Step
from gitops.engines.ovh_calls import delete_pool
from gitops.engines.ovh_waiting import FAILED, gone
from gitops.errors import Stalled
from planner.diff import changed_fields
from planner.plan import Action
from renderer.text import count

if TYPE_CHECKING:
    from gitops.apply.hands import Hands
    from gitops.apply.journal import Journal
    from planner.plan import Change, Plan
    from planner.pools import Pool


def heal(plan: Plan, hands: Hands) -> None:
    """Delete what an earlier try of this plan left failed and empty. Raises Stalled where that was done already.

    Nothing is asked of the provider unless this machine tried the plan before.
    """
    tried = _pools(hands.journal, plan, Act.GROW)
    if not tried:
        return
    observed = hands.client.pools()
    for change in plan.changes:
        pool = observed.get(change.pool)
        if pool is not None and change.pool in tried and _is_left_failed(change, pool):
            _heal(plan, pool, hands)


def _is_left_failed(change: Change, pool: Pool) -> bool:
    if change.action is not Action.CREATE or change.after is None or changed_fields(change.after, pool):
        return False
    return pool.state is not None and pool.state.status in FAILED


def _heal(plan: Plan, pool: Pool, hands: Hands) -> None:
    assert pool.state is not None, "only observed pools fail"  # noqa: S101 - for the type checker
    machines = [node for node in hands.client.nodes(pool.state.id) if node.instance_id and not node.leaving]
    if machines:
        hands.say(f"{pool.name} is in state {pool.state.status} and has {count(len(machines), 'node')}, so it is kept")
        return
    if pool.name in _pools(hands.journal, plan, Act.HEAL, state=DONE):
        raise Stalled(
            f"pool {pool.name} is in state {pool.state.status} again, after it was deleted and made anew once; see "
            "what OVHcloud says of it (quota, stock), then delete it there and apply again, or plan anew"
        )
    hands.say(f"{pool.name} was left in state {pool.state.status} without a node: deleting it to make it anew")
    with noted(hands.journal, hands.clock, plan.digest, Step(Act.HEAL, (str(pool.name),))):
        delete_pool(hands.client, pool, hands.clock)
        gone(hands.client, pool.name, hands.clock)


def _pools(journal: Journal, plan: Plan, act: Act, *, state: str = "") -> set[str]:
    """The pools of this plan's steps of one kind that are in the journal, in this state if one is named."""
    return {
        name for entry in journal.entries() if entry.digest == plan.digest and entry.step.act is act
        and state in ("", entry.state) for name in entry.step.pools
    }  # fmt: skip
