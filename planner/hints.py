"""The usual mistakes behind a pod that fits nowhere: units, misspelt labels, tolerations that miss, contradictions.

A hint is a guess for people. Codes are stable and documented; nothing decides on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from planner import labels as known
from planner.filters import NODE_AFFINITY, RESOURCES, TAINTS, TOPOLOGY
from planner.requirements import Clash
from planner.resources import CPU, MEMORY, describe_amount
from planner.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from planner.filters import Sieve
    from planner.pods import AffinityTerm, Needs
    from planner.requirements import Requirement
    from planner.resources import Resources
    from planner.taints import Taint, Toleration

MOST = 3  # labels that are looked at for misspellings, and hints of one filter that a plan repeats
_FEWEST_MILLICORES = 50  # nobody asks for less by mistake of the unit
_KI, _MI, _GI, _TI = 1024, 1024**2, 1024**3, 1024**4
_COARSER = {known.HOSTNAME: (known.ZONE, known.REGION), known.ZONE: (known.REGION,)}


@dataclass(frozen=True, slots=True, order=True)
class Hint:
    """A guess at what was meant. ``filter`` is the one it helps with; empty: the pod is odd, whether it fits or not."""

    filter: str
    code: str
    text: str


def mistakes(needs: Needs, sieve: Sieve) -> tuple[Hint, ...]:
    """Everything about a pod that looks like a mistake, given what could be ordered; in order of the filters."""
    found = (*_amounts(needs.requests, sieve), *_labels(needs, sieve), *_spreads(needs, sieve), *_contradictions(needs))
    return tuple(dict.fromkeys(found))


def near_tolerations(taints: Iterable[Taint], tolerations: tuple[Toleration, ...]) -> tuple[Hint, ...]:
    """For each taint that keeps a pod off, how one of its tolerations misses it."""
    hints = (_near(taint, tolerations) for taint in taints)
    return tuple(hint for hint in hints if hint is not None)


# Amounts


def _amounts(requests: Resources, sieve: Sieve) -> Iterator[Hint]:
    cpu, memory = requests.get(CPU), requests.get(MEMORY)
    cores = cpu // 1000
    if cpu > sieve.most(CPU) and _FEWEST_MILLICORES <= cores <= sieve.most(CPU):
        yield Hint(RESOURCES, "cpu-unit", f"cpu {cores} means {cores} whole cores; was {cores}m meant?")
    if memory > sieve.most(MEMORY):
        yield from _large_memory(memory, sieve.most(MEMORY))
    if 0 < memory < _KI:
        yield Hint("", "memory-unit", f"memory comes to {memory} bytes: m stands for thousandths, Mi for mebibytes")
    elif _KI <= memory < _MI:
        yield Hint("", "memory-unit", f"memory comes to {memory} bytes: a number without Mi or Gi is bytes")


def _large_memory(memory: int, most: int) -> Iterator[Hint]:
    for unit, binary, decimal, power in ((_GI, "Gi", "G", 10**9), (_MI, "Mi", "M", 10**6)):
        count = memory // unit
        if memory % unit == 0 and count * power <= most:
            yield Hint(RESOURCES, "memory-binary", f"memory {count}{binary} is too much, {count}{decimal} would fit")
            return
    if memory >= _TI and memory // _KI <= most:
        asked, meant = describe_amount(MEMORY, memory), describe_amount(MEMORY, memory // _KI)
        yield Hint(RESOURCES, "memory-unit", f"memory {asked} is 1024 times {meant}; was that meant?")


# Labels


def _labels(needs: Needs, sieve: Sieve) -> Iterator[Hint]:
    asked = (one for alternative in needs.alternatives for one in alternative.items)
    nowhere = [one for one in dict.fromkeys(asked) if not isinstance(one, Clash) and not sieve.meets(one)]
    for one in nowhere[:MOST]:
        hint = _misspelt_key(one, sieve) if one.key not in sieve.keys else _misspelt_value(one, sieve)
        if hint is not None:
            yield hint


def _misspelt_key(one: Requirement, sieve: Sieve) -> Hint | None:
    meant = similar_key(one.key, sieve.keys)
    return Hint(NODE_AFFINITY, "label-key", f"no node has the label {one.key}; was {meant} meant?") if meant else None


def _misspelt_value(one: Requirement, sieve: Sieve) -> Hint | None:
    values, offers = sieve.label_values(sieve.everything, one.key)
    given = {*values, *(value for offer in offers for value in offer.choices())}
    for value in one.choices():
        if (meant := nearest(value, given)) is not None:
            return Hint(NODE_AFFINITY, "label-value", f"no node has {one.key}={value}; was {meant} meant?")
    return None


def similar_key(key: str, keys: Iterable[str]) -> str | None:
    """The known label key that one was meant to be: nearly the same, or the same name under another prefix."""
    return _similar(key, frozenset(keys))


@lru_cache(maxsize=4096)
def _similar(key: str, keys: frozenset[str]) -> str | None:
    name = key.rpartition("/")[2]
    twins = [one for one in keys if one.rpartition("/")[2] == name and one not in known.ALIASES]
    return nearest(key, keys) or (twins[0] if len(twins) == 1 else None)


# Taints


def _near(taint: Taint, tolerations: tuple[Toleration, ...]) -> Hint | None:
    for one in tolerations:
        if one.key != taint.key:
            continue
        if one.effect and one.effect != taint.effect:
            text = f"its toleration of {one.key} is for {one.effect}, the taint has {taint.effect}"
            return Hint(TAINTS, "toleration-effect", text)
        if one.operator == "Equal" and one.value != taint.value:
            text = f"its toleration of {one.key} has the value {one.value!r}, the taint has {taint.value!r}"
            return Hint(TAINTS, "toleration-value", text)
    meant = nearest(taint.key, {one.key for one in tolerations if one.key})
    return Hint(TAINTS, "toleration-key", f"it tolerates {meant}; was {taint.key} meant?") if meant else None


# Topology


def _spreads(needs: Needs, sieve: Sieve) -> Iterator[Hint]:
    rules = [one.topology_key for one in needs.spreads if one.required]
    rules += [one.topology_key for one in needs.affinity if not one.weight]
    for key in dict.fromkeys(rules):
        if key != known.HOSTNAME and key not in sieve.keys:
            meant = similar_key(key, sieve.keys)
            asked = f"; was {meant} meant?" if meant else ""
            yield Hint(TOPOLOGY, "topology-key", f"no node that could be ordered has the label {key}{asked}")


def _contradictions(needs: Needs) -> Iterator[Hint]:
    """Required affinity to the very pods that a required anti-affinity keeps away."""
    for mine in needs.affinity:
        for other in needs.anti_affinity:
            if not mine.weight and not other.weight and _clash(mine, other):
                pods = selected_text(mine)
                text = (
                    f"the affinity by {mine.topology_key} and the anti-affinity by {other.topology_key} both speak of "
                    f"{pods}: beside one of them, and apart from all of them"
                )
                yield Hint(TOPOLOGY, "contradiction", text)


def _clash(mine: AffinityTerm, other: AffinityTerm) -> bool:
    same = (mine.selector, mine.namespaces, mine.namespace_selector) == (
        other.selector, other.namespaces, other.namespace_selector
    )  # fmt: skip
    return same and other.topology_key in (mine.topology_key, *_COARSER.get(mine.topology_key, ()))


def selected_text(term: AffinityTerm) -> str:
    """The pods of an affinity term, in words."""
    if term.selector is None:
        return "no pod"
    return "pods with " + (" and ".join(str(one) for one in term.selector.items) or "any labels")
