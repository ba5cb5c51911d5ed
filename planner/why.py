"""Reasons for people: what drives a change, why this flavor, and what the next best costs. Nothing decides on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.nextbest import Estimate, next_best
from planner.plan import Reason
from planner.quantity import round_money
from planner.resources import CPU, MEMORY, describe_amount

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from planner.problem import Opened, Problem
    from planner.removal import Victim

    Estimator = Callable[[Sequence[Opened], Problem], Estimate | None]


def scale_up_reasons(
    opened: Sequence[Opened], problem: Problem, *, estimate: Estimator = next_best
) -> tuple[Reason, ...]:
    """Why a pool grows by these nodes; empty where it does not grow.

    ``estimate`` says what the pods would need without the pool's flavor. It is asked once a pool, so it must be quick.
    """
    if not opened:
        return ()
    pods = sum(len(one.pods) for one in opened)
    verb = "pod waits" if pods == 1 else "pods wait"
    waiting = Reason("demand", f"{pods} {verb} for a node")
    return (waiting, _flavor_reason(opened, problem, estimate), _figures_reason(opened))


def removal_reasons(victims: Sequence[Victim]) -> tuple[Reason, ...]:
    """Why nodes leave a pool, one reason each."""
    return tuple(Reason("empty", victim.text) for victim in victims)


def _flavor_reason(opened: Sequence[Opened], problem: Problem, estimate: Estimator) -> Reason:
    flavor = opened[0].candidate.flavor.name
    price = sum(one.candidate.hourly for one in opened)
    chosen = f"{len(opened)} × {flavor} at {round_money(price, decimals=4)} {problem.currency}/h"
    other = estimate(opened, problem)
    if other is None:
        return Reason("only-flavor", f"{chosen}: no other flavor holds these pods within the policy and its limits")
    listed = " + ".join(f"{count} × {name}" for name, count in other.flavors)
    least = other.hourly
    cost = round_money(least, decimals=4)
    mine = opened[0].candidate.node_pool
    if least < price and any(one.node_pool.weight < mine.weight for one, _ in other.nodes):
        aside = f"by price alone, {listed} at {cost} {problem.currency}/h"
        return Reason("heaviest", f"{chosen}: NodePool {mine.name} is asked first, by its weight; {aside}")
    if least < price:
        aside = f"alone, {listed} at {cost} {problem.currency}/h"
        return Reason("cheapest-together", f"{chosen}: cheapest with the other pools; {aside}")
    return Reason("cheapest", f"{chosen} is the cheapest found; next best: {listed} at {cost} {problem.currency}/h")


def _figures_reason(opened: Sequence[Opened]) -> Reason:
    one = opened[0].candidate
    cpu, memory = (describe_amount(name, one.free.get(name)) for name in (CPU, MEMORY))
    source = "by OVHcloud's published reserve" if one.figures.source == "formula" else f"as {one.figures.source} shows"
    return Reason("allocatable", f"a {one.flavor.name} gives these pods {cpu} cpu and {memory} memory, {source}")
