"""What the solver is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner.aims import Aims

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.bins import Bin
    from planner.candidates import Candidate
    from planner.demand import Demand
    from planner.ledger import Ledger
    from planner.plan import Certificate, Unplaced
    from planner.snapshot import Snapshot
    from planner.standing import Crowd


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Everything the solver looks at. ``bins`` are existing nodes and nodes on order, in order of preference.

    ``crowd`` is what runs, where the caller has it at hand.

    Without ``certify`` the solution holds on paper, and nobody has asked how kube-scheduler would fill its nodes.
    """

    demand: Demand
    snapshot: Snapshot
    bins: Sequence[Bin]
    candidates: Sequence[Candidate]
    ledger: Ledger
    currency: str = ""
    aims: Aims = field(default_factory=Aims)
    crowd: Crowd | None = None
    certify: bool = True


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A new node: its candidate and the pods on it."""

    candidate: Candidate
    pods: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Solution:
    """``onto`` lists (existing node, pods); every pod of the demand is in exactly one place or unplaced.

    ``lower_bound`` is the least hourly price of new nodes for the pods that are placed.
    """

    onto: tuple[tuple[str, tuple[str, ...]], ...] = ()
    opened: tuple[Opened, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    lower_bound: int = 0
    certificate: Certificate | None = None
