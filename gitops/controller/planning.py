"""The planning half of a controller: pass after pass over one cluster, each from what is there now."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gitops.clock import monotonic
from gitops.emergency.carrying import bring_to_git
from gitops.emergency.opening import act_by_itself
from gitops.emergency.outbox import outbox_of
from gitops.errors import Overtaken, PoolplanError, Refused
from gitops.fleet import read_fleet
from gitops.rounds import plan_round, propose_round
from planner.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gitops.controller.keys import Keys
    from gitops.controller.view import View
    from gitops.engine_states import EngineStates
    from gitops.gather import Sources, Surroundings
    from gitops.git.base import Repository
    from gitops.loop.opening import Worlds
    from gitops.settings import Settings


TRIES = 5
"""Passes that may be overtaken, one after the other; an apply writes two records."""


@dataclass(kw_only=True)
class Planning:
    """Plans and proposes for one cluster. ``sources`` gives what to read from, by its settings.

    ``may`` raises Waiting where this process may have no effect; it is asked before a pass and before each of its
    effects. ``state`` is the folder that outlives the process; ``states`` are what the applying half has seen in the
    engine's own state.
    """

    name: str
    repository: Repository
    worlds: Worlds
    sources: Callable[[Settings], Sources]
    around: Surroundings
    state: Path
    may: Callable[[], None]
    keys: Keys
    states: EngineStates | None = None
    keep_evidence: bool = False
    seconds: Callable[[], float] = monotonic
    _memory: Memory = field(default_factory=Memory)

    def turn(self, view: View) -> View:
        """One pass, and the view after it. Whatever goes wrong is in the view: nothing is raised."""
        now = self.around.clock.now()
        try:
            self.may()
            return self._pass_again(view)
        except PoolplanError as error:
            reasons = error.reasons if isinstance(error, Refused) else ()
            problem = "; ".join((str(error), *reasons))
            return replace(view, at=now, problem=problem, failures=view.failures + 1)

    def _pass_again(self, view: View) -> View:
        """A pass; where somebody else wrote first, as the applying half does, another from what is there then."""
        for _ in range(TRIES):
            try:
                return self._pass(view)
            except Overtaken:
                continue
        return self._pass(view)

    def _pass(self, view: View) -> View:
        now, began = self.around.clock.now(), self.seconds()
        self.worlds.look_again()
        self.repository.refresh()
        fleet = read_fleet(self.repository, self.name, self.around)
        around = self.keys.within(self.around, fleet.policy)
        planned = plan_round(fleet, self.sources(fleet.settings), around, now=now, memory=self._memory)
        if self.states is not None:
            planned = replace(planned, engine=self.states.drift(fleet, planned.inputs.observed))
        decided = self.seconds()
        world = self.worlds.of(fleet)
        self.may()
        bring_to_git(world, planned.trees, outbox_of(self.state, self.name))
        proposed = propose_round(planned, world, now=now, keep_evidence=self.keep_evidence)
        done = self.seconds()
        act_by_itself(
            planned, world, self.sources(fleet.settings), self.state, now=around.clock.now(), allowed=self.may
        )
        return replace(
            view, at=now, succeeded=now, problem="", passes=view.passes + 1, planned=planned, proposed=proposed,
            seconds={
                "read": decided - began - planned.seconds, "plan": planned.seconds, "propose": done - decided,
            },
        )  # fmt: skip
