"""Why a group sits nowhere: per NodePool, the first filter that leaves nothing, with the closest miss.

Equal needs have equal reasons, and what filters leave is worked out once for all groups: thousands of groups that are
left over cost no more than a moment.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from planner import filters
from planner.filters import Sieve, lowest
from planner.hints import MOST, mistakes, near_tolerations
from planner.plan import Refusal
from planner.requirements import Clash
from planner.resources import describe_amount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.candidates import Candidate
    from planner.demand import PodGroup
    from planner.filters import Mask, Size
    from planner.hints import Hint
    from planner.ledger import Ledger
    from planner.pods import Needs
    from planner.requirements import Requirement, Requirements
    from planner.resources import Resources

_LISTED = 6
_NONE = "no such label"


class Explainer:
    """Reasons for many groups against the same candidates and the same account of what may be ordered."""

    def __init__(self, candidates: Sequence[Candidate], ledger: Ledger) -> None:
        self.sieve = Sieve(candidates, ledger)
        self._known: dict[object, tuple[Refusal, ...]] = {}
        self._offers: dict[tuple[str, str], str] = {}
        self._refused: dict[Mask, Refusal] = {}

    def explain(self, group: PodGroup) -> tuple[Refusal, ...]:
        """One reason per NodePool, in order of name; one without a NodePool where there is none at all."""
        signature = _signature(group.needs)
        found = self._known.get(signature)
        if found is None:
            found = self._known[signature] = self._explain(group.needs)
        return found

    def _explain(self, needs: Needs) -> tuple[Refusal, ...]:
        if not self.sieve.pools:
            said = "no NodePool offers any flavor in this region"
            return (Refusal(node_pool="", filter=filters.NO_NODE_POOL, detail=said),)
        hints = mistakes(needs, self.sieve)
        return tuple(self._why(needs, name, hints) for name in self.sieve.pools)

    def _why(self, needs: Needs, name: str, hints: tuple[Hint, ...]) -> Refusal:
        """The first filter that leaves nothing of a NodePool."""
        found = self._node_pool_wide(needs, name) or self._by_candidate(needs, name)
        if isinstance(found, Refusal):
            return found
        code, said = found
        helpful = [hint.text for hint in hints if hint.filter == code][:MOST]
        return Refusal(node_pool=name, filter=code, detail="; ".join((said, *helpful)))

    def _node_pool_wide(self, needs: Needs, name: str) -> tuple[str, str] | None:
        """What keeps the pod off all nodes that a NodePool could have."""
        sieve = self.sieve
        if barred := sieve.first(name).barred:
            return filters.MIN_VALUES, barred
        if needs.node_names is not None:
            return filters.NODE_NAME, f"the pod only runs on node {_listed(needs.node_names)}"
        if keeping := sieve.repelling(name, needs.tolerations):
            near = [hint.text for hint in near_tolerations(keeping, needs.tolerations)]
            said = f"the pod does not tolerate {_listed([str(taint) for taint in keeping])}"
            return filters.TAINTS, "; ".join((said, *near[:MOST]))
        return None

    def _by_candidate(self, needs: Needs, name: str) -> tuple[str, str] | Refusal:
        """The filter that leaves no candidate of a NodePool, and the closest miss."""
        sieve = self.sieve
        free = sieve.pools[name] & sieve.without_ports(needs.ports)
        if not free:
            return filters.HOST_PORTS, f"a daemon set has {_listed(needs.ports)} on every node already"
        selected = free & sieve.affine(needs.alternatives)
        if not selected:
            return filters.NODE_AFFINITY, self._closest_labels(needs, name)
        fitting = selected & sieve.fits(needs.requests)
        if not fitting:
            return filters.RESOURCES, self._closest_size(needs, selected)
        if not fitting & sieve.orderable:
            return self._cheapest_refusal(fitting)
        return filters.TOPOLOGY, f"{rules_text(needs)} leaves no place for another pod"

    def _closest_labels(self, needs: Needs, name: str) -> str:
        """The alternative and candidate that miss the fewest requirements."""
        failing = closest_terms(self.sieve, needs, self.sieve.pools[name])
        if not failing:
            return "the pod asks for nothing that a node could have: its affinity has no term"
        named = failing[:_LISTED]
        parts = [f"the pod needs {each}; the NodePool gives {self._offer(name, each.key)}" for each in named]
        more = [f"{len(failing) - _LISTED} labels more are missing"] if len(failing) > _LISTED else []
        return "; ".join((*parts, *more))

    def _offer(self, name: str, key: str) -> str:
        """What a NodePool has to give for one label."""
        if key not in self.sieve.keys:
            return _NONE
        found = self._offers.get((name, key))
        if found is None:
            values, offers = self.sieve.label_values(self.sieve.pools[name], key)
            choices = [", ".join(offer.choices()) or f"what meets {offer}" for offer in offers]
            found = self._offers[name, key] = _listed(values or choices) or _NONE
        return found

    def _cheapest_refusal(self, fitting: Mask) -> Refusal:
        """Why the cheapest of some candidates, none of which may be ordered, is refused."""
        found = self._refused.get(fitting)
        if found is None:
            place, _ = min(self.sieve.members(fitting), key=lambda member: (member[1].hourly, member[0]))
            refusal = self.sieve.refusals[place]
            assert refusal is not None  # noqa: S101 - what is not orderable was refused
            found = self._refused[fitting] = refusal
        return found

    def _closest_size(self, needs: Needs, selected: Mask) -> str:
        """The flavor that lacks the least share of what is asked; or what none of them has at all."""
        nowhere = [name for name, _ in needs.requests if not self.sieve.has(name, 1) & selected]
        if nowhere:
            return f"none of its flavors has any {' or '.join(nowhere[:_LISTED])}"
        return nearest_size(needs.requests, self.sieve.widest(selected))


def explain(group: PodGroup, candidates: Sequence[Candidate], ledger: Ledger) -> tuple[Refusal, ...]:
    """Reasons for one group. Groups that are asked for one after the other share what was found out."""
    return _explainer(_Account(candidates, ledger)).explain(group)


class _Account:
    """The very same candidates and a ledger that stands as it stood: then an Explainer still holds."""

    def __init__(self, candidates: Sequence[Candidate], ledger: Ledger) -> None:
        self.candidates, self.ledger = candidates, ledger
        used = {name: dict(amounts) for name, amounts in ledger.used.items()}
        self._state = (ledger.nodes_left, ledger.pools_left, dict(ledger.spare), used, dict(ledger.quota))

    def __hash__(self) -> int:
        return id(self.candidates)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Account) and self.candidates is other.candidates and self.ledger is other.ledger
            and self._state == other._state
        )  # fmt: skip


@lru_cache(maxsize=1)
def _explainer(account: _Account) -> Explainer:
    return Explainer(account.candidates, account.ledger)


@lru_cache(maxsize=1024)
def nearest_size(requests: Resources, sizes: tuple[Size, ...]) -> str:
    """Which of some flavors lacks the least share of a request, and what; NodePools often share their flavors."""
    best = min(sizes, key=lambda size: (shortage(requests, size.free), size.flavor))
    missing = requests.shortfall(best.free)
    listed = " and ".join(f"{describe_amount(name, amount)} {name}" for name, amount in missing)
    return f"a {best.flavor} is the nearest and lacks {listed}"


def shortage(requests: Resources, free: Resources) -> Fraction:
    """The largest share of a request that is missing; zero where it fits."""
    asked = dict(requests.items)
    return max((Fraction(amount, asked[name]) for name, amount in requests.shortfall(free)), default=Fraction(0))


def closest_terms(sieve: Sieve, needs: Needs, mine: Mask) -> tuple[Requirement, ...]:
    """The requirements that the nearest candidate of a set misses in the alternative that it misses least."""
    best: tuple[tuple[int, int], Requirements, int] | None = None
    for alternative in needs.alternatives:
        for missed, members in _by_what_is_missed(sieve, alternative, mine).items():
            found = (missed.bit_count(), lowest(members))
            if best is None or found < best[0]:
                best = (found, alternative, missed)
    if best is None:
        return ()
    return tuple(each for place, each in enumerate(best[1].items) if best[2] >> place & 1)


def _by_what_is_missed(sieve: Sieve, alternative: Requirements, mine: Mask) -> dict[int, Mask]:
    """The sets into which one alternative divides a set, by what they miss: bit i stands for requirement i."""
    sets: dict[int, Mask] = {0: mine}
    for place, each in enumerate(alternative.items):
        meeting = sieve.meets(each)
        split: dict[int, Mask] = {}
        for missed, members in sets.items():
            for number, part in ((missed, members & meeting), (missed | 1 << place, members & ~meeting)):
                if part:
                    split[number] = split.get(number, 0) | part
        sets = split
    return sets


def rules_text(needs: Needs) -> str:
    """The rules that may be in the way; a pod without any is kept off by those of other pods."""
    spreads = (f"the spread over {one.topology_key}" for one in needs.spreads if one.required)
    anti = (f"the anti-affinity by {one.topology_key}" for one in needs.anti_affinity if not one.weight)
    affinity = (f"the affinity by {one.topology_key}" for one in needs.affinity if not one.weight)
    ports = (f"host port {port}" for port in needs.ports)
    rules = list(dict.fromkeys((*spreads, *anti, *affinity, *ports)))
    return " or ".join(rules[:_LISTED]) or "a rule of other pods"


def _signature(needs: Needs) -> object:
    """All of a pod's needs that its reasons speak of. Clashes are equal whatever they are made of, and told apart."""
    clashes = tuple(str(one) for each in needs.alternatives for one in each.items if isinstance(one, Clash))
    return (
        needs.requests, needs.alternatives, clashes, needs.node_names, needs.tolerations, needs.ports,
        needs.spreads, needs.affinity, needs.anti_affinity,
    )  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_LISTED]) + (" and others" if len(names) > _LISTED else "")
