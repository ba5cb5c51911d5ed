"""What kube-scheduler counts of other pods: how many of which kind are in each domain of a label.

A kind of pod is what other pods see of it. A count is kept once however many groups look at it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from planner.demand import owner_of, selected_label_keys
from planner.pods import Needs
from planner.topology import Term, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from planner.demand import PodGroup
    from planner.pods import AffinityTerm, Owner, Pod
    from planner.scoring import Ints
    from planner.snapshot import Namespace, Snapshot

#: Workloads whose pods are spread by default: those whose selector ``DefaultSelector`` finds.
SPREAD_BY_DEFAULT = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A pod as others see it. ``anti`` are the terms, host ports included, that keep others away from it.

    ``leanings`` are the terms by which it draws others near (or pushes them off), with their weights: its preferred
    ones, and its required affinity at InterPodAffinity's ``hardPodAffinityWeight`` of one.
    """

    namespace: str
    labels: tuple[tuple[str, str], ...] = ()
    owner: Owner | None = None
    deleting: bool = False
    anti: tuple[Term, ...] = ()
    leanings: tuple[tuple[Term, int], ...] = ()


class Counted(Protocol):
    """Something to count: how much a pod of a kind adds to it."""

    def amount(self, kind: Kind) -> int: ...


@dataclass(frozen=True, slots=True)
class Matching:
    """Pods that a term selects. PodTopologySpread leaves out pods that are being deleted, InterPodAffinity does not."""

    term: Term
    leaving: bool

    def amount(self, kind: Kind) -> int:
        return int((self.leaving or not kind.deleting) and self.term.matches(kind.namespace, dict(kind.labels)))


@dataclass(frozen=True, slots=True)
class Owned:
    """Pods of one workload: what its selector finds."""

    owner: Owner

    def amount(self, kind: Kind) -> int:
        return int(kind.owner == self.owner and not kind.deleting)


@dataclass(frozen=True, slots=True)
class Holding:
    """Pods that keep off whoever the term selects."""

    term: Term

    def amount(self, kind: Kind) -> int:
        return kind.anti.count(self.term)


@dataclass(frozen=True, slots=True)
class Leaning:
    """The weight of pods that want whoever the term selects near them, or far."""

    term: Term

    def amount(self, kind: Kind) -> int:
        return sum(weight for term, weight in kind.leanings if term == self.term)


@dataclass(frozen=True)
class Tally:
    """One count. ``codes`` is the domain in which a pod on each node counts; the last domain counts nothing."""

    what: Counted
    codes: Ints
    start: Ints


@dataclass
class Tallies:
    """All counts of a replay, and the pods that run already. ``running`` is, by kind, how many on which node."""

    running: Mapping[Kind, Mapping[int, int]]
    kept: list[Tally] = field(default_factory=list)
    _places: dict[tuple[Counted, bytes], int] = field(default_factory=dict)

    def place(self, what: Counted, codes: Ints, size: int) -> int:
        """The position of a count over ``size`` domains, which is made where there is none yet."""
        key = (what, codes.tobytes())
        if key not in self._places:
            start = np.zeros(size + 1, dtype=np.int64)
            for kind in self._by_owner.get(what.owner, ()) if isinstance(what, Owned) else self.running:
                if amount := what.amount(kind):
                    for node, count in self.running[kind].items():
                        start[codes[node]] += amount * count
            start[size] = 0
            self._places[key] = len(self.kept)
            self.kept.append(Tally(what, codes, start))
        return self._places[key]

    @cached_property
    def _by_owner(self) -> dict[Owner | None, list[Kind]]:
        found: dict[Owner | None, list[Kind]] = {}
        for kind in self.running:
            found.setdefault(kind.owner, []).append(kind)
        return found

    def added_by(self, kinds: Iterable[Kind]) -> tuple[tuple[tuple[int, int], ...], ...]:
        """What one more pod of each kind adds to which counts."""
        owned: dict[Owner | None, list[int]] = {}
        others = []
        for place, tally in enumerate(self.kept):
            if isinstance(tally.what, Owned):
                owned.setdefault(tally.what.owner, []).append(place)
            else:
                others.append(place)
        return tuple(
            tuple(
                (place, amount) for place in (*owned.get(kind.owner, ()), *others)
                if (amount := self.kept[place].what.amount(kind))
            )
            for kind in kinds
        )  # fmt: skip


@dataclass(frozen=True)
class KindReader:
    """Makes kinds: of groups that wait and of pods that run. Labels that nothing selects by are left out."""

    keys: frozenset[str]
    owners: frozenset[Owner]
    spaces: tuple[Namespace, ...]

    @classmethod
    def of(cls, snapshot: Snapshot, groups: Iterable[PodGroup]) -> KindReader:
        waiting = tuple(groups)
        keys = {key for group in waiting for key, _ in group.labels}  # what their own constraints select by
        owners = frozenset(group.owner for group in waiting if spread_by_default(group))
        return cls(selected_label_keys((), snapshot.pods) | keys, owners, snapshot.namespaces)

    def of_group(self, group: PodGroup) -> Kind:
        return self._kind(group.namespace, group.labels, group.owner, group.needs, deleting=False)

    def of_pod(self, pod: Pod) -> Kind:
        return self._kind(pod.namespace, pod.labels, owner_of(pod), pod.needs, deleting=pod.deleting)

    def _kind(
        self, namespace: str, labels: tuple[tuple[str, str], ...], owner: Owner, needs: Needs, *, deleting: bool
    ) -> Kind:
        own = dict(labels)
        plain = not (needs.affinity or needs.anti_affinity or needs.host_ports)
        return Kind(
            namespace=namespace, labels=tuple(pair for pair in labels if pair[0] in self.keys),
            owner=owner if owner in self.owners else None, deleting=deleting,
            anti=() if plain else terms_of(needs, namespace, own, self.spaces).anti,
            leanings=() if plain else (
                *((self.term(one, namespace, own), one.weight or 1) for one in needs.affinity),
                *((self.term(one, namespace, own), -one.weight) for one in needs.anti_affinity if one.weight),
            ),
        )  # fmt: skip

    def term(self, one: AffinityTerm, namespace: str, labels: Mapping[str, str]) -> Term:
        """One inter-pod term, required or preferred, of a pod of this namespace with these labels."""
        alone = Needs(affinity=(replace(one, weight=0),))
        return terms_of(alone, namespace, labels, self.spaces).affinity[0]


def spread_by_default(group: PodGroup) -> bool:
    """Whether PodTopologySpread's system defaults hold for a group: it has no constraint of its own."""
    return not group.needs.spreads and group.owner.kind in SPREAD_BY_DEFAULT


def running_kinds(snapshot: Snapshot, reader: KindReader, index: Mapping[str, int]) -> dict[Kind, Counter[int]]:
    """The pods that run, by kind, with how many of them are on each node."""
    found: dict[Kind, Counter[int]] = {}
    for pod in snapshot.pods:
        node = index.get(pod.node_name)
        if node is not None and not pod.phase.finished:
            found.setdefault(reader.of_pod(pod), Counter())[node] += 1
    return found
