"""What a proposal says besides its plan: what the rules want, what forbids it, what a removal does to pods.

Sentences begin without a capital where a name begins them, and end without a full stop. All of it is data: it is
escaped like text from the cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.departing import Departure
    from planner.guardrails import Violation
    from planner.portion import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """``verdict`` says which rule wants whose word. ``freeze`` is why nothing is applied now; empty: it is.

    ``departures`` are the nodes that leave, by name, where more is known of them than that they are empty.
    ``settles``: it is about what differs between Git and the provider, and nobody asked for it.
    ``evidence`` names the file with the plan's inputs, beside plan.json. ``apply``, ``decline`` and ``pause`` replace
    the usual sentences on what a reader can do.
    """

    cluster: str = ""
    kind: Kind | None = None
    settles: bool = False
    verdict: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    freeze: str = ""
    departures: tuple[Departure, ...] = ()
    evidence: str = ""
    apply: str = ""
    decline: str = ""
    pause: str = ""
