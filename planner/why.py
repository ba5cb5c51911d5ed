"""Reasons for people: what drives a change, why this flavor, and what the next best costs. Nothing decides on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.aims import Preferences
from planner.candidates import preference_ranks
from planner.nextbest import Estimate, next_best
from planner.plan import Reason
from planner.quantity import round_money
from planner.resources import CPU, MEMORY, describe_amount
from planner.whyzones import PREFERRED_ZONE, some, zone_reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from planner.candidates import Candidate
    from planner.demand import PodGroup
    from planner.problem import Opened, Problem
    from planner.removal import Victim

    Estimator = Callable[[Sequence[Opened], Problem], Estimate | None]

HEAVIEST, PREFERRED = "heaviest", "preferred"
CHOOSY = frozenset({HEAVIEST, PREFERRED, PREFERRED_ZONE})
"""The codes of reasons by which nodes were chosen that are not the cheapest for their pods."""


def scale_up_reasons(
    opened: Sequence[Opened], problem: Problem, *, estimate: Estimator = next_best
) -> tuple[Reason, ...]:
    """Why a pool grows by these nodes; empty where it does not grow.

    A node without pods is there for other orders of arrival than the one that the plan shows.
    ``estimate`` says what the pods would need without the pool's flavor. It is asked once a pool, so it must be quick.
    """
    if not opened:
        return ()
    used = [one for one in opened if one.pods]
    spare = [one for one in opened if not one.pods]
    reserve = (_reserve_reason(spare, problem),) if spare else ()
    if not used:
        return (*reserve, _figures_reason(spare))
    pods = sum(len(one.pods) for one in used)
    verb = "pod waits" if pods == 1 else "pods wait"
    waiting = Reason("demand", f"{pods} {verb} for a node")
    groups = _groups(used, problem)
    zones = zone_reasons(sorted({one.candidate.zone for one in used}), groups, problem.aims.preferences)
    return (waiting, *zones, _flavor_reason(used, groups, problem, estimate), _figures_reason(used), *reserve)


def _groups(opened: Sequence[Opened], problem: Problem) -> list[PodGroup]:
    """Whose pods are on some nodes."""
    pods = {pod for one in opened for pod in one.pods}
    return [group for group in problem.demand.groups if not pods.isdisjoint(group.pods)]


def removal_reasons(victims: Sequence[Victim]) -> tuple[Reason, ...]:
    """Why nodes leave a pool, one reason each."""
    return tuple(Reason("empty", victim.text) for victim in victims)


def _reserve_reason(spare: Sequence[Opened], problem: Problem) -> Reason:
    verb = "is" if len(spare) == 1 else "are"
    purpose = "kept so that pods find room in whatever order they come"
    return Reason("reserve", f"{_chosen(spare, problem)} {verb} {purpose}")


def _chosen(opened: Sequence[Opened], problem: Problem) -> str:
    price = sum(one.candidate.hourly for one in opened)
    flavor = opened[0].candidate.flavor.name
    return f"{len(opened)} × {flavor} at {round_money(price, decimals=4)} {problem.currency}/h"


def _flavor_reason(
    opened: Sequence[Opened], groups: Sequence[PodGroup], problem: Problem, estimate: Estimator
) -> Reason:  # fmt: skip
    price, chosen = sum(one.candidate.hourly for one in opened), _chosen(opened, problem)
    other = estimate(opened, problem)
    if other is None:
        return Reason("only-flavor", f"{chosen}: no other flavor holds these pods within the policy and its limits")
    listed = " + ".join(f"{count} × {name}" for name, count in other.flavors)
    least = other.hourly
    cost = round_money(least, decimals=4)
    mine = opened[0].candidate.node_pool
    if least < price and any(one.node_pool.weight < mine.weight for one, _ in other.nodes):
        aside = f"by price alone, {listed} at {cost} {problem.currency}/h"
        return Reason(HEAVIEST, f"{chosen}: NodePool {mine.name} is asked first, by its weight; {aside}")
    if least < price and (choosy := _choosy(opened[0].candidate, groups, other, problem)):
        aside = f"by price alone, {listed} at {cost} {problem.currency}/h"
        return Reason(PREFERRED, f"{chosen}: {some(choosy)} would rather be on it; {aside}")
    if least < price:
        aside = f"for these alone, {listed} at {cost} {problem.currency}/h"
        together = "cheapest found for all pods together, in whatever order they come"
        return Reason("cheapest-together", f"{chosen}: {together}; {aside}")
    return Reason("cheapest", f"{chosen} is the cheapest found; next best: {listed} at {cost} {problem.currency}/h")


def _choosy(mine: Candidate, groups: Iterable[PodGroup], other: Estimate, problem: Problem) -> list[str]:
    """The workloads to which a node's candidate is worth more than any that stand in for it."""
    if problem.aims.preferences is Preferences.IGNORE:
        return []
    others = [one for one, _ in other.nodes]
    found = []
    for group in groups:
        first, *rest = preference_ranks(group.needs, [mine, *others])
        if first < min(rest, default=0):
            found.append(str(group.owner))
    return sorted({*found})


def _figures_reason(opened: Sequence[Opened]) -> Reason:
    one = opened[0].candidate
    cpu, memory = (describe_amount(name, one.free.get(name)) for name in (CPU, MEMORY))
    source = "by OVHcloud's published reserve" if one.figures.source == "formula" else f"as {one.figures.source} shows"
    takers = "these pods" if opened[0].pods else "pods"
    return Reason("allocatable", f"a {one.flavor.name} gives {takers} {cpu} cpu and {memory} memory, {source}")
