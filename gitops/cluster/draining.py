"""Empties cordoned nodes, round after round: look at each node, ask for what may leave now, wait, look again.

Nothing is remembered between rounds that the cluster does not say itself, but for how long to wait: a drain may be
killed at any call and done again. When it began stands on the node. Pods leave as Karpenter lets them: first those that
are not critical, then the critical ones; ``terminationGracePeriod`` of a NodePool overrules whoever says no, so early
that each pod still has its own grace period (terminator.go, DeleteExpiringPods).

Before anything leaves a node, nothing there may forbid it for long: a pod that must not be evicted would only keep a
half-emptied node.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gitops.cluster.node_calls import Consent
from gitops.cluster.node_hands import SINCE, Blocked, Drained
from gitops.errors import Waiting
from planner.departing import is_critical, protection, protection_of_node, stays
from planner.pending import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gitops.clock import Clock
    from gitops.cluster.node_calls import Guest, NodeCalls, SeenNode
    from gitops.cluster.node_hands import DrainLimits

FIRST, LONGEST = timedelta(seconds=1), timedelta(seconds=10)
"""The wait between two rounds: it doubles while nothing happens."""
LATE = timedelta(minutes=1)
"""How long after the end of its grace period a pod is still waited for (Karpenter's IsStuckTerminating)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What one round saw of a node. ``done``: it is empty, or there is nothing to wait for. ``traces`` change when
    something happens."""

    node: str
    done: bool
    blocked: tuple[Blocked, ...] = ()
    traces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """A node with pods that must leave, at one time. ``forced_at``: from then on nobody says no any more.

    ``full`` are the workloads whose budget has said no in this round, by controller.
    """

    seen: SeenNode
    guests: tuple[Guest, ...]
    now: datetime
    since: datetime
    forced_at: datetime | None
    full: dict[tuple[str, str, str], str] = field(default_factory=dict)

    @property
    def node(self) -> str:
        return self.seen.node.name

    def is_expiring(self, guest: Guest) -> bool:
        """Whether the pod must be deleted now to have its own grace period before the time is up."""
        return self.forced_at is not None and self.now >= self.forced_at - timedelta(seconds=guest.grace)

    def blocked(self, guest: Guest, reason: str) -> Blocked:
        return Blocked(node=self.node, pod=guest.pod.key, reason=reason)


class Drain:
    """One drain of some nodes."""

    def __init__(self, calls: NodeCalls, clock: Clock, limits: DrainLimits, say: Callable[[str], None]) -> None:
        self._calls, self._clock, self._limits, self._say = calls, clock, limits, say
        self._never: dict[str, str] = {}
        self._refused: Counter[str] = Counter()
        self._began: dict[str, datetime] = {}
        self._said: set[str] = set()

    def run(self, names: Sequence[str]) -> Drained:
        """Empty the nodes, or say why they are not. Raises Stalled without rights."""
        waiting, ended = sorted(set(names)), list[_Look]()
        before: tuple[_Look, ...] = ()
        pause = FIRST
        while waiting:
            looks = tuple(self._look(name) for name in waiting[: self._limits.at_once])
            ended += [one for one in looks if one.done]
            self._tell(looks)
            waiting = [name for name in waiting if name not in {one.node for one in ended}]
            if waiting:
                pause = min(2 * pause, LONGEST) if looks == before else FIRST
                before = looks
                self._clock.sleep(pause)
        blocked = sorted((each for one in ended for each in one.blocked), key=lambda each: (each.node, each.pod))
        emptied = sorted(one.node for one in ended if not one.blocked)
        return Drained(emptied=tuple(emptied), blocked=tuple(blocked))

    def _look(self, name: str) -> _Look:
        """One round on one node. An API server that does not answer is asked again, as long as there is time."""
        began = self._began.setdefault(name, self._clock.now())
        try:
            return self._round(name)
        except Waiting as error:
            over = self._clock.now() >= began + self._limits.timeout
            return _Look(node=name, done=over, blocked=(Blocked(node=name, reason=str(error)),))

    def _round(self, name: str) -> _Look:
        seen = self._calls.node(name)
        if seen is None:
            return _Look(node=name, done=True)
        if not seen.node.unschedulable:
            reason = "somebody opened it for pods again while it was drained"
            return _Look(node=name, done=True, blocked=(Blocked(node=name, reason=reason),))
        visit = self._visit(seen)
        self._began[name] = visit.since
        if not visit.guests:
            return _Look(node=name, done=True)
        held = () if visit.forced_at else tuple(self._held(visit))
        if held:
            return _Look(node=name, done=True, blocked=held)
        turns = sorted(visit.guests, key=lambda one: (self._refused[one.pod.uid], one.pod.key))
        blocked = sorted((each for one in turns for each in self._ask(visit, one)), key=lambda each: each.pod)
        over = visit.now >= visit.since + self._limits.timeout
        return _Look(
            node=name, done=over, traces=tuple(f"{one.pod.uid} {one.ends_at}" for one in visit.guests),
            blocked=tuple(self._late(visit, one) if over else one for one in blocked),
        )  # fmt: skip

    def _visit(self, seen: SeenNode) -> _Visit:
        now, name = self._clock.now(), seen.node.name
        since = self._since(seen, now)
        seconds = self._limits.forced.get(seen.node.pool)
        forced_at = None if seconds is None else since + timedelta(seconds=seconds)
        guests = tuple(
            one for one in self._calls.guests(name)
            if not stays(one.pod, since=since) and not _is_left_behind(one, now, forced_at)
        )  # fmt: skip
        return _Visit(seen=seen, guests=guests, now=now, since=since, forced_at=forced_at)

    def _since(self, seen: SeenNode, now: datetime) -> datetime:
        """When the drain of the node began: what stands there, or now, which is written there."""
        try:
            return min(now, datetime.fromisoformat(dict(seen.node.annotations)[SINCE]).astimezone(UTC))
        except (KeyError, ValueError):
            if not self._calls.patch(seen, {"metadata": {"annotations": {SINCE: rfc3339(now)}}}):
                raise Waiting(f"node {seen.node.name} changed in the meantime") from None
            return now

    def _held(self, visit: _Visit) -> Iterator[Blocked]:
        """What forbids to begin at all."""
        if reason := protection_of_node(visit.seen.node):
            yield Blocked(node=visit.node, reason=reason)
        for guest in visit.guests:
            if not guest.pod.deleting and (reason := self._forbidden(guest, visit.now)):
                yield visit.blocked(guest, reason)

    def _forbidden(self, guest: Guest, now: datetime) -> str:
        return protection(guest.pod, now, bare=self._limits.bare) or self._never.get(guest.pod.uid, "")

    def _ask(self, visit: _Visit, guest: Guest) -> Iterator[Blocked]:
        """Let one pod leave, if it may, and say why it is still there."""
        if guest.pod.deleting:
            until = f" until {rfc3339(guest.ends_at)}" if guest.ends_at else ""
            yield visit.blocked(guest, f"it is stopping; its grace period runs{until}")
        elif visit.is_expiring(guest):
            yield self._delete(visit, guest)
        elif reason := protection_of_node(visit.seen.node) or self._forbidden(guest, visit.now):
            yield visit.blocked(guest, f"{reason}; it is deleted when its NodePool's terminationGracePeriod is over")
        elif is_critical(guest.pod) and not all(is_critical(one.pod) for one in visit.guests):
            yield visit.blocked(guest, "it is critical, and leaves after the others")
        else:
            yield self._evict(visit, guest)

    def _evict(self, visit: _Visit, guest: Guest) -> Blocked:
        """Of a workload whose budget says no, one pod of the node is asked for in each round, in turn.

        That is enough to hear of it when the budget lets one go, and one that is not healthy may go before.
        """
        workload = (guest.pod.namespace, *(guest.pod.controller or ("", guest.pod.name)))
        if workload in visit.full:
            return visit.blocked(guest, visit.full[workload])
        consent, reason = self._calls.evict(guest.pod)
        if consent is Consent.GIVEN:
            self._say_once(f"{visit.node}: evicted {guest.pod.key}")
            return visit.blocked(guest, "it is stopping")
        if consent is Consent.NEVER:
            self._never[guest.pod.uid] = reason
        if consent is Consent.FULL:
            visit.full[workload] = reason
            self._refused[guest.pod.uid] += 1
        return visit.blocked(guest, reason)

    def _delete(self, visit: _Visit, guest: Guest) -> Blocked:
        left = int((visit.forced_at - visit.now).total_seconds()) if visit.forced_at else guest.grace
        self._calls.delete(guest, max(1, left))  # nothing at all would not wait for the kubelet
        self._say_once(f"{visit.node}: deleted {guest.pod.key}: its NodePool's terminationGracePeriod is over")
        return visit.blocked(guest, "it is stopping")

    def _late(self, visit: _Visit, one: Blocked) -> Blocked:
        minutes = int((visit.now - visit.since).total_seconds() // 60)
        return Blocked(node=one.node, pod=one.pod, reason=f"{one.reason}; given up after {minutes} minutes")

    def _tell(self, looks: tuple[_Look, ...]) -> None:
        for look in looks:
            for one in look.blocked:
                if one.reason != "it is stopping":
                    self._say_once(f"{one}")
            if look.done and not look.blocked:
                self._say_once(f"{look.node}: empty")

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)


def _is_left_behind(guest: Guest, now: datetime, forced_at: datetime | None) -> bool:
    """Whether a pod that is being deleted is not waited for: its node is dead, or its time and the NodePool's is up."""
    if not guest.pod.deleting or guest.ends_at is None:
        return False
    return now > guest.ends_at + LATE or (forced_at is not None and now >= forced_at)
