"""The scheduling queue of a replay: the groups that wait, with their rules resolved against its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.demand import PodGroup
    from planner.scoring import Flags, Ints
    from planner.tally import Tallies


@dataclass(frozen=True, slots=True)
class Look:
    """A count as seen from every node: ``tally`` is its position, ``codes`` each node's domain."""

    tally: int
    codes: Ints


@dataclass(frozen=True, slots=True)
class Skew:
    """A required spread constraint. ``own``: whether the pod itself is counted; ``counted`` is each node's domain where
    the constraint's node inclusion policies let the node take part."""

    look: Look
    counted: Ints
    max_skew: int
    min_domains: int
    own: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """A constraint that only scores: ScheduleAnyway, or one of the defaults. ``size`` is fixed for host names only."""

    look: Look
    labelled: Flags
    max_skew: int
    by_host: bool


@dataclass(frozen=True, kw_only=True)
class Queued:
    """One group: pods that the scheduler cannot tell apart. ``shape`` is its row in ``Shapes``."""

    index: int
    group: PodGroup
    shape: int
    skews: tuple[Skew, ...] = ()
    apart: tuple[Look, ...] = ()
    together: tuple[Look, ...] = ()
    may_be_first: bool = False
    wishes: tuple[Wish, ...] = ()
    wished: Flags
    leans: tuple[tuple[Look, int], ...] = ()
    disliked: Ints | None = None
    preferred: Ints | None = None

    @property
    def ruled(self) -> bool:
        """Whether what other pods do can take nodes away from it, or give some back."""
        return bool(self.skews or self.apart or self.together)


@dataclass(frozen=True)
class Shapes:
    """What groups request and where they may be at all: one row for each distinct combination.

    ``requests`` has a column for each of ``Rows.resources``; ``asked`` and ``scored`` have cpu and memory, the latter
    with what is assumed where nothing is requested.
    """

    admitted: Flags
    requests: Ints
    asked: Ints
    scored: Ints


@dataclass(frozen=True)
class Queue:
    """All groups, in the demand's order, and all counts. ``adds`` are, by group, (count, how much a pod adds)."""

    groups: tuple[Queued, ...]
    shapes: Shapes
    tallies: Tallies
    adds: tuple[tuple[tuple[int, int], ...], ...]
