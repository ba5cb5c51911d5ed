"""The yardstick: first-fit-decreasing as Karpenter describes its provisioning, to compare plans with.

Written from Karpenter's public documentation and designs: pods by cpu, then memory, largest first; each is tried on the
nodes that were opened before, those with the fewest pods first; else a node is opened under the NodePool of the
greatest weight that can take it. A node is not a machine yet: it keeps every flavor and zone open that can still hold
its pods and the daemon sets beside them. A spread narrows it to the emptiest zone that is allowed, an affinity to zones
that hold what it looks for, an anti-affinity to zones that hold none. At the end each node becomes the cheapest of what
is left open. Pods that found no place are tried again as long as others do.

Nodes that exist, limits and preferences are left out: the clusters it is measured on have none that matter. It shares
no code with the solver; only pods and candidates are the planner's values.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.taints import untolerated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.candidates import Candidate
    from planner.pods import AffinityTerm, Needs, Pod, Spread
    from planner.requirements import Requirements

SPREAD, TOGETHER, APART, KEPT_AWAY = "spread", "together", "apart", "kept away"


@dataclass(frozen=True)
class Result:
    """Nodes with their pods (``namespace/name``), and the pods that found no place."""

    nodes: tuple[tuple[Candidate, tuple[str, ...]], ...]
    unplaced: tuple[str, ...]

    @property
    def hourly(self) -> int:
        """Micro-units per hour."""
        return sum(one.hourly for one, _ in self.nodes)


def first_fit(pods: Sequence[Pod], candidates: Sequence[Candidate]) -> Result:
    """Pack pods that wait onto new nodes."""
    packing = _Packing(pods, candidates)
    waiting = [(kind, pod.key) for kind, pod in packing.in_order(pods)]
    while waiting:
        left = [(kind, name) for kind, name in waiting if not packing.place(kind, name)]
        if len(left) == len(waiting) and not packing.relax({id(kind): kind for kind, _ in left}.values()):
            break
        waiting = left
    return Result(packing.finished(), tuple(name for _, name in waiting))


@dataclass(eq=False)
class _Group:
    """What a rule counts: pods that a selector finds, per node or per value of a label.

    Counts of a hostname rule stand in ``hosts``, by node; all others in ``domains``, by value.
    """

    rule: str
    key: str
    namespaces: tuple[str, ...]
    selector: Requirements | None
    skew: int = 1
    least_domains: int = 1
    looks_at: int = -1  # candidates, as bits
    domains: Counter[str] = field(default_factory=Counter)
    hosts: np.ndarray = field(default_factory=lambda: np.zeros(64, dtype=np.int64))
    total: int = 0

    @property
    def by_host(self) -> bool:
        return self.key == known.HOSTNAME

    def finds(self, kind: _Kind) -> bool:
        return kind.namespace in self.namespaces and self.selector is not None and self.selector.allow(kind.labels)


@dataclass(eq=False)
class _Kind:
    """Pods of equal needs and labels. ``allowed`` and the groups change when an alternative is given up."""

    namespace: str
    labels: Mapping[str, str]
    needs: Needs
    requests: np.ndarray
    alternative: int = 0
    allowed: int = 0
    own: list[tuple[_Group, bool]] = field(default_factory=list)
    counted: list[_Group] = field(default_factory=list)
    kept_away: list[_Group] = field(default_factory=list)
    holds: list[_Group] = field(default_factory=list)


class _Offers:
    """Candidates as bits of one number, the cheapest first."""

    def __init__(self, candidates: Sequence[Candidate], resources: Sequence[str]) -> None:
        self.all = sorted(candidates, key=lambda one: (one.hourly, one.key))
        free = [dict(one.free.items) for one in self.all]
        self.steps: list[list[int]] = []
        self.at_least: list[list[int]] = []  # per resource and step: the candidates that have at least as much
        for name in resources:
            amounts = [one.get(name, 0) for one in free]
            steps = sorted({*amounts})
            self.steps.append(steps)
            self.at_least.append([_bits(amount >= step for amount in amounts) for step in steps] + [0])
        keys = {key for one in self.all for key in one.labels}
        self.by_label = {
            key: {
                value: _bits(one.labels.get(key) == value for one in self.all)
                for value in sorted({one.labels[key] for one in self.all if key in one.labels})
            }
            for key in keys
        }
        weights = sorted({(-one.node_pool.weight, one.node_pool.name) for one in self.all})
        self.node_pools = [_bits(one.node_pool.name == name for one in self.all) for _, name in weights]

    def holding(self, amounts: Sequence[int]) -> int:
        """The candidates that have at least these amounts."""
        left = -1
        for steps, masks, amount in zip(self.steps, self.at_least, amounts, strict=True):
            left &= masks[bisect_left(steps, amount)] if amount > 0 else -1
        return left

    def most(self, mask: int) -> list[int]:
        """The most of each resource that any of these candidates has."""
        found = []
        for steps, masks in zip(self.steps, self.at_least, strict=True):
            low, high = 0, len(steps) - 1
            while low < high:
                middle = (low + high + 1) // 2
                low, high = (middle, high) if masks[middle] & mask else (low, middle - 1)
            found.append(steps[low])
        return found

    def allowed(self, needs: Needs, alternative: int) -> int:
        """The candidates whose labels and taints suit one of the OR-ed alternatives."""
        wanted = needs.alternatives[alternative]
        return _bits(wanted.allow(one.labels) and not untolerated(one.taints, needs.tolerations) for one in self.all)


class _Packing:
    """The nodes opened so far, and what the rules have counted on them."""

    def __init__(self, pods: Sequence[Pod], candidates: Sequence[Candidate]) -> None:
        self.resources = sorted({name for pod in pods for name, amount in pod.needs.requests if amount > 0})
        self.offers = _Offers(candidates, self.resources)
        self._groups: dict[object, _Group] = {}
        self._kinds: dict[object, _Kind] = {}
        self.count = 0
        self.open: list[int] = []
        self.pods: list[list[str]] = []
        self.used = np.zeros((64, len(self.resources)), dtype=np.int64)
        self.room = np.zeros((64, len(self.resources)), dtype=np.int64)
        self.sizes = np.zeros(64, dtype=np.int64)
        self.ports: list[set[str]] = []

    def in_order(self, pods: Sequence[Pod]) -> list[tuple[_Kind, Pod]]:
        """Largest cpu first, then memory, then name."""
        kinds = [(self._kind(pod), pod) for pod in pods]
        for kind in self._kinds.values():
            self._read_rules(kind)
        for kind in self._kinds.values():
            kind.counted = [one for one in self._groups.values() if one.rule != KEPT_AWAY and one.finds(kind)]
            kind.kept_away = [one for one in self._groups.values() if one.rule == KEPT_AWAY and one.finds(kind)]
        size = {id(kind): tuple(-kind.needs.requests.get(name) for name in ("cpu", "memory")) for kind, _ in kinds}
        return sorted(kinds, key=lambda one: (size[id(one[0])], one[1].key))

    def _kind(self, pod: Pod) -> _Kind:
        key = (pod.namespace, pod.labels, pod.needs)
        if key not in self._kinds:
            asked = dict(pod.needs.requests.items)
            self._kinds[key] = _Kind(
                pod.namespace, dict(pod.labels), pod.needs, np.array([asked.get(name, 0) for name in self.resources]),
                allowed=self.offers.allowed(pod.needs, 0),
            )  # fmt: skip
        return self._kinds[key]

    def relax(self, kinds: Iterable[_Kind]) -> bool:
        """Give up an alternative of each, the first one first; the last is never given up. Whether any had one."""
        able = [kind for kind in kinds if kind.alternative + 1 < len(kind.needs.alternatives)]
        for kind in able:
            kind.alternative += 1
            kind.allowed = self.offers.allowed(kind.needs, kind.alternative)
        return bool(able)

    # Rules

    def _read_rules(self, kind: _Kind) -> None:
        for spread in kind.needs.spreads:
            if spread.required:
                self._own(kind, self._spread_group(kind, spread))
        for term in kind.needs.affinity:
            if not term.weight:
                self._own(kind, self._term_group(kind, term, TOGETHER))
        for term in kind.needs.anti_affinity:
            if not term.weight:
                self._own(kind, self._term_group(kind, term, APART))
                kind.holds.append(self._term_group(kind, term, KEPT_AWAY))

    def _own(self, kind: _Kind, group: _Group) -> None:
        kind.own.append((group, group.finds(kind)))

    def _spread_group(self, kind: _Kind, one: Spread) -> _Group:
        looks_at = kind.allowed if one.honor_affinity and one.topology_key != known.HOSTNAME else -1
        key = (SPREAD, one.topology_key, kind.namespace, one.selector, one.max_skew, one.min_domains, looks_at)
        return self._groups.setdefault(key, _Group(
            SPREAD, one.topology_key, (kind.namespace,), one.selector, one.max_skew, one.min_domains, looks_at,
        ))  # fmt: skip

    def _term_group(self, kind: _Kind, one: AffinityTerm, rule: str) -> _Group:
        spaces = one.namespaces or (kind.namespace,)
        key = (rule, one.topology_key, spaces, one.selector)
        return self._groups.setdefault(key, _Group(rule, one.topology_key, spaces, one.selector))

    def _narrowed(self, kind: _Kind, mask: int) -> int:
        """What the rules by label leave open of a node; zero where one of them lets no domain."""
        for group, itself in kind.own:
            if mask and not group.by_host:
                mask &= self._domains_left(group, kind, mask, itself=itself)
        for group in kind.kept_away:
            if mask and not group.by_host:
                for value, bits in self.offers.by_label.get(group.key, {}).items():
                    mask &= ~bits if group.domains[value] else -1
        return mask

    def _domains_left(self, group: _Group, kind: _Kind, mask: int, *, itself: bool) -> int:
        values = self.offers.by_label.get(group.key, {})
        here = [value for value, bits in values.items() if bits & mask]
        if group.rule == APART:
            chosen = [value for value in here if not group.domains[value]]
            outside = ~_all(values.values())  # nodes without the label are in no domain
        elif group.rule == TOGETHER:
            full = [value for value, bits in values.items() if bits & kind.allowed and group.domains[value]]
            chosen, outside = (full or here[:1]) if full or itself else [], 0
        else:
            chosen, outside = self._evenly(group, kind, here, itself=itself), 0
        return _all(values[value] for value in chosen) | outside

    def _evenly(self, group: _Group, kind: _Kind, here: list[str], *, itself: bool) -> list[str]:
        """The emptiest domain of the node that the skew allows."""
        values = self.offers.by_label.get(group.key, {})
        possible = [value for value, bits in values.items() if bits & kind.allowed]
        lowest = min((group.domains[value] for value in possible), default=0)
        lowest = 0 if len(possible) < group.least_domains else lowest
        fit = [value for value in here if group.domains[value] + itself - lowest <= group.skew]
        return [min(fit, key=lambda value: (group.domains[value], value))] if fit else []

    def _hosts_left(self, kind: _Kind) -> np.ndarray:
        """Which nodes the rules by hostname leave; the minimum over hosts is zero, for one can always be added."""
        left = np.ones(self.count, dtype=bool)
        for group, itself in kind.own:
            if group.by_host and group.rule == SPREAD:
                left &= group.hosts[: self.count] + itself <= group.skew
            elif group.by_host and group.rule == APART:
                left &= group.hosts[: self.count] == 0
            elif group.by_host and (group.total or not itself):
                left &= group.hosts[: self.count] > 0
        for group in kind.kept_away:
            if group.by_host:
                left &= group.hosts[: self.count] == 0
        return left

    # Placing

    def place(self, kind: _Kind, name: str) -> bool:
        """Onto the first opened node that takes the pod, else onto a new one."""
        fits = self._hosts_left(kind) & (self.room[: self.count] >= kind.requests).all(axis=1)
        nodes = np.flatnonzero(fits)
        for node in nodes[np.argsort(self.sizes[nodes], kind="stable")]:
            if self._add(kind, name, int(node)):
                return True
        return self._open(kind, name)

    def _add(self, kind: _Kind, name: str, node: int) -> bool:
        if not self.ports[node].isdisjoint(kind.needs.ports):
            return False
        mask = self._narrowed(kind, self.open[node] & kind.allowed)
        mask &= self.offers.holding((self.used[node] + kind.requests).tolist()) if mask else 0
        if mask:
            self._put(kind, name, node, mask)
        return bool(mask)

    def _open(self, kind: _Kind, name: str) -> bool:
        looking = [(group, itself) for group, itself in kind.own if group.by_host and group.rule == TOGETHER]
        elsewhere = any(group.total or not itself for group, itself in looking)
        for under in () if elsewhere else self.offers.node_pools:
            mask = self._narrowed(kind, under & kind.allowed) & self.offers.holding(kind.requests.tolist())
            if mask:
                self._grow()
                self._put(kind, name, self.count - 1, mask)
                return True
        return False

    def _grow(self) -> None:
        self.count += 1
        self.open.append(0)
        self.pods.append([])
        self.ports.append(set())
        if self.count > len(self.sizes):
            self.used, self.room, self.sizes = (_doubled(one) for one in (self.used, self.room, self.sizes))
            for group in self._groups.values():
                group.hosts = _doubled(group.hosts)

    def _put(self, kind: _Kind, name: str, node: int, mask: int) -> None:
        self.pods[node].append(name)
        self.sizes[node] += 1
        self.used[node] += kind.requests
        self.open[node] = mask
        self.room[node] = np.array(self.offers.most(mask)) - self.used[node]
        self.ports[node].update(kind.needs.ports)
        for group in (*kind.counted, *kind.holds):
            if group.by_host:
                group.hosts[node] += 1
                group.total += 1
            else:
                self._count(group, mask)

    def _count(self, group: _Group, mask: int) -> None:
        """A pod counts where it surely is; for an anti-affinity wherever it may come to be."""
        if not group.looks_at & mask:
            return
        here = [value for value, bits in self.offers.by_label.get(group.key, {}).items() if bits & mask]
        if len(here) == 1 or group.rule in (APART, KEPT_AWAY):
            group.domains.update(here)
            group.total += 1

    def finished(self) -> tuple[tuple[Candidate, tuple[str, ...]], ...]:
        """Each node as the cheapest of what is left open."""
        cheapest = (self.offers.all[(mask & -mask).bit_length() - 1] for mask in self.open)
        return tuple(zip(cheapest, (tuple(one) for one in self.pods), strict=True))


def _doubled(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([rows, np.zeros_like(rows)])


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << number for number, flag in enumerate(flags) if flag)


def _all(masks: Iterable[int]) -> int:
    found = 0
    for one in masks:
        found |= one
    return found
