"""The planning half of a controller that has no fleet repository: it plans and tells, and does nothing about it.

That is how a cluster is looked at before anybody has made a repository for it: the plan is in metrics, logs and on the
page, and nothing is proposed, ordered or removed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gitops.clock import monotonic
from gitops.controller.finding import at_found_cluster
from gitops.errors import PoolplanError
from gitops.gather import has_credentials, read_cluster
from gitops.rounds import observe_round
from planner.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.controller.keys import Keys
    from gitops.controller.view import View
    from gitops.gather import Sources, Surroundings


@dataclass(kw_only=True)
class Observing:
    """Plans for one cluster, by its own NodePools; ``may`` is as in ``Planning``."""

    name: str
    sources: Sources
    around: Surroundings
    may: Callable[[], None]
    keys: Keys
    seconds: Callable[[], float] = monotonic
    _memory: Memory = field(default_factory=Memory)

    def turn(self, view: View) -> View:
        """One pass, and the view after it. Whatever goes wrong is in the view: nothing is raised."""
        now, began = self.around.clock.now(), self.seconds()
        try:
            self.may()
            self._find_keys()
            if has_credentials(self.around.environment):
                self.around = at_found_cluster(self.sources, self.around, self.keys)
            planned = observe_round(self.sources, self.around, now=now, memory=self._memory)
        except PoolplanError as error:
            return replace(view, at=now, problem=str(error), failures=view.failures + 1)
        return replace(
            view, at=now, succeeded=now, problem="", passes=view.passes + 1, planned=planned,
            seconds={"read": self.seconds() - began - planned.seconds, "plan": planned.seconds},
        )  # fmt: skip

    def _find_keys(self) -> None:
        """The keys that the cluster's own OVHNodeClass names, where this process has none."""
        if not has_credentials(self.around.environment):
            self.around = self.keys.within(self.around, read_cluster(self.sources, self.around)[1])
