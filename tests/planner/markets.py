"""What new nodes can be had, for tests of what the solver makes of it: programs, loads, replays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.candidates import candidates
from planner.decide import find_region
from planner.fleet import Proposer
from planner.ledger import Ledger
from planner.market import Market
from planner.settling import ask, possible_domains
from planner.standing import set_domains
from tests.planner.cluster import inputs_of, node_class, node_pool
from tests.planner.worlds import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.aims import Objective
    from planner.demand import PodGroup
    from planner.fleet import Ask, Fleet
    from planner.nodes import Node
    from planner.pods import Pod
    from tests.planner.cluster import Object

ZONE_A = ({"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["eu-west-par-a"]},)


@dataclass(frozen=True)
class Shop:
    """Groups that wait, what they ask new nodes for, and the market."""

    world: World
    market: Market
    asks: tuple[Ask, ...]

    @classmethod
    def of(
        cls, groups: Sequence[PodGroup], *node_pools: Object, nodes: Sequence[Node] = (), pods: Sequence[Pod] = ()
    ) -> Shop:
        """Without NodePools there is one over four flavors in one zone."""
        pools = node_pools or (node_pool(flavors=("b3-8", "b3-16", "c3-8", "r3-16"), requirements=[*ZONE_A]),)
        inputs = inputs_of([node_class(), *pools])
        offers = candidates(inputs.policy, inputs.catalog, find_region(inputs), nodes=(), daemonsets=())
        world = World.of(groups, nodes, pods)
        market = Market.of(world.board.kinds, offers, world.board.resources)
        set_domains(world.board, world.snapshot, possible_domains(world.board, market), ())
        asks = tuple(ask(world.board, market, kind, "", kind.count) for kind in world.board.kinds.kinds)
        return cls(world, market, asks)

    def propose(self, objective: Objective | None = None, ledger: Ledger | None = None) -> Fleet:
        options = {} if objective is None else {"objective": objective}
        return Proposer(self.market, ledger or Ledger(500, 100), **options).propose(self.asks)

    def named(self, fleet: Fleet) -> dict[str, int]:
        """How many nodes of which variant, by its key."""
        return {" ".join(one.key): count for one, count in zip(self.market.variants, fleet.counts, strict=True) if count}
