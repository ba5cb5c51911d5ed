"""What every filter leaves of every NodePool for one kind of pod: alone, one after the other, and two together.

A plan gives one reason a NodePool; this is all of it, for a person who asks about one pod.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from planner import filters
from planner.reasons import closest_terms, shortage
from planner.resources import PODS, describe_amount
from planner.taints import PREFER_NO_SCHEDULE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.candidates import Candidate
    from planner.filters import Mask, Sieve
    from planner.pods import Needs
    from planner.requirements import Requirement

    _Unmet = tuple[Requirement, ...]
    _Lacks = tuple[tuple[str, int], ...]

MOST_LABELS = 8  # of a pod's requirements, the ones that leave least
MOST_PAIRS = 4
MOST_MISSES = 3


@dataclass(frozen=True, slots=True)
class Left:
    """What a filter leaves: names of flavors and zones, sorted."""

    flavors: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.flavors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One filter: what the pod asks there, what is left by it alone, and by it and all filters before it."""

    filter: str
    asks: str
    alone: Left
    so_far: Left
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """What nearly serves: the amounts it lacks and the labels it cannot have. Flavors that lack amounts stand alone."""

    flavors: tuple[str, ...]
    zones: tuple[str, ...]
    lacks: tuple[tuple[str, int], ...] = ()
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStudy:
    """One NodePool. ``pairs`` are checks that each leave something and together nothing; ``misses`` closest first.

    ``passed`` is what all filters leave; limits are among them, rules of topology are not.
    """

    node_pool: str
    weight: int
    offered: Left
    passed: Left
    checks: tuple[Check, ...] = ()
    pairs: tuple[tuple[Check, Check], ...] = ()
    misses: tuple[Miss, ...] = ()


def study(sieve: Sieve, needs: Needs) -> tuple[PoolStudy, ...]:
    """Every NodePool, in order of name."""
    return tuple(_study(sieve, needs, name) for name in sieve.pools)


def serving(sieve: Sieve, needs: Needs) -> Mask:
    """The candidates that pass every filter."""
    return sieve.admitting(needs) & sieve.fits(needs.requests) & sieve.orderable


def _study(sieve: Sieve, needs: Needs, name: str) -> PoolStudy:
    mine = sieve.pools[name]
    asked = [(code, asks, key, mask & mine) for code, asks, key, mask in _asked(sieve, needs, name)]
    checks, so_far = [], mine
    for code, asks, key, mask in asked:
        so_far &= mask
        checks.append(Check(filter=code, asks=asks, key=key, alone=_left(sieve, mask), so_far=_left(sieve, so_far)))
    pairs = [
        (checks[first], checks[second])
        for first, second in combinations(range(len(asked)), 2)
        if asked[first][3] and asked[second][3] and not asked[first][3] & asked[second][3]
    ]
    return PoolStudy(
        node_pool=name, weight=sieve.first(name).node_pool.weight, offered=_left(sieve, mine),
        passed=_left(sieve, so_far), checks=tuple(checks), pairs=tuple(pairs[:MOST_PAIRS]),
        misses=() if so_far else tuple(_misses(sieve, needs, mine))[:MOST_MISSES],
    )  # fmt: skip


def _asked(sieve: Sieve, needs: Needs, name: str) -> Iterator[tuple[str, str, str, Mask]]:
    """Filter, what is asked, the label it is about (or nothing), and what it leaves, in the filters' order."""
    first = sieve.first(name)
    if first.barred:
        yield filters.MIN_VALUES, first.barred, "", 0
    if needs.node_names is not None:
        yield filters.NODE_NAME, f"only on node {', '.join(needs.node_names[:MOST_LABELS])}", "", 0
    if taints := [str(taint) for taint in first.taints if taint.effect != PREFER_NO_SCHEDULE]:
        kept_off = sieve.repelling(name, needs.tolerations)
        yield filters.TAINTS, f"tolerates {', '.join(taints)}", "", 0 if kept_off else sieve.everything
    if needs.ports:
        yield filters.HOST_PORTS, f"host port {', '.join(needs.ports)}", "", sieve.without_ports(needs.ports)
    yield from _labels_asked(sieve, needs, sieve.pools[name])
    for resource, amount in needs.requests:
        mask = sieve.has(resource, amount)
        if resource != PODS or not mask:
            yield filters.RESOURCES, f"{describe_amount(resource, amount)} {resource}", "", mask
    yield from _orders_asked(sieve, sieve.pools[name])


def _labels_asked(sieve: Sieve, needs: Needs, mine: Mask) -> Iterator[tuple[str, str, str, Mask]]:
    if len(needs.alternatives) != 1:
        yield filters.NODE_AFFINITY, f"one of {len(needs.alternatives)} terms", "", sieve.affine(needs.alternatives)
        return
    items = needs.alternatives[0].items
    least = sorted(items, key=lambda one: ((sieve.meets(one) & mine).bit_count(), one.key))[:MOST_LABELS]
    for one in items if len(items) <= MOST_LABELS else sorted(least, key=lambda one: one.key):
        yield filters.NODE_AFFINITY, str(one), one.key, sieve.meets(one)
    if len(items) > MOST_LABELS:
        yield filters.NODE_AFFINITY, f"{len(items)} labels in all", "", sieve.affine(needs.alternatives)


def _orders_asked(sieve: Sieve, mine: Mask) -> Iterator[tuple[str, str, str, Mask]]:
    """Limits of the NodePool and of the cluster, as far as any of them stands in the way."""
    refused: dict[str, Mask] = {}
    texts: dict[str, str] = {}
    for place, _ in sieve.members(mine & ~sieve.orderable):
        refusal = sieve.refusals[place]
        if refusal is not None:
            refused[refusal.filter] = refused.get(refusal.filter, 0) | 1 << place
            texts.setdefault(refusal.filter, refusal.detail)
    for code, mask in sorted(refused.items()):
        yield code, texts[code], "", sieve.everything & ~mask


def _misses(sieve: Sieve, needs: Needs, mine: Mask) -> Iterator[Miss]:
    """Flavors that fail by labels or size, closest first, each kind of miss once."""
    alike: dict[tuple[_Unmet, _Lacks, str], list[tuple[tuple[object, ...], Candidate]]] = {}
    for place, one in sieve.members(mine):
        unmet = closest_terms(sieve, needs, 1 << place)
        lacks = needs.requests.shortfall(one.free)
        if unmet or lacks:
            rank = (len(unmet) + bool(lacks), len(unmet), shortage(needs.requests, one.free), one.key)
            alike.setdefault((unmet, lacks, one.flavor.name if lacks else ""), []).append((rank, one))
    for (unmet, lacks, _), ranked in sorted(alike.items(), key=lambda item: min(rank for rank, _ in item[1])):
        flavors = tuple(sorted({one.flavor.name for _, one in ranked}))
        zones = tuple(sorted({one.zone for _, one in ranked}))
        labels = tuple(str(each) for each in unmet[:MOST_LABELS])
        yield Miss(flavors=flavors, zones=zones, lacks=lacks, unmet=labels)


def _left(sieve: Sieve, mask: Mask) -> Left:
    return Left(sieve.flavors(mask), sieve.zones(mask))
