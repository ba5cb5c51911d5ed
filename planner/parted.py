"""The pods of a snapshot in two parts: those bound to nodes, nearly all, and the others.

What running pods bring to a plan is worked out once while they stay the same: a plan for one more pod that waits looks
at those that wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.pods import Needs, Pod
    from planner.snapshot import Snapshot

_node_name, _namespace, _needs, _priority = map(attrgetter, ("node_name", "namespace", "needs", "needs.priority"))


@dataclass(frozen=True)
class Bound:
    """Pods on nodes, finished ones too, and what is asked of all of them."""

    pods: tuple[Pod, ...]

    @cached_property
    def namespaces(self) -> frozenset[str]:
        """The namespaces they are in."""
        return frozenset(map(_namespace, self.pods))

    @cached_property
    def lowest(self) -> int | None:
        """The least priority of them."""
        return min(map(_priority, self.pods), default=None)

    @cached_property
    def with_ports(self) -> tuple[Pod, ...]:
        """Those with ports of their host."""
        return tuple(pod for pod in self.pods if pod.needs.host_ports)

    @cached_property
    def with_claims(self) -> tuple[Pod, ...]:
        """Those with volume claims."""
        return tuple(pod for pod in self.pods if pod.needs.claims)

    @cached_property
    def sociable(self) -> tuple[Needs, ...]:
        """The needs of those that look at other pods by affinity or anti-affinity, each once."""
        needs = {id(one): one for one in map(_needs, self.pods)}.values()
        return tuple(one for one in needs if one.affinity or one.anti_affinity)


@dataclass(frozen=True)
class Parted:
    """``whole`` are the pods of a snapshot, in ``loose`` are those on no node; in the order of the snapshot."""

    whole: tuple[Pod, ...]
    bound: Bound
    loose: tuple[Pod, ...]

    @classmethod
    def of(cls, pods: Sequence[Pod]) -> Parted:
        """Without any memory of earlier ones."""
        bound, loose = split(pods)
        return cls(tuple(pods), Bound(bound), loose)

    @classmethod
    def known(cls, snapshot: Snapshot, given: Parted | None) -> Parted:
        """What is given, where it is of this snapshot's very pods."""
        return given if given is not None and given.whole is snapshot.pods else cls.of(snapshot.pods)


def split(pods: Sequence[Pod]) -> tuple[tuple[Pod, ...], tuple[Pod, ...]]:
    """Pods on nodes, and pods on none."""
    on = list(map(_node_name, pods))
    loose = [place for place, name in enumerate(on) if not name]
    return tuple(compress(pods, on)), tuple([pods[place] for place in loose])
