"""Proposals that a person asks for: pools to import, pools to release.

No demand makes them, so what was asked for is kept in the proposal itself: as long as its branch stands, each pass
makes its plan anew, on main and on the provider's pools as they are. Closing it takes the wish back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.loop.drafting import proposal_branch
from gitops.loop.standing import read_standing
from planner.between import Given
from planner.handover import import_plan, import_problem, release_plan
from planner.plan import Action
from planner.portion import HANDOVERS, Kind

if TYPE_CHECKING:
    from gitops.loop.trees import Tree, Trees
    from planner.decide import Inputs
    from planner.plan import Change, Plan
    from planner.pools import Pool

_MAKERS = {Kind.IMPORT: import_plan, Kind.RELEASE: release_plan}


def asked_for(trees: Trees, kind: Kind) -> tuple[Change, ...]:
    """What a standing proposal of a kind is about; nothing where none stands, or it is a person's by now."""
    standing = read_standing(trees, proposal_branch(kind, trees.settings))
    if standing.plan is None or standing.merged or not standing.ours:
        return ()
    return tuple(change for change in standing.plan.changes if HANDOVERS.get(change.action) is kind)


def asked_plans(trees: Trees, main: Tree, inputs: Inputs, *, now: str) -> dict[Kind, Plan]:
    """The plans of what was asked for and can still be done."""
    if main.pools is None or main.policy is None:
        return {}
    given = Given(catalog=inputs.catalog, policy=main.policy, now=now)
    plans = {kind: make(main.pools, asked_pools(trees, kind, inputs), given) for kind, make in _MAKERS.items()}
    return {kind: plan for kind, plan in plans.items() if plan.changes}


def asked_pools(trees: Trees, kind: Kind, inputs: Inputs) -> list[Pool]:
    """The pools of a standing proposal, as the provider has them; as the proposal has them where nobody asked there."""
    changes = asked_for(trees, kind)
    known = {pool.name: pool for pool in inputs.observed if pool.state is not None and pool.state.id}
    if not known:
        return [change.before for change in changes if change.before is not None]
    return [
        known[one.pool] for one in changes
        if one.pool in known and not (one.action is Action.IMPORT and import_problem(known[one.pool]))
    ]  # fmt: skip
