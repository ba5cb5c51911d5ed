"""What a caller that plans again and again keeps between two plans, so that only what changed is worked out anew."""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.canonical import Digests


@dataclass
class Memory:
    """Passed to ``decide`` pass after pass. A plan is the same with it and without it, only sooner.

    It belongs to one cluster and one caller at a time.
    """

    digests: Digests = field(default_factory=Digests)
