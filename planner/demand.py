"""Which pods want a node that is not there: pending pods, grouped by equal needs, with a count.

A pod is demand when no scheduler has placed it and one would: not finished, not being deleted, not gated, not
nominated to a node by preemption, not a daemon set's and not a mirror pod (Karpenter's ``IsProvisionable``). A pod of
another scheduler than kube-scheduler's default one is demand once that scheduler has called it unschedulable, as in
cluster-autoscaler. Expendable pods wait for room that others leave.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from planner.aims import Aims, Preferences
from planner.claims import ClaimUsers
from planner.defaults import DefaultSelectors, with_default_spreads
from planner.parted import Parted
from planner.plan import Refusal, Unplaced
from planner.pods import Needs, Owner, Phase, Pod, Scheduling
from planner.volumes import VolumeIndex, combine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.requirements import Requirements
    from planner.snapshot import Snapshot

    _Labels = tuple[tuple[str, str], ...]
    _Read = tuple[Needs, _Labels, Requirements | None]  # the needs, labels and built-in spreads' selector of a pod
    _Member = tuple[str, Pod, _Read]  # the pod's key, the pod and what was read of it

_OTHER = " "  # stands for every value that no selector names; no label has it
_needs, _pods, _name = attrgetter("needs"), attrgetter("pods"), itemgetter(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodGroup:
    """Pending pods of one workload with equal needs. ``pods`` are ``namespace/name``, sorted.

    ``spread_by`` is the selector of the scheduler's built-in default spreads, None where they do not hold.
    """

    namespace: str
    owner: Owner
    labels: tuple[tuple[str, str], ...]
    needs: Needs
    pods: tuple[str, ...]
    spread_by: Requirements | None = None

    @property
    def count(self) -> int:
        return len(self.pods)

    @property
    def key(self) -> str:
        """Unique among groups: the first pod's name."""
        return self.pods[0]


@dataclass(frozen=True, slots=True)
class Demand:
    """All groups, sorted by key, and the pods that no node could help, with the reason."""

    groups: tuple[PodGroup, ...] = ()
    blocked: tuple[Unplaced, ...] = ()


def is_demand(pod: Pod) -> bool:
    """Whether a new node could help this pod."""
    if pod.node_name or pod.nominated_node or pod.deleting or pod.mirror or pod.by_daemonset:
        return False
    known = (Scheduling.UNSCHEDULABLE,) if pod.scheduler else (Scheduling.UNSCHEDULABLE, Scheduling.UNTRIED)
    return pod.phase is Phase.PENDING and pod.scheduling in known


def without_expendable(snapshot: Snapshot, aims: Aims, parted: Parted | None = None) -> Snapshot:
    """The snapshot without expendable pods that run: kube-scheduler preempts them for whatever needs their room.

    Daemon pods and mirror pods come back wherever they go, so they stay.
    """
    cutoff = aims.expendable_below
    lowest = Parted.known(snapshot, parted).bound.lowest
    if cutoff is None or lowest is None or lowest >= cutoff:
        return snapshot
    kept = tuple(
        pod for pod in snapshot.pods
        if not (pod.node_name and aims.spares(pod)) or pod.by_daemonset or pod.mirror
    )  # fmt: skip
    return snapshot if len(kept) == len(snapshot.pods) else replace(snapshot, pods=kept)


def collect_demand(snapshot: Snapshot, aims: Aims = Aims(), parted: Parted | None = None) -> Demand:  # noqa: B008
    """All pending pods of a snapshot, as groups. What-if workloads must already be pods (``prepared``).

    ``parted`` are the snapshot's pods in two parts, where somebody knows them.
    """
    parted = Parted.known(snapshot, parted)
    pending = [pod for pod in parted.loose if is_demand(pod)]
    users, selectors = ClaimUsers.of(snapshot.pods, pending), DefaultSelectors.of(snapshot.services, pending)
    reader = _Reader(aims, VolumeIndex.of(snapshot), users, selectors)
    read = [(pod, reader.read(pod)) for pod in pending]
    wanted = {id(found[0]): found[0] for _, found in read if not isinstance(found, Refusal)}
    spread_by = {id(found[2]): found[2] for _, found in read if not isinstance(found, Refusal)}
    everything = (*parted.bound.sociable, *map(_needs, parted.loose))
    selection = Selection.of(wanted.values(), everything, spread_by.values())
    groups: dict[object, list[_Member]] = {}
    blocked: dict[tuple[Owner, Refusal], list[str]] = {}
    for pod, found in read:
        name = pod.key
        if isinstance(found, Refusal):
            blocked.setdefault((owner_of(pod), found), []).append(name)
            continue
        needs, (labels, told) = found[0], selection.of_pod(found[1])
        key = (pod.namespace, pod.owner or name, told, id(needs))
        groups.setdefault(key, []).append((name, pod, (needs, labels, found[2])))
    return Demand(
        tuple(sorted(map(_group, groups.values()), key=_pods)),
        tuple(
            Unplaced(pods=tuple(sorted(pods)), owner=owner, reasons=(reason,))
            for (owner, reason), pods in sorted(blocked.items(), key=lambda item: min(item[1]))
        ),
    )


def owner_of(pod: Pod) -> Owner:
    """The workload people know a pod by; a bare pod is its own."""
    return pod.owner or Owner("Pod", pod.namespace, pod.name)


