"""One round over one cluster: plan from its main branch and what is there now, and keep the proposals what that asks.

Commands that go once and the controller that goes for ever do the same rounds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.clock import monotonic
from gitops.errors import InputError, Stalled
from gitops.fleet import at_cluster
from gitops.gather import gather
from gitops.loop.drafting import NO_EVIDENCE
from gitops.loop.opening import trees_of
from gitops.loop.proposing import propose
from planner.decide import decide, find_region
from planner.errors import ValueRefused
from planner.resources import Resources

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.evidence.files import Beside
    from gitops.fleet import Fleet
    from gitops.gather import Sources, Surroundings
    from gitops.loop.proposing import Proposed
    from gitops.loop.trees import Trees
    from gitops.loop.world import World
    from planner.decide import Inputs
    from planner.drift import Drift
    from planner.memory import Memory
    from planner.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What a round planned, and what of. ``seconds`` is how long deciding took, without reading what of."""

    around: Surroundings
    inputs: Inputs
    plan: Plan
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Planned(Observed):
    """What a round planned for a cluster of a fleet repository. ``engine`` is what the engine's own state has wrong,
    None where nobody looked.
    """

    fleet: Fleet
    trees: Trees
    engine: tuple[Drift, ...] | None = None


def observe_round(
    sources: Sources, around: Surroundings, *, now: datetime, memory: Memory | None = None
) -> Observed:  # fmt: skip
    """Plan for a cluster that no repository declares: by its own policy, from the pools that it has.

    Raises as ``plan_round`` does.
    """
    inputs = gather(sources, around)
    plan, seconds = _decided(inputs, now, memory)
    return Observed(around=around, inputs=inputs, plan=plan, seconds=seconds)


def plan_round(
    fleet: Fleet, sources: Sources, around: Surroundings, *, now: datetime, memory: Memory | None = None
) -> Planned:  # fmt: skip
    """Plan for a cluster as main has it. Raises InputError, Waiting or Stalled where the inputs cannot be had."""
    around = at_cluster(fleet.settings, around)
    inputs = gather(sources, around, declared=fleet.declared, policy=fleet.policy)
    inputs = _around_lacks(inputs, fleet, around, now)
    plan, seconds = _decided(inputs, now, memory)
    trees = trees_of(fleet, around, inputs.catalog)
    return Planned(fleet=fleet, around=around, trees=trees, inputs=inputs, plan=plan, seconds=seconds)


def _decided(inputs: Inputs, now: datetime, memory: Memory | None) -> tuple[Plan, float]:
    """The plan, and the seconds that it took."""
    began = monotonic()
    try:
        return decide(inputs, now=now, memory=memory), monotonic() - began
    except ValueRefused as error:
        raise InputError(str(error)) from error


def _around_lacks(inputs: Inputs, fleet: Fleet, around: Surroundings, now: datetime) -> Inputs:
    """The inputs with what the cloud lacks by the ledger taken out of the catalog: the plan leads around it.

    Where quota was lacking, the plan keeps within what is left of it now, as far as that can be told.
    """
    from gitops.apply.shortages import Lack, without  # noqa: PLC0415 - loaded with the loop
    from gitops.loop.ledger import read_ledger  # noqa: PLC0415 - likewise
    from gitops.loop.retries import unavailable  # noqa: PLC0415 - likewise

    lacking = unavailable(read_ledger(fleet.repository, fleet.settings), now)
    if not lacking:
        return inputs
    try:
        region = find_region(inputs)
    except ValueRefused as error:
        raise InputError(str(error)) from error
    quota = _quota(around, region.name) if any(one.kind is Lack.QUOTA for one in lacking) else None
    catalog = without(inputs.catalog, region, lacking, quota_known=quota is not None)
    return replace(inputs, catalog=catalog, quota=quota)


def _quota(around: Surroundings, region: str) -> Resources | None:
    """What the project may still have in a region; None where that cannot be told."""
    from gitops.gather import connect, has_credentials  # noqa: PLC0415 - loads the ovh package

    if not has_credentials(around.environment):
        return None
    try:
        left = connect(around).quota(region).left
    except Stalled as error:
        around.remark(f"the quota cannot be looked at: {error}")
        return None
    return Resources.of(left) if left is not None else None


def propose_round(planned: Planned, world: World, *, now: datetime, keep_evidence: bool = False) -> Proposed:
    """Let the cluster's proposals be what the plan asks for. Raises Waiting, Stalled."""
    evidence = _evidence(planned, now) if keep_evidence else NO_EVIDENCE
    world.engine[planned.fleet.settings.name] = planned.engine
    return propose(world, planned.trees, planned.plan, planned.inputs, now=now, evidence=evidence)


def told(proposed: Proposed) -> list[str]:
    """What became of the proposals, a line each; where nothing is to be done at all, one line."""
    from gitops.loop.steps import Step  # noqa: PLC0415 - loaded with the loop

    lines = [str(one) for one in proposed.done if one.step is not Step.REST or one.reason != "nothing to do"]
    return [*(lines or ["nothing to propose"]), *map(str, proposed.answers)]


def _evidence(planned: Planned, now: datetime) -> Beside:
    from gitops.evidence.files import beside_plan  # noqa: PLC0415 - only when asked for

    beside = beside_plan(planned.inputs, now=now)
    if beside.note:
        planned.around.remark(beside.note)
    return beside
