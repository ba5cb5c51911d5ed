"""What work costs, by estimate: so a budget ends a search after the same steps on every machine.

All figures that come out are microseconds, on two cores of a virtual machine of 2025 that has other work to do.
"""

from __future__ import annotations

from dataclasses import dataclass

#: In nanoseconds: a pod that is replayed by itself, each node it may go to, each arrival, which is made ready first.
POD, NODE, ARRIVAL = 22_000, 15, 100_000
#: The same of fleets side by side: a pod, each node of each fleet, each arrival, and each node of each fleet for it.
SIDE, NODE_SIDE, ARRIVAL_SIDE, READY = 75_000, 30, 60_000, 150
#: A variant to propose a fleet from, and for each class of pods that may be on the same variants.
VARIANT, CLASS = 15_000, 10_000


@dataclass(frozen=True)
class Effort:
    """What it costs to try fleets for so many pods of so many arrivals, beside nodes that are there, of so many
    variants. ``nodes`` in what follows are those that are new."""

    pods: int
    arrivals: int
    there: int
    variants: int

    def replay(self, fleets: int, nodes: int) -> int:
        """Replaying so many fleets in one order, in the way that costs less."""
        return min(self.alone(fleets, nodes), self.abreast(fleets, nodes))

    def alone(self, fleets: int, nodes: int) -> int:
        """One fleet after the other."""
        return fleets * (self.pods * (POD + NODE * (self.there + nodes)) + self.arrivals * ARRIVAL) // 1000

    def abreast(self, fleets: int, nodes: int) -> int:
        """All side by side."""
        wide = (self.there + nodes) * fleets
        return (self.pods * (SIDE + NODE_SIDE * wide) + self.arrivals * (ARRIVAL_SIDE + READY * wide)) // 1000

    def again(self, fleets: int, nodes: int, steps: int) -> int:
        """What it cost besides that a pod was looked at so often, once others that might help it had come."""
        return self.replay(fleets, nodes) * max(0, steps - self.pods) // max(1, self.pods)

    def propose(self, classes: int) -> int:
        """Proposing a fleet for so many classes of pods."""
        return self.variants * (VARIANT + CLASS * classes) // 1000
