"""What nodes cost that hold the pods of the made mixes, wherever kube-scheduler would put them: packed by patterns.

``python benchmarks/paper.py [--pods 200,1000,5000] [--mixes web,memory,…] [--json] [--no-check]``

Those of ``benchmarks/mixes.py`` in which only resources bind. What such a packing costs more than the proven bound is
due to whole nodes and whole pods; what a plan costs more than it, to kube-scheduler. The independent checker judges it
as it judges plans. Money is euros per hour.
"""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from benchmarks import made
from benchmarks.mixes import SIZES, Priced, made_mix
from planner.decide import consider
from planner.fleet import Proposer
from planner.kinds import make_kinds
from planner.market import Market
from planner.patterns.packing import pack
from planner.settling import asks_of, settle
from planner.standing import stand
from renderer.nodes import quantities

if TYPE_CHECKING:
    from benchmarks.made import Object
    from planner.asks import Ask
    from planner.patterns.packing import Packing

UNRULED = ("web", "memory", "cpu", "odd")


def main() -> None:
    """Measure and print."""
    parser = made.arguments(__doc__)
    parser.add_argument("--pods", default=",".join(map(str, SIZES)), help="sizes, with commas")
    parser.add_argument("--mixes", default=",".join(UNRULED), help="names, with commas")
    chosen = parser.parse_args()
    pairs = itertools.product(map(int, chosen.pods.split(",")), chosen.mixes.split(","))
    told = [measure(name, size, check=not chosen.no_check) for size, name in pairs]
    rows = [{**asdict(one), "gap": round(one.gap, 4)} for one in told]
    print(json.dumps({**made.machine(), "results": rows}, indent=2) if chosen.json else table(told))


def measure(mix: str, count: int, *, check: bool = True) -> Priced:
    """The cheapest nodes that hold a mix's pods, for all that is known without kube-scheduler."""
    objects = made_mix(mix, count)
    inputs = made.inputs_of(objects)
    problem = consider(replace(inputs, aims=replace(inputs.aims, budget=0)), now=made.NOW).problem
    kinds = make_kinds(problem.demand.groups, (), ())
    board = stand(kinds, problem.bins, problem.snapshot)
    market = Market.of(kinds, problem.candidates, board.resources)
    asks = asks_of(board, market, settle(board.copy(), market, {}))
    bound = Proposer(market, problem.ledger).bound(asks)
    started = time.process_time()
    packing = pack(asks, market, problem.ledger, least=bound)
    took = time.process_time() - started
    assert packing is not None
    return Priced(
        mix=mix, pods=count, bound=bound, hourly=packing.hourly, nodes=len(packing.nodes), seconds=round(took, 3),
        faults=_faults(objects, asks, market, packing) if check else None,
    )  # fmt: skip


def _faults(objects: list[Object], asks: list[Ask], market: Market, packing: Packing) -> tuple[str, ...]:
    """What the independent checker has against a packing, and pods that have no node in it."""
    waiting = [one.kind.pods() for one in asks]
    nodes, placements = [], []
    for number, one in enumerate(packing.nodes):
        variant = market.variants[one.variant]
        name = f"node-{number}"
        nodes.append(made.node(name, variant.flavor.name, variant.zone, quantities(variant.figures.allocatable)))
        placements.append((name, [waiting[place].pop() for place, count in one.pods for _ in range(count)]))
    return (*made.faults_of(objects, nodes, placements), *(f"{pod} has no node" for left in waiting for pod in left))


def table(told: list[Priced]) -> str:
    """Packings as a Markdown table."""
    columns = ("mix", "pods", "on paper", "lower bound", "gap", "nodes", "CPU time", "checked")
    rows = [
        (one.mix, one.pods, made.euros(one.hourly), made.euros(one.bound), made.percent(one.gap, 1), one.nodes,
         f"{one.seconds:.2f} s", "–" if one.faults is None else len(one.faults) or "✓")
        for one in told
    ]  # fmt: skip
    return f"{made.machine_line()}\n\n{made.table(columns, rows)}"


if __name__ == "__main__":
    main()
