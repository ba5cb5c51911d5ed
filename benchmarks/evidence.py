"""What evidence costs: the size of a plan's saved inputs, and the time to save, read and replay them.

``python benchmarks/evidence.py [--pods 1000] [--nodes 5000] [--running 100000] [--pending 2000] [--demo] [--json]``

Measured are the pods of the mix ``everything``, then the cluster of ``benchmarks/cluster.py``, then, with ``--demo``,
the largest that the demo saves for any of its plans. Names, uids and times are made as unlike each other as those of
real pods, for that is what does not compress. The check is the replay itself: it must give the plan's digest.
"""

from __future__ import annotations

import gzip
import json
import random
import tempfile
import time
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import made
from benchmarks.cluster import made_cluster, write
from benchmarks.mixes import made_mix
from gitops.catalogs.bundle import bundled
from gitops.cluster import read_inputs
from gitops.demo.stage import set_stage
from gitops.demo.story import Story
from gitops.evidence.files import LIMIT, load, save
from gitops.evidence.replay import replay
from gitops.gather import pools_of_nodes
from planner.decide import Inputs, decide
from planner.pools import PoolSet
from renderer.terminal import Screen

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.fleet import Fleet
    from planner.plan import Plan
    from planner.pods import Pod

BUSY = 7
"""Steps of the demo that add to its cluster."""
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One cluster's figures. ``stored``: it is below the cap of what is stored beside a plan."""

    name: str
    pods: int
    json_bytes: int
    file_bytes: int
    stored: bool
    save_seconds: float
    load_seconds: float
    replay_seconds: float
    faults: tuple[str, ...] | None


def main() -> None:
    """Measure and print."""
    parser = made.arguments(__doc__)
    parser.add_argument("--pods", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--running", type=int, default=100_000)
    parser.add_argument("--pending", type=int, default=2000)
    parser.add_argument("--demo", action="store_true", help="play the demo too; it takes a minute")
    chosen = parser.parse_args()
    clusters = [
        ("the mix everything", made.inputs_of(made_mix("everything", chosen.pods))),
        (f"{chosen.nodes:,} nodes", large(chosen.nodes, chosen.running, chosen.pending)),
    ]
    told = [measure(name, lifelike(inputs), made.NOW, check=not chosen.no_check) for name, inputs in clusters]
    told += [measure("the demo", *demo(), check=not chosen.no_check)] if chosen.demo else []
    results = [asdict(one) for one in told]
    print(json.dumps({**made.machine(), "results": results}, indent=2) if chosen.json else table(told))


def measure(name: str, inputs: Inputs, now: datetime, *, check: bool = True) -> Measured:
    """Save, load and replay once."""
    started = time.perf_counter()
    data = save(inputs, now=now)
    saved_at = time.perf_counter()
    loaded = load(data, name)
    loaded_at = time.perf_counter()
    plan = decide(inputs, now=now)
    planned_at = time.perf_counter()
    found = replay(loaded, plan)
    seconds = (saved_at - started, loaded_at - saved_at, time.perf_counter() - planned_at)
    saving, loading, replaying = (round(one, 3) for one in seconds)
    return Measured(
        name=name, pods=len(inputs.snapshot.pods), json_bytes=len(gzip.decompress(data)), file_bytes=len(data),
        stored=len(data) <= LIMIT, save_seconds=saving, load_seconds=loading, replay_seconds=replaying,
        faults=(*found.differences, *found.others) if check else None,
    )  # fmt: skip


def large(nodes: int, running: int, pending: int) -> Inputs:
    """The cluster of ``benchmarks/cluster.py``, read from its file."""
    with tempfile.TemporaryDirectory() as folder:
        snapshot = Path(folder, "snapshot.json")
        write(list(made_cluster(nodes, running, pending)), snapshot)
        read = read_inputs([snapshot], environment={})
    return Inputs(
        snapshot=read.snapshot, policy=read.policy, catalog=bundled(), declared=PoolSet(),
        observed=pools_of_nodes(read.snapshot.nodes), region=made.REGION,
    )  # fmt: skip


def lifelike(inputs: Inputs) -> Inputs:
    """The same cluster with pods whose names, uids and times are unlike each other."""
    chance = random.Random(made.SEED)  # noqa: S311 - the same cluster every time is the point
    pods = sorted((_lifelike(pod, chance) for pod in inputs.snapshot.pods), key=lambda one: (one.namespace, one.name))
    return replace(inputs, snapshot=replace(inputs.snapshot, pods=tuple(pods)))


def _lifelike(pod: Pod, chance: random.Random) -> Pod:
    name = f"{pod.name}-{''.join(chance.choices(_LETTERS, k=5))}"
    created = made.NOW - timedelta(seconds=chance.randrange(10**6))
    return replace(pod, name=name, uid=str(uuid.UUID(int=chance.getrandbits(128), version=4)), created_at=created)


class _Watched(Story):
    """The demo, watched for what its plans are made from."""

    seen: list[tuple[Inputs, datetime]]

    def plan(self) -> tuple[Fleet, Inputs, Plan]:
        fleet, inputs, plan = super().plan()
        self.seen.append((inputs, self.stage.clock.now()))
        return fleet, inputs, plan


def demo() -> tuple[Inputs, datetime]:
    """Of all plans of the demo until it takes its pods away, the inputs that take the most room, and their time."""
    with tempfile.TemporaryDirectory() as folder:
        stage = set_stage(Path(folder))
        try:
            story = _Watched(stage, lambda _: None, Screen(color=False))
            story.seen = []
            for step in islice(story.steps(), BUSY):
                step.play(story)
        finally:
            stage.sandbox.stop()
    return max(story.seen, key=lambda one: len(save(one[0], now=one[1])))


def table(told: list[Measured]) -> str:
    """For people."""
    columns = ("cluster", "pods", "JSON", "compressed", "stored beside a plan", "save", "load", "replay", "same plan")
    rows = [
        (
            one.name, f"{one.pods:,}", _kilobytes(one.json_bytes), _kilobytes(one.file_bytes),
            "yes" if one.stored else "no, above the cap", f"{one.save_seconds:.2f} s", f"{one.load_seconds:.2f} s",
            f"{one.replay_seconds:.2f} s", "not checked" if one.faults is None else "no" if one.faults else "yes",
        )
        for one in told
    ]  # fmt: skip
    return f"{made.machine_line()}\n\n{made.table(columns, rows)}"


def _kilobytes(size: int) -> str:
    return f"{size / 1000:,.1f} kB"


if __name__ == "__main__":
    main()
