"""Reasons for people: what drives a change, why this flavor, and what the next best costs. Nothing decides on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from planner.demand import Demand
from planner.ledger import ENOUGH, Ledger
from planner.plan import Reason
from planner.quantity import round_money
from planner.resources import CPU, MEMORY, describe_amount
from planner.solve import Problem, Solution, solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.removal import Victim
    from planner.solve import Opened




def scale_up_reasons(opened: Sequence[Opened], problem: Problem) -> tuple[Reason, ...]:
    """Why a pool grows by these nodes; empty where it does not grow."""
    if not opened:
        return ()
    pods = sum(len(one.pods) for one in opened)
    verb = "pod waits" if pods == 1 else "pods wait"
    return (Reason("demand", f"{pods} {verb} for a node"), _flavor_reason(opened, problem), _figures_reason(opened))


def removal_reasons(victims: Sequence[Victim]) -> tuple[Reason, ...]:
    """Why nodes leave a pool, one reason each."""
    return tuple(Reason("empty", victim.text) for victim in victims)


def _flavor_reason(opened: Sequence[Opened], problem: Problem) -> Reason:
    flavor = opened[0].candidate.flavor.name
    price = sum(one.candidate.hourly for one in opened)
    chosen = f"{len(opened)} × {flavor} at {round_money(price, decimals=4)} {problem.currency}/h"
    other = _without(flavor, opened, problem)
    if other is None:
        return Reason("only-flavor", f"{chosen}: no other flavor holds these pods within the policy and its limits")
    kinds = Counter(one.candidate.flavor.name for one in other.opened)
    listed = " + ".join(f"{count} × {name}" for name, count in sorted(kinds.items()))
    least = sum(one.candidate.hourly for one in other.opened)
    cost = round_money(least, decimals=4)
    mine = opened[0].candidate.node_pool
    if least < price and any(one.candidate.node_pool.weight < mine.weight for one in other.opened):
        aside = f"by price alone, {listed} at {cost} {problem.currency}/h"
        return Reason("heaviest", f"{chosen}: NodePool {mine.name} is asked first, by its weight; {aside}")
    if least < price:
        aside = f"alone, {listed} at {cost} {problem.currency}/h"
        return Reason("cheapest-together", f"{chosen}: cheapest with the other pools; {aside}")
    return Reason("cheapest", f"{chosen} is the cheapest found; next best: {listed} at {cost} {problem.currency}/h")


def _without(flavor: str, opened: Sequence[Opened], problem: Problem) -> Solution | None:
    """The same pods on new nodes of other flavors, or None where they do not fit."""
    pods = frozenset(pod for one in opened for pod in one.pods)
    zones = frozenset(one.candidate.zone for one in opened)
    groups = tuple(
        replace(group, pods=mine)
        for group in problem.demand.groups
        if (mine := tuple(pod for pod in group.pods if pod in pods))
    )
    others = [one for one in problem.candidates if one.flavor.name != flavor and one.zone in zones]
    found = solve(Problem(
        demand=Demand(groups), snapshot=replace(problem.snapshot, pods=(), nodes=()), bins=(), candidates=others,
        ledger=Ledger(ENOUGH, ENOUGH), certify=False,
    ))  # fmt: skip
    return None if found.unplaced or not found.opened else found


def _figures_reason(opened: Sequence[Opened]) -> Reason:
    one = opened[0].candidate
    cpu, memory = (describe_amount(name, one.free.get(name)) for name in (CPU, MEMORY))
    source = "by OVHcloud's published reserve" if one.figures.source == "formula" else f"as {one.figures.source} shows"
    return Reason("allocatable", f"a {one.flavor.name} gives these pods {cpu} cpu and {memory} memory, {source}")