@dataclass
class _Reader:
    """Makes what decides of pending pods: needs without claims, and labels. Equal needs become one and the same."""

    aims: Aims
    volumes: VolumeIndex
    users: ClaimUsers
    selectors: DefaultSelectors
    _plain: dict[int, tuple[Needs, Needs]] = field(default_factory=dict)
    _same: dict[Needs, Needs] = field(default_factory=dict)

    def read(self, pod: Pod) -> _Read | Refusal:
        """Needs, labels and whom the built-in spreads select, or why no node could help."""
        found = self._read(pod)
        if isinstance(found, Refusal):
            return found
        built_in = self.aims.default_spreads is None and not found[0].spreads
        return (*found, self.selectors.of_pod(pod) if built_in else None)

    def _read(self, pod: Pod) -> tuple[Needs, _Labels] | Refusal:
        known = self._plain.get(id(pod.needs))
        if known is not None and not self.aims.spares(pod):
            return known[1], pod.labels
        if self.aims.spares(pod):
            below = self.aims.expendable_below
            detail = f"priority {pod.needs.priority} is below {below}: it waits for room that others leave"
            return Refusal(node_pool="", filter="Expendable", detail=detail)
        if pod.needs.devices:
            listed = ", ".join(pod.needs.devices)
            detail = f"the pod claims devices ({listed}); which nodes could have them is not known"
            return Refusal(node_pool="", filter="ResourceClaims", detail=detail)
        if pod.needs.claims:
            return self._with_volumes(pod)
        spreads = self.aims.default_spreads
        if spreads and not pod.needs.spreads:
            return self._one(self._wishes(self._spread(pod))), pod.labels
        if known is None:  # the pod's own is kept beside, so that its identity stays its own
            known = self._plain[id(pod.needs)] = (pod.needs, self._one(self._wishes(pod.needs)))
        return known[1], pod.labels

    def _with_volumes(self, pod: Pod) -> tuple[Needs, _Labels] | Refusal:
        claims = [found for name in pod.needs.claims if (found := self.volumes.claims.get((pod.namespace, name)))]
        taken = next((refusal for claim in claims if (refusal := self.users.holds(pod, claim))), None)
        places = taken or self.volumes.where(pod)
        if isinstance(places, Refusal):
            return places
        needs = self._wishes(self._spread(pod))
        narrowed = combine(needs.alternatives, places)
        own = needs.alternatives if narrowed != needs.alternatives else None
        needs = replace(needs, alternatives=narrowed, own_alternatives=own, claims=())
        needs, labels = self.users.together(needs, [one for one in claims if self.volumes.is_disk(one)])
        return self._one(needs), tuple(sorted((*pod.labels, *labels)))

    def _spread(self, pod: Pod) -> Needs:
        """The pod's needs, with the default constraints of the cluster where it brings none."""
        spreads = self.aims.default_spreads
        return with_default_spreads(pod.needs, spreads, self.selectors.of_pod(pod)) if spreads else pod.needs

    def _wishes(self, needs: Needs) -> Needs:
        if needs.preferences and self.aims.preferences is Preferences.IGNORE:
            return replace(needs, preferences=())
        return needs

    def _one(self, needs: Needs) -> Needs:
        return self._same.setdefault(needs, needs)


@dataclass(frozen=True)
class Selection:
    """The pod labels that some constraint looks at: all others do not tell pods apart.

    ``values`` holds, by key, the values that selectors name; a pod with any other value is like the rest. Keys in
    ``whole`` are compared value by value: rules take their own pod's value of them.
    """

    values: dict[str, set[str]]
    whole: set[str]
    _known: dict[_Labels, tuple[_Labels, _Labels]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, pending: Iterable[Needs], everything: Iterable[Needs], spread_by: Iterable[Requirements | None] = ()
    ) -> Selection:  # fmt: skip
        """``spread_by`` are the selectors of built-in spreads."""
        found = cls({}, set())
        for selector in spread_by:
            found._add(selector, ())
        for needs in pending:
            for spread in needs.spreads:
                found._add(spread.selector, spread.match_label_keys)
        for needs in {id(one): one for one in (*pending, *everything) if one.affinity or one.anti_affinity}.values():
            for term in (*needs.affinity, *needs.anti_affinity):
                found._add(term.selector, (*term.match_label_keys, *term.mismatch_label_keys))
        return found

    def _add(self, selector: Requirements | None, own: tuple[str, ...]) -> None:
        self.whole.update(own)
        for one in selector.items if selector else ():
            self.values.setdefault(one.key, set()).update(one.values)
            if one.minimum is not None or one.maximum is not None:
                self.whole.add(one.key)

    def of_pod(self, labels: _Labels) -> tuple[_Labels, _Labels]:
        """The labels that are looked at, and the same as far as they tell pods apart."""
        found = self._known.get(labels)
        if found is None:
            kept = tuple((key, value) for key, value in labels if key in self.values or key in self.whole)
            told = tuple(
                (key, value if key in self.whole or value in self.values[key] else _OTHER) for key, value in kept
            )
            found = self._known[labels] = (kept, told)
        return found


def _group(members: list[_Member]) -> PodGroup:
    _, first, (needs, labels, spread_by) = min(members, key=_name) if len(members) > 1 else members[0]
    return PodGroup(
        namespace=first.namespace, owner=owner_of(first), labels=labels, needs=needs,
        pods=tuple(sorted(map(_name, members))), spread_by=spread_by,
    )  # fmt: skip
