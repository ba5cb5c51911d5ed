"""Carries an approved plan out: agreement on the whole first, then step by step.

The order makes every kill harmless: what is in effect already is seen as such on the next try. A step that cannot be
done ends the apply; what was done before it stands, is as it was approved, and the next plan starts from there.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gitops.agreement import disagreements
from gitops.apply.arriving import await_arrival, explained
from gitops.apply.hands import Applied, Hands
from gitops.apply.healing import heal
from gitops.apply.journal import interrupted, noted
from gitops.apply.preconditions import losing, other_nodes, still_there
from gitops.apply.reopening import uncordon
from gitops.apply.shortages import Short
from gitops.apply.steps import Act, growth, lessens, steps_of
from gitops.apply.supply import supply_for
from gitops.apply.untracked import names_untracked, untracked
from gitops.apply.waiting import wait_until_ready
from gitops.engines.base import Goal
from gitops.engines.ovh_calls import patiently
from gitops.errors import PoolplanError, Refused, Stalled
from planner.drift import as_observed, differences, find_drift
from planner.pools import PoolSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gitops.agreement import Owner
    from gitops.apply.steps import Step
    from gitops.cluster.node_hands import Nodes
    from gitops.engines.base import EnginePlan
    from planner.drift import Drift
    from planner.plan import Plan

NOTHING = "nothing was changed"


@dataclass(kw_only=True)
class _Work:
    """One apply under way. ``agreed`` is the engine's plan for the whole, as long as nothing was changed since."""

    plan: Plan
    owner: Owner
    hands: Hands
    agreed: EnginePlan | None = None
    leaving: tuple[str, ...] = ()
    changed: int = 0
    orders: bool = True
    removed: list[str] = field(default_factory=list)
    drift: tuple[Drift, ...] = ()

    @property
    def so_far(self) -> str:
        """What was changed by now, for a refusal to say."""
        if self.removed:
            return f"removed so far: {', '.join(self.removed)}"
        were = "1 pool was" if self.changed == 1 else f"{self.changed} pools were"
        return f"{were} changed before" if self.changed else NOTHING


def apply_plan(plan: Plan, owner: Owner, hands: Hands) -> Applied:
    """Carry out exactly this plan. Raises Refused, with every reason, before anything is changed that was not approved.

    After the agreement on the whole, each step asks again for what it needs. Pools that the plan does not name stay as
    the provider has them, whatever Git says of them: that is drift, and settled by a proposal of its own.
    """
    work = _Work(plan=_of_its_own(plan, hands.client.pools()), owner=owner, hands=hands)
    if plan.adopts:
        return _taken(work)
    with _uncordoning(work):
        return _stepwise(work)


def _stepwise(work: _Work) -> Applied:
    plan, hands = work.plan, work.hands
    if (step := interrupted(hands.journal, plan.digest)) is not None:
        hands.say(f"going on with an apply that came to no end at: {step}")
    heal(plan, hands)
    _adopt(work)
    work.agreed = _agreed(work, plan, work.agreed)
    work.leaving = _leaving(work)
    steps = steps_of(plan)
    if work.leaving and not any(step.act is Act.GROW for step in steps):  # what grows does not wait for what leaves
        _refuse_in_use(work, _nodes(work), work.leaving, f"{NOTHING}, plan again")
    try:
        for step in steps:
            hands.may()
            with noted(hands.journal, hands.clock, plan.digest, step):
                _ACTS[step.act](work, step)
    except PoolplanError as error:
        told = explained(error, plan, hands)
        if isinstance(told, Short):
            told.fresh = work.orders
        elif isinstance(told, Refused):
            told.changed |= bool(work.changed or work.removed)
        if told is error:
            raise
        raise told from error
    return Applied(changed=work.changed, removed=work.leaving, drift=work.drift)


def _taken(work: _Work) -> Applied:
    """Git says now what the provider has. Nothing changes there, but for the branch that a delegate follows."""
    planned = _planned(work, work.plan)
    if planned.promotes and planned.is_empty:
        work.hands.engine.apply(planned, work.hands.report)
    _verify(work, steps_of(work.plan)[-1])
    return Applied(changed=0, drift=work.drift)


