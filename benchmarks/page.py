"""The controller's web page of a large cluster: the time until it is text, and how long the text is.

``python benchmarks/page.py [--nodes 100,1000,5000] [--runs N] [--json] [--no-check] [--out FOLDER]``

The cluster is that of ``benchmarks/cluster.py``, with twenty pods and 0.4 pods that wait for each node; its plan is
made before, and is not in the times. *Facts* is working out what the page shows, *text* is writing it. Processor
seconds, because they run in a thread beside the one that plans.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import made
from benchmarks.cluster import made_cluster
from gitops.clock import SystemClock
from gitops.controller.page import page_of
from gitops.controller.view import View
from gitops.gather import Surroundings
from gitops.rounds import Observed
from planner.decide import decide
from renderer.page.whole import cluster_page

if TYPE_CHECKING:
    from collections.abc import Callable

@dataclass(frozen=True, kw_only=True)
class Measured:
    """One cluster's figures; ``faults`` are what is wrong with the page."""

    nodes: int
    running: int
    pending: int
    pools: int
    boxes: int
    facts_seconds: float
    text_seconds: float
    page_bytes: int
    faults: list[str] | None


def main() -> None:
    """Measure and print."""
    parser = made.arguments(__doc__)
    parser.add_argument("--nodes", default="100,1000,5000")
    parser.add_argument("--runs", type=int, default=3, help="the times are medians of so many")
    parser.add_argument("--out", type=Path, help="keep the pages in this folder")
    chosen = parser.parse_args()
    sizes = [int(one) for one in chosen.nodes.split(",")]
    told = [measure(nodes, runs=chosen.runs, check=not chosen.no_check, out=chosen.out) for nodes in sizes]
    results = {"results": [asdict(one) for one in told]}
    print(json.dumps({**made.machine(), **results}, indent=2) if chosen.json else table(told))


def measure(nodes: int, *, runs: int = 1, check: bool = True, out: Path | None = None) -> Measured:
    """Plan for a made cluster, then make its page again and again."""
    seen = view(nodes)
    facts = statistics.median(_seconds(lambda: page_of(seen)) for _ in range(runs))
    page = page_of(seen)
    text = cluster_page(page)
    written = statistics.median(_seconds(lambda: cluster_page(page)) for _ in range(runs))
    if out is not None:
        out.joinpath(f"{nodes}.html").write_text(text, "utf-8")
    picture = page.picture
    assert picture is not None
    return Measured(
        nodes=nodes, running=20 * nodes, pending=nodes * 2 // 5, pools=len(picture.pools),
        boxes=sum(len(pool.boxes) for pool in picture.pools), facts_seconds=round(facts, 3),
        text_seconds=round(written, 3), page_bytes=len(text.encode()), faults=faults(seen, text) if check else None,
    )  # fmt: skip


def view(nodes: int) -> View:
    """What a controller that only observes knows after a pass."""
    inputs = made.inputs_of(list(made_cluster(nodes, 20 * nodes, nodes * 2 // 5)))
    around = Surroundings(environment={}, clock=SystemClock(), remark=lambda _: None)
    planned = Observed(around=around, inputs=inputs, plan=decide(inputs, now=made.NOW))
    return View(cluster="made", at=made.NOW, succeeded=made.NOW, leads=True, planned=planned)


def faults(seen: View, text: str) -> list[str]:
    """Whether the nodes that are drawn and the nodes that are added up are all there are."""
    drawn = sum(1 + int(more or 0) for more in re.findall(r"<figcaption>[^<]*?(?:and (\d+) like it)?<br/>", text))
    rest = sum(int(number) for number in re.findall(r">and (\d+) nodes? more", text))
    assert seen.planned is not None
    plan, there = seen.planned.plan, len(seen.planned.inputs.snapshot.nodes)
    coming = sum(node.expected is not None for node in plan.placements)
    return [] if drawn + rest == there + coming else [f"{drawn} + {rest} nodes are shown, there are {there} + {coming}"]


def _seconds(what: Callable[[], object]) -> float:
    used = time.process_time()
    what()
    return time.process_time() - used


def table(told: list[Measured]) -> str:
    """The figures as a Markdown table."""
    columns = ("nodes", "running", "pending", "pools", "boxes drawn", "facts", "text", "page", "checked")
    rows = [
        (one.nodes, one.running, one.pending, one.pools, one.boxes, f"{one.facts_seconds:.2f} s",
         f"{one.text_seconds:.2f} s", f"{one.page_bytes / 1000:.0f} kB",
         "–" if one.faults is None else len(one.faults) or "✓")
        for one in told
    ]  # fmt: skip
    return f"{made.machine_line()}\n\n{made.table(columns, rows)}"


if __name__ == "__main__":
    main()
