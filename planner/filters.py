"""Which candidates pass which filter, as sets: one bit a candidate, so that thousands of groups cost little.

A filter's answer for one requirement, amount, port or toleration is worked out once for all candidates that look alike
to it, and kept. Sets are combined with ``&`` and ``|``; ``reasons`` and ``explain`` both ask here.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from planner.candidates import unmet
from planner.requirements import Requirements
from planner.taints import untolerated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from planner.candidates import Candidate
    from planner.ledger import Ledger
    from planner.plan import Refusal
    from planner.pods import Needs
    from planner.requirements import Requirement
    from planner.resources import Resources
    from planner.taints import Taint, Toleration

NO_NODE_POOL: Final = "NoNodePool"
NO_FLAVOR: Final = "NoFlavor"
MIN_VALUES: Final = "MinValues"
NODE_NAME: Final = "NodeName"
TAINTS: Final = "Taints"
HOST_PORTS: Final = "HostPorts"
NODE_AFFINITY: Final = "NodeAffinity"
RESOURCES: Final = "Resources"
LIMITS: Final = "Limits"
TOPOLOGY: Final = "Topology"
SCHEDULER: Final = "Scheduler"

Mask = int  # a set of candidates: bit i stands for candidate i


@dataclass(frozen=True, slots=True)
class Size:
    """A flavor and what a node of it gives to pods."""

    flavor: str
    free: Resources


class Sieve:
    """All candidates and what each filter leaves of them. The ledger must not change while it is in use."""

    def __init__(self, candidates: Sequence[Candidate], ledger: Ledger) -> None:
        self.candidates = tuple(candidates)
        self.everything: Mask = (1 << len(self.candidates)) - 1
        self.pools = self._grouped(one.node_pool.name for one in self.candidates)
        self._ledger = ledger
        self._meeting: dict[Requirement, Mask] = {}
        self._affine: dict[tuple[Requirements, ...], Mask] = {}
        self._looks: dict[str, list[tuple[Candidate, Mask]]] = {}
        self._amounts: dict[str, tuple[list[int], list[Mask]]] = {}
        self._widest: dict[Mask, tuple[Size, ...]] = {}
        self._known_sizes: dict[tuple[Size, ...], tuple[Size, ...]] = {}

    # Filters

    def meets(self, requirement: Requirement) -> Mask:
        """Those that have, or may be given, a label that satisfies one requirement."""
        found = self._meeting.get(requirement)
        if found is None:
            alone = Requirements((requirement,))
            looks = self._looking(requirement.key)
            found = self._meeting[requirement] = _union(mask for one, mask in looks if not unmet(alone, one))
        return found

    def meets_all(self, alternative: Requirements) -> Mask:
        left = self.everything
        for requirement in alternative.items:
            left &= self.meets(requirement)
        return left

    def affine(self, alternatives: tuple[Requirements, ...]) -> Mask:
        """Those that satisfy at least one of the OR-ed terms."""
        found = self._affine.get(alternatives)
        if found is None:
            found = self._affine[alternatives] = _union(self.meets_all(each) for each in alternatives)
        return found

    def tolerated(self, tolerations: tuple[Toleration, ...]) -> Mask:
        return _union(mask for name, mask in self.pools.items() if not self.repelling(name, tolerations))

    def repelling(self, node_pool: str, tolerations: tuple[Toleration, ...]) -> tuple[Taint, ...]:
        """The taints of a NodePool that keep such a pod off."""
        return untolerated(self.first(node_pool).taints, tolerations)

    def first(self, node_pool: str) -> Candidate:
        """Any candidate of a NodePool, for what all of them have in common."""
        return self.candidates[lowest(self.pools[node_pool])]

    def without_ports(self, ports: tuple[str, ...]) -> Mask:
        """Those on which no daemon set has any of the host ports already."""
        return _union(mask for taken, mask in self._by_ports.items() if not taken.intersection(ports))

    def has(self, name: str, amount: int) -> Mask:
        """Those that give a pod at least so much of one resource; zero is given by all."""
        if amount <= 0:
            return self.everything
        amounts, masks = self._sorted_by(name)
        place = bisect_left(amounts, amount)
        return masks[place] if place < len(masks) else 0

    def most(self, name: str) -> int:
        """The largest amount of a resource that any candidate gives."""
        amounts, _ = self._sorted_by(name)
        return amounts[-1] if amounts else 0

    def fits(self, requests: Resources) -> Mask:
        left = self.everything
        for name, amount in requests:
            left &= self.has(name, amount)
        return left

    def admitting(self, needs: Needs) -> Mask:
        """Those a pod may run on by name, taints, ports and labels; amounts are not looked at."""
        if needs.node_names is not None:
            return 0
        tolerated = self.usable & self.tolerated(needs.tolerations)
        return tolerated & self.without_ports(needs.ports) & self.affine(needs.alternatives)

    @cached_property
    def usable(self) -> Mask:
        """Those of NodePools that are not barred."""
        return _union(1 << place for place, one in enumerate(self.candidates) if not one.barred)

    @cached_property
    def refusals(self) -> tuple[Refusal | None, ...]:
        """For each candidate, why not even one more may be ordered; None where one may."""
        return tuple(self._ledger.refusal(one) for one in self.candidates)

    @cached_property
    def orderable(self) -> Mask:
        return _union(1 << place for place, refusal in enumerate(self.refusals) if refusal is None)

    # What is in a set

    def members(self, mask: Mask) -> Iterator[tuple[int, Candidate]]:
        """The candidates of a set with their places, in order."""
        while mask:
            place = lowest(mask)
            yield place, self.candidates[place]
            mask &= mask - 1

    def flavors(self, mask: Mask) -> tuple[str, ...]:
        return tuple(name for name, mine in self._by_flavor.items() if mine & mask)

    def zones(self, mask: Mask) -> tuple[str, ...]:
        return tuple(name for name, mine in self._by_zone.items() if mine & mask)

    def of_flavor(self, name: str) -> Mask:
        return self._by_flavor.get(name, 0)

    def in_zone(self, name: str) -> Mask:
        return self._by_zone.get(name, 0)

    def widest(self, mask: Mask) -> tuple[Size, ...]:
        """The flavors of a set, and what they give, that no other of it is at least as large as; in order of name."""
        found = self._widest.get(mask)
        if found is None:
            found_sizes = {Size(one.flavor.name, one.free) for _, one in self.members(mask)}
            sizes = sorted(found_sizes, key=lambda size: (size.flavor, size.free.items))
            by_free = {size.free: size for size in reversed(sizes)}
            largest = tuple(
                size for size in sizes
                if by_free[size.free] == size
                and not any(size.free != other and size.free.fits_in(other) for other in by_free)
            )  # fmt: skip
            found = self._widest[mask] = self._known_sizes.setdefault(largest, largest)
        return found

    def label_values(self, mask: Mask, key: str) -> tuple[tuple[str, ...], tuple[Requirement, ...]]:
        """The values of a label in a set, sorted, and the open sets it may still be chosen from."""
        looks = [one for one, mine in self._looking(key) if mine & mask]
        values = sorted({one.labels[key] for one in looks if key in one.labels})
        return tuple(values), tuple(dict.fromkeys(one.offered[key] for one in looks if key in one.offered))

    @cached_property
    def keys(self) -> frozenset[str]:
        """Every label key that a node could have."""
        return frozenset(key for one in self.candidates for key in (*one.labels, *one.offered))

    # Indexes

    @cached_property
    def _by_ports(self) -> dict[frozenset[str], Mask]:
        found: dict[frozenset[str], Mask] = {}
        for place, one in enumerate(self.candidates):
            found[one.daemon_ports] = found.get(one.daemon_ports, 0) | 1 << place
        return found

    @cached_property
    def _by_flavor(self) -> dict[str, Mask]:
        return self._grouped(one.flavor.name for one in self.candidates)

    @cached_property
    def _by_zone(self) -> dict[str, Mask]:
        return self._grouped(one.zone for one in self.candidates)

    def _grouped(self, names: Iterable[str]) -> dict[str, Mask]:
        found: dict[str, Mask] = {}
        for place, name in enumerate(names):
            found[name] = found.get(name, 0) | 1 << place
        return dict(sorted(found.items()))

    def _looking(self, key: str) -> list[tuple[Candidate, Mask]]:
        """Candidates that are alike as far as one label is concerned: one of them, and the set."""
        if key not in self.keys:  # pods may ask for any number of labels that no node has
            return [(self.candidates[0], self.everything)] if self.candidates else []
        found = self._looks.get(key)
        if found is None:
            alike: dict[object, list[int]] = {}
            for place, one in enumerate(self.candidates):
                alike.setdefault((one.labels.get(key), one.offered.get(key)), []).append(place)
            found = [(self.candidates[places[0]], _union(1 << each for each in places)) for places in alike.values()]
            self._looks[key] = found
        return found

    def _sorted_by(self, name: str) -> tuple[list[int], list[Mask]]:
        """The amounts of a resource that candidates give, ascending, and for each the set that gives as much."""
        found = self._amounts.get(name)
        if found is None:
            giving: dict[int, Mask] = {}
            for place, one in enumerate(self.candidates):
                amount = one.free.get(name)
                giving[amount] = giving.get(amount, 0) | 1 << place
            amounts, masks, total = sorted(giving), [], 0
            for amount in reversed(amounts):
                total |= giving[amount]
                masks.append(total)
            found = self._amounts[name] = (amounts, masks[::-1])
        return found


def _union(masks: Iterable[Mask]) -> Mask:
    total = 0
    for mask in masks:
        total |= mask
    return total


def lowest(mask: Mask) -> int:
    """The place of the first candidate of a set that is not empty."""
    return (mask & -mask).bit_length() - 1
