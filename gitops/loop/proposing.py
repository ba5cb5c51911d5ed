"""The proposing half of a pass: for each kind of proposal of a cluster, its situation, its step, and the step taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.loop.acting import carry_out
from gitops.loop.answering import answer_people
from gitops.loop.drafting import NO_EVIDENCE
from gitops.loop.passes import look, situation_of
from gitops.loop.steps import Step
from planner.portion import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.evidence.files import Beside
    from gitops.loop.acting import Done
    from gitops.loop.answering import Answer
    from gitops.loop.ledger import Ledger
    from gitops.loop.passes import Pass
    from gitops.loop.trees import Trees
    from gitops.loop.world import World
    from planner.decide import Inputs
    from planner.plan import Plan

MOST = 3
"""Steps that one pass takes about one kind: a declined proposal is remembered, and the next one looked at at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What one pass did: about poolplan's own proposals, and about people's requests.

    ``ledger`` is as it is afterwards; ``waits`` is why nothing new is proposed before something else is approved, and
    ``freeze`` why nothing is applied: empty where that is not so.
    """

    done: tuple[Done, ...]
    ledger: Ledger
    waits: str = ""
    freeze: str = ""
    answers: tuple[Answer, ...] = ()


def propose(
    world: World, trees: Trees, plan: Plan, inputs: Inputs, *, now: datetime, evidence: Beside = NO_EVIDENCE
) -> Proposed:  # fmt: skip
    """Let the cluster's proposals be what the plan asks for, and answer people. Raises Waiting, Stalled.

    The branches are as of the repository's last ``refresh``. Doing it again changes nothing.
    """
    seen = look(world, trees, plan, inputs, now=now, evidence=evidence)
    done = tuple(one for kind in Kind for one in settle(seen, kind))
    answers = answer_people(seen)
    return Proposed(done=done, answers=answers, ledger=seen.ledger, waits=seen.unapproved, freeze=seen.freeze)


def settle(seen: Pass, kind: Kind) -> tuple[Done, ...]:
    """A step of a kind, and the next where the first only cleared the way."""
    done: list[Done] = []
    for _ in range(MOST):
        done.append(carry_out(seen, situation_of(seen, kind)))
        if done[-1].step not in (Step.TIDY, Step.REMEMBER):
            break
    return tuple(done)
