"""What an apply does to the nodes of a cluster: closes them, empties them, and opens them again.

The seam between the steps of an apply and a cluster. ``gitops.cluster.draining`` is the one that works on real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

MARK: Final = "poolplan.dev/cordoned-for"
"""Annotation on a node: the digest of the plan it was cordoned for."""
KEPT: Final = "poolplan.dev/cordoned-before"
"""Annotation on a node: somebody else had cordoned it before, so it stays cordoned."""
SINCE: Final = "poolplan.dev/draining-since"
"""Annotation on a node, RFC 3339: when its drain began, so that a restart does not begin the time anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainLimits:
    """How far a drain goes.

    ``timeout`` counts from the time when a node's drain began. ``forced`` gives, by pool, the seconds after which the
    ``terminationGracePeriod`` of a NodePool deletes what is left, whatever forbids it (``planner.departing.
    grace_periods``). ``bare``: pods without a controller may be evicted. At most ``at_once`` nodes are being emptied at
    a time.
    """

    timeout: timedelta = timedelta(minutes=15)
    forced: Mapping[str, int] = field(default_factory=dict)
    bare: bool = False
    at_once: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Why a node is not empty: a clause. ``pod`` (``namespace/name``) is empty where it is about the whole node."""

    node: str
    pod: str = ""
    reason: str

    def __str__(self) -> str:
        return f"{self.node}: {self.pod}: {self.reason}" if self.pod else f"{self.node}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """Nodes that hold nothing any more which a removal would evict, and why the others do; both sorted."""

    emptied: tuple[str, ...] = ()
    blocked: tuple[Blocked, ...] = ()


class Nodes(Protocol):
    """The nodes of one cluster. Every call may be repeated. Raises Stalled without the rights, Waiting otherwise."""

    def cordon(self, names: Sequence[str], *, mark: str) -> None:
        """Let no new pod onto these nodes, on behalf of ``mark``; a node that is gone is fine.

        A node that somebody else had cordoned stays so for ever. One of another mark is taken over, as if it were new.
        """

    def uncordon(self, mark: str) -> tuple[str, ...]:
        """Let pods onto the nodes again that were cordoned for ``mark``, and give their names, sorted."""

    def occupied(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the nodes that hold a pod which a removal would evict. Raises when that cannot be told."""

    def drain(self, names: Sequence[str], say: Callable[[str], None]) -> Drained:
        """Evict what runs on these cordoned nodes, and wait until it is gone or the limits say stop."""
