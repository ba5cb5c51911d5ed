"""Lets pods onto nodes again that were cordoned for a plan which nobody asks for any more.

An apply that is only waiting, or was killed, leaves its nodes cordoned for the next try. Where main has moved on
meanwhile there is no next try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.apply.journal import DONE, note
from gitops.apply.steps import Act, Step
from gitops.errors import PoolplanError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from gitops.apply.journal import Journal
    from gitops.clock import Clock
    from gitops.cluster.node_hands import Nodes


def cordoned(journal: Journal) -> tuple[str, ...]:
    """The plans, by digest, for which this machine began to cordon nodes that it neither removed nor opened since."""
    found: dict[str, None] = {}
    for entry in journal.entries():
        if entry.step.act is Act.CORDON:
            found[entry.digest] = None
        elif entry.state == DONE and entry.step.act in (Act.VERIFY, Act.UNCORDON):
            found.pop(entry.digest, None)
    return tuple(found)


def uncordon(digest: str, nodes: Callable[[], Nodes], journal: Journal, clock: Clock) -> tuple[str, ...]:
    """Open the nodes that were cordoned for a plan, write that down, and give their names. Raises what nodes raise.

    They are opened even where it cannot be written down; opening them again does nothing.
    """
    names = nodes().uncordon(digest)
    note(journal, clock, digest, Step(Act.UNCORDON, nodes=names), DONE)
    return names


def reopen(
    asked: Collection[str], nodes: Callable[[], Nodes], journal: Journal, clock: Clock, say: Callable[[str], None]
) -> None:
    """Open the nodes of every plan that is not ``asked`` for any more. What cannot be is tried again next time."""
    for digest in cordoned(journal):
        if digest in asked:
            continue
        try:
            names = uncordon(digest, nodes, journal, clock)
        except PoolplanError as error:
            say(f"nodes that were cordoned for a plan which is no more asked for could not be opened: {error}")
            return
        if names:
            say(f"opened {', '.join(names)} again: the plan that they were cordoned for is no more asked for")
