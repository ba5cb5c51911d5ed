"""In which order new nodes are opened to pods that prefer some: the best first, and worse ones for what is left.

Packing asks level by level. So a preference gives way where nothing that meets it is large enough, or may still be
ordered, or has a zone that the other rules allow; and only for the pods that are left over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.aims import Preferences
from planner.candidates import preference_ranks
from planner.taints import PREFER_NO_SCHEDULE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from planner.candidates import Candidate
    from planner.pods import Needs

    Flags = NDArray[np.bool_]


def preference_levels(
    admissions: Sequence[Needs], variants: Sequence[Candidate], takes: Flags, preferences: Preferences
) -> list[Flags]:
    """What is open at each level, admissions × variants: at the last one all that ``takes`` says (of that shape).

    One level where nobody prefers anything, or where preferences are ignored.
    """
    ranks = np.zeros(takes.shape, np.int64)
    for row, needs in enumerate(admissions) if preferences is Preferences.RESPECT else ():
        possible = np.flatnonzero(takes[row])
        some = [variants[one] for one in possible.tolist()]
        if needs.preferences or any(taint.effect == PREFER_NO_SCHEDULE for one in some for taint in one.taints):
            ranks[row, possible] = preference_ranks(needs, some)
    return [takes & (ranks <= level) for level in range(int(ranks.max(initial=0)) + 1)]