def _adopt(work: _Work) -> None:
    """Let the engine keep track of pools of the plan that are there; it would make them again, or leave them."""
    engine_plan = work.agreed = _planned(work, work.plan)
    if not names_untracked(work.plan, engine_plan):
        return
    pools, reasons = untracked(work.plan, engine_plan, work.hands.client.pools())
    if reasons:
        raise Refused(f"pools are not as the plan found them; {NOTHING}, plan again", reasons=reasons)
    if len(pools):
        names = ", ".join(pool.name for pool in pools)
        work.hands.say(f"{work.hands.engine.name} does not keep track of {names}, which is there: taking it up")
        work.hands.engine.adopt(pools, work.owner)
        work.agreed = None


def _planned(work: _Work, plan: Plan) -> EnginePlan:
    return work.hands.engine.plan(Goal(pools=plan.desired, files=work.hands.files(plan.desired)))


def _of_its_own(plan: Plan, observed: PoolSet) -> Plan:
    """The plan with every pool that it does not change as it is observed; its changes, and so its digest, are the same.
    """
    named = {change.pool for change in plan.changes}
    return replace(plan, desired=as_observed(plan.desired, observed, plan.desired.names() - named))


def _agreed(work: _Work, plan: Plan, planned: EnginePlan | None = None) -> EnginePlan:
    """The engine's plan for this part, once it does exactly that part."""
    engine, engine_plan = work.hands.engine, planned or _planned(work, plan)
    found = disagreements(plan, engine_plan, owner=work.owner, engine=engine.name)
    if found:
        raise Refused(
            f"{engine.name} would not do exactly what was approved; {work.so_far}",
            reasons=(*map(str, found), "what to do: set back what was changed outside, or plan, review and merge anew"),
        )
    return engine_plan


def _leaving(work: _Work) -> tuple[str, ...]:
    """The victims that are still there. Raises Refused where further nodes would go, or other ones."""
    client, names = work.hands.client, losing(work.plan)
    if not names:
        return ()
    observed = client.pools()
    nodes = {
        str(pool.name): [node.name for node in client.nodes(pool.state.id) if not node.leaving]
        for pool in observed if pool.name in names and pool.state is not None
    }  # fmt: skip
    reasons = other_nodes(work.plan, observed, nodes)
    if reasons:
        raise Refused(f"the nodes are not as the plan found them; {work.so_far}, plan again", reasons=reasons)
    return still_there(work.plan, nodes)


def _nodes(work: _Work) -> Nodes:
    return work.hands.nodes()


def _refuse_in_use(work: _Work, nodes: Nodes, names: Sequence[str], remedy: str) -> None:
    """Victims that the plan found empty have to be empty; others are drained."""
    drained = {node for change in work.plan.changes if change.drains for node in change.victims}
    occupied = nodes.occupied([name for name in names if name not in drained])
    if occupied:
        reasons = tuple(f"{name} holds pods that would be evicted" for name in occupied)
        raise Refused(f"nodes that the plan removes are in use now; {remedy}", reasons=reasons)


def _grow(work: _Work, _: Step) -> None:
    """What grows, while what leaves is still there; where nothing leaves, this is the whole plan.

    What the cloud cannot give is left out: it keeps nothing else from being ordered.
    """
    supply = supply_for(work.plan, work.hands)
    work.orders = supply.orders
    if not supply.lacking and not any(lessens(change) for change in work.plan.changes):
        _settle(work, _)
        return
    lacking = frozenset(one.pool for one in supply.lacking)
    first = growth(work.plan, work.hands.client.pools(), without=lacking)
    if first.changes or not lacking:
        _carry_out(work, _agreed(work, first))
    if lacking:
        raise Short(f"the cloud cannot give all that the plan orders; {work.so_far}", supply.lacking)


def _settle(work: _Work, _: Step) -> None:
    """All that is left, as far as the engine sees it."""
    _refuse_others(work)
    _refuse_filled(work, [node for one in work.plan.changes if one.after is None for node in one.victims])
    _carry_out(work, work.agreed or _agreed(work, work.plan))


def _refuse_others(work: _Work) -> None:
    """An engine lowers a size as far as it is approved: nobody may have raised it again since the named nodes left."""
    _leaving(work)
    lessening = {one.pool: one.after for one in work.plan.changes if one.victims and one.after is not None}
    reasons = tuple(
        f"{pool.name} is to have {wanted.desired} nodes, and is ordered with {pool.desired}"
        for pool in (work.hands.client.pools() if lessening else ())
        if (wanted := lessening.get(pool.name)) is not None and pool.desired > wanted.desired
    )  # fmt: skip
    if reasons:
        raise Refused(f"pools were made larger again; {work.so_far}, plan again", reasons=reasons)


