"""What a controller knows of one cluster after its last pass, as a value: for metrics, logs, events and the web page.

A view is made new by each pass and never changed, so whoever looks at it from another thread sees one moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gitops.loop.steps import Step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gitops.apply.journal import Entry
    from gitops.cluster.live.state import KindHealth
    from gitops.loop.proposing import Proposed
    from gitops.rounds import Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """What the applying half did last: how many changes it applied, or why not. ``entry`` is its journal's last line.

    ``at`` is when it looked, ``succeeded`` when it last found or left everything in effect.
    """

    at: datetime
    succeeded: datetime | None = None
    applied: int = 0
    problem: str = ""
    reasons: tuple[str, ...] = ()
    entry: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One cluster. ``planned`` and ``proposed`` are of the last pass that came to its end, at ``succeeded``.

    ``problem`` is why the last one, at ``at``, did not; ``seconds`` is how long its parts took (read, plan, propose).
    ``passes`` counts those that ended well, ``failures`` the others.
    """

    cluster: str
    at: datetime | None = None
    leads: bool = False
    succeeded: datetime | None = None
    problem: str = ""
    passes: int = 0
    failures: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    planned: Observed | None = None
    proposed: Proposed | None = None
    applying: Applying | None = None
    health: tuple[KindHealth, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether the last pass changed anything about a proposal."""
        done = self.proposed.done if self.proposed and not self.problem else ()
        return any(one.step not in (Step.REST, Step.AWAIT, Step.LEAVE) for one in done)