def _carry_out(work: _Work, engine_plan: EnginePlan) -> None:
    work.agreed = None
    if engine_plan.is_empty and not engine_plan.promotes:
        return
    result = work.hands.engine.apply(engine_plan, work.hands.report)
    work.changed += result.added + result.changed + result.removed


def _wait(work: _Work, step: Step) -> None:
    await_arrival(step.pools, work.hands)


def _cordon(work: _Work, _: Step) -> None:
    """Let nothing new onto the victims, and make sure that those which were empty still are."""
    if not work.leaving:
        return
    nodes = _nodes(work)
    nodes.cordon(work.leaving, mark=work.plan.digest)
    work.hands.say(f"cordoned {', '.join(work.leaving)}")
    _refuse_in_use(work, nodes, work.leaving, f"{work.so_far}, plan again")


def _drain(work: _Work, step: Step) -> None:
    _empty(work, step.nodes, work.hands.say)


def _empty(work: _Work, names: Sequence[str], say: Callable[[str], None]) -> None:
    """Evict what may be evicted on those of these nodes that are still there."""
    drained = {node for change in work.plan.changes if change.drains for node in change.victims}
    left = [name for name in work.leaving if name in drained and name in names]
    if left and (result := _nodes(work).drain(left, say)).blocked:
        raise Refused(f"not every node could be drained; {work.so_far}, plan again",
                      reasons=tuple(map(str, result.blocked)))  # fmt: skip


def _refuse_filled(work: _Work, names: Sequence[str]) -> None:
    """Just before nodes go for good: somebody may have opened them since, or pods may have come by another way."""
    left = [name for name in work.leaving if name in names]
    if left:
        _empty(work, left, lambda _: None)
        _refuse_in_use(work, _nodes(work), left, f"{work.so_far}, plan again")


@contextmanager
def _uncordoning(work: _Work) -> Iterator[None]:
    """Where the plan is refused, or a person must act first, the nodes that were cordoned for it take pods again: by
    this process, or by one that was killed."""
    try:
        yield
    except (Refused, Stalled):
        with suppress(PoolplanError):  # what is told is why it was not done
            if any(one.victims for one in work.plan.changes):
                uncordon(work.plan.digest, work.hands.nodes, work.hands.journal, work.hands.clock)
        raise


def _remove(work: _Work, step: Step) -> None:
    """Take the victims out of a pool that stays, by name: no engine can do that."""
    from gitops.ovh.removal import remove_victims  # noqa: PLC0415 - loads the ovh package

    client, [name] = work.hands.client, step.pools
    change = next(one for one in work.plan.changes if one.pool == name)
    pool = client.pools().get(name)
    if pool is None or pool.state is None:
        raise Refused(f"pool {name} is not there any more; plan again")
    assert change.after is not None, "a pool that stays has a size"  # noqa: S101 - for the type checker
    if set(change.victims) & set(work.leaving):
        work.hands.keeper.stand_back(_shrinking(work.plan))
        work.agreed = None
    _refuse_filled(work, step.nodes)
    desired, pool_id = change.after.desired, pool.state.id
    # It looks at the nodes each time, so what took effect without an answer is not asked for again.
    sent = patiently(lambda: remove_victims(client, pool_id, change.victims, desired=desired), work.hands.clock)
    if sent:
        work.agreed = None
        work.removed += change.victims
        work.hands.say(f"{name}: removing {', '.join(change.victims)}")
    wait_until_ready(client, pool_id, work.hands.clock)


def _shrinking(plan: Plan) -> tuple[str, ...]:
    """The pools that nodes are taken out of, and that stay."""
    return tuple(str(one.pool) for one in plan.changes if one.after is not None and one.victims)


def _verify(work: _Work, step: Step) -> None:
    """What the provider has now against what the plan wanted, for the pools that the plan changed."""
    declared = PoolSet.of(pool for pool in work.plan.desired if pool.name in step.pools)
    observed = PoolSet.of(pool for pool in work.hands.client.pools() if pool.name in step.pools)
    work.drift = differences(find_drift(declared, observed))


_ACTS: dict[Act, Callable[[_Work, Step], None]] = {
    Act.GROW: _grow, Act.WAIT: _wait, Act.CORDON: _cordon, Act.DRAIN: _drain, Act.REMOVE: _remove,
    Act.SETTLE: _settle, Act.VERIFY: _verify,
}  # fmt: skip
