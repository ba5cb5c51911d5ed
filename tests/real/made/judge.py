"""Lets the real scheduler judge the plan of a made cluster, and tells it in a line of a table.

Everything is in the cluster when the scheduler starts: pods that run and pods that wait, nodes that stand and the nodes
that the plan promises, with the daemon pods of both. As a program it prints the table for some seeds or all, and
asserts nothing: ``python -m tests.real.made.judge [--joined] [--bare] [SEED ...]``. With ``--joined`` the scheduler
first does what it can on the nodes that stand, the plan is made for what it refuses, and the nodes join while it runs.
With ``--bare`` pods come without their controllers, and the scheduler spreads none that does not ask for it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gitops.clock import SystemClock, monotonic
from gitops.gather import Sources, Surroundings, gather
from planner.aims import Aims
from planner.decide import decide
from renderer.nodes import node_list
from tests.planner.checker import bind, cluster_of
from tests.real.controlplane import CONTROLLERS, SCHEDULER, bound_node, control_plane, path_of, refusal
from tests.real.made.clusters import SEEDS, alike, made
from tests.real.made.world import daemon_pods, volume
from tests.real.parts import find_program

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.plan import Plan
    from tests.real.controlplane import ControlPlane, Object
    from tests.real.made.clusters import Made

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
BUDGET = 2_000  # milliseconds for a plan, less than the default: clusters are small
NOTICED = 1.5  # seconds until a running scheduler has surely seen new nodes
OWNERS = {"Deployment", "ReplicaSet", "StatefulSet"}
SELECTED_NODE = "volume.kubernetes.io/selected-node"
COLUMNS = "seed  pods nodes placed bound illegal stranded wrong orders  plan s  all s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a made cluster; pods are ``namespace/name``, counted where the scheduler sees no difference.

    ``stranded`` pods have a place in the plan and none in the cluster, with what the scheduler said; ``wrong`` ones are
    bound although the plan leaves them out. ``illegal`` placements break a rule, says the checker, which knows the rules
    but not the scheduler's scores. ``orders`` is how many of its own replays the plan says it survived. ``cost`` is of all pools an hour, in micro-euros.
    """

    made: Made
    nodes: int
    pods: int
    placed: int
    bound: int
    illegal: dict[str, list[str]]
    stranded: dict[str, str]
    wrong: dict[str, str]
    orders: str
    cost: int
    plan_seconds: float
    seconds: float

    @property
    def holds(self) -> bool:
        return not self.illegal and not self.stranded and not self.wrong

    def line(self) -> str:
        """One line of the table, under COLUMNS."""
        counts = f"{self.made.seed:4} {self.pods:5} {self.nodes:5} {self.placed:6} {self.bound:5}"
        faults = f"{len(self.illegal):7} {len(self.stranded):8} {len(self.wrong):5} {self.orders:>6}"
        return f"{counts} {faults} {self.plan_seconds:7.2f} {self.seconds:6.1f}"

    def details(self) -> str:
        """A line for each pod that is not where the plan says."""
        broken = [f"     illegal {pod}: {', '.join(said)}" for pod, said in sorted(self.illegal.items())]
        lost = [f"     stranded {pod}: {said}" for pod, said in sorted(self.stranded.items())]
        return "\n".join([*broken, *lost, *(f"     wrong {pod}: bound to {node}" for pod, node in sorted(self.wrong.items()))])


def judge(cluster: Made, plane: ControlPlane, folder: Path, *, joined: bool = False) -> Verdict:
    """Plan for a made cluster, give the plan's nodes to the scheduler, and compare. The plane must be empty."""
    began = monotonic()
    plane.create(cluster.objects)
    if joined:
        plane.start_scheduler()
        _rest(plane, cluster.objects)
    snapshot = plane.snapshot()
    planned = monotonic()
    plan = plan_of(snapshot, cluster, folder)
    planned = monotonic() - planned
    nodes = node_list(plan)["items"]
    assert isinstance(nodes, list)
    plane.create([*nodes, *_daemons_to_come(snapshot["items"], nodes)])
    if joined:
        plane.comes(lambda: False, patience=NOTICED)
    else:
        plane.start_scheduler()
    _rest(plane, snapshot["items"])
    wanted = {name_of(pod): pod for pod in snapshot["items"] if pod["kind"] == "Pod" and not bound_node(pod)}
    after = {name_of(pod): pod for pod in plane.listed("Pod")}
    placed = {pod: node.name for node in plan.placements for pod in node.pods}
    bound = {name for name in wanted if name in after and bound_node(after[name])}
    return Verdict(
        made=cluster, nodes=len(nodes), pods=len(wanted), placed=len(placed), bound=len(bound),
        illegal=bind(cluster_of([*snapshot["items"], *nodes]), {name: wanted[name] for name in placed}, placed),
        stranded={name: _said(after.get(name)) for name in _more(set(placed), bound, wanted)},
        wrong={name: bound_node(after[name]) for name in _more(bound, set(placed), wanted)},
        orders=_survived(plan), cost=plan.cost.after.hourly, plan_seconds=planned, seconds=monotonic() - began,
    )  # fmt: skip


def _rest(plane: ControlPlane, items: Iterable[Object]) -> None:
    """Wait until the scheduler has done what it can."""
    claims = [item for item in items if item["kind"] == "PersistentVolumeClaim" and "volumeName" not in item["spec"]]
    plane.wait("the scheduler's rest", lambda: _provide_volumes(plane, claims) and plane.is_at_rest())


def plan_of(snapshot: Object, cluster: Made, folder: Path) -> Plan:
    """The plan, through the doors that ``poolplan plan`` uses: files in, and no variable of the machine."""
    (folder / "cluster.json").write_text(json.dumps(snapshot), "utf-8")
    (folder / "policy.yaml").write_text("\n---\n".join(json.dumps(each) for each in cluster.policy), "utf-8")
    files, policies = (folder / "cluster.json",), (folder / "policy.yaml",)
    sources = Sources(snapshots=files, policies=policies, aims=Aims(budget=BUDGET))
    return decide(gather(sources, Surroundings(environment={}, clock=SystemClock(), remark=_unheard)), now=NOW)


def _unheard(_: str) -> None:
    """Remarks are for people."""


def name_of(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _daemons_to_come(items: list[Object], nodes: list[Object]) -> list[Object]:
    """Daemon pods that the standing nodes lack, and those of the nodes to come."""
    sets = [item for item in items if item["kind"] == "DaemonSet"]
    standing = [item for item in items if item["kind"] == "Node"]
    there = {name_of(item) for item in items if item["kind"] == "Pod"}
    return [pod for pod in daemon_pods(sets, [*standing, *nodes]) if name_of(pod) not in there]


def _survived(plan: Plan) -> str:
    """As ``6/7``, with a mark where the search for something better ended early."""
    word = plan.certificate
    return f"{word.survived}/{word.orders}{'!' if word.stopped else ''}" if word else "-"


def _more(some: set[str], others: set[str], wanted: dict[str, Object]) -> list[str]:
    """Pods of ``some`` beyond as many pods of ``others`` that are like them, by name."""
    left = Counter(alike(wanted[name]) for name in others)
    left.subtract(alike(wanted[name]) for name in some & others)
    found = []
    # Those that both have take each other's place first; the rest of one kind may stand for one another.
    for name in sorted(some - others):
        if left[alike(wanted[name])] > 0:
            left[alike(wanted[name])] -= 1
        else:
            found.append(name)
    return found


def _said(pod: Object | None) -> str:
    """The scheduler's own words on a pod that it left, or what became of it."""
    return refusal(pod) or "in no queue" if pod else "driven out by a more important pod"


def _provide_volumes(plane: ControlPlane, unbound: Sequence[Object]) -> bool:
    """Bind each claim for which the scheduler has chosen a node to a volume of its zone, as Cinder's driver would."""
    for claim in plane.listed("PersistentVolumeClaim") if unbound else ():
        node = claim["metadata"].get("annotations", {}).get(SELECTED_NODE)
        if node and not claim["spec"].get("volumeName"):
            labels = plane.call("GET", f"{path_of('Node')}/{node}")["metadata"]["labels"]
            _bind(plane, claim, labels["topology.kubernetes.io/zone"])
    return True


def _bind(plane: ControlPlane, claim: Object, zone: str) -> None:
    name, namespace = claim["metadata"]["name"], claim["metadata"]["namespace"]
    made_for = f"pv-{namespace}-{name}"
    plane.create([volume(made_for, namespace, name, zone, storage_class=claim["spec"]["storageClassName"])])
    metadata = {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}
    change = {"metadata": metadata, "spec": {"volumeName": made_for}}
    plane.call("PATCH", f"{path_of('PersistentVolumeClaim', namespace)}/{name}", change)


def bare(cluster: Made) -> Made:
    """The cluster without the controllers of its pods."""
    return replace(cluster, objects=tuple(item for item in cluster.objects if item["kind"] not in OWNERS))


def main(seeds: Iterable[int], *, joined: bool, alone: bool) -> None:
    """Print the table, line by line."""
    programs = {name: find_program(name) for name in ("etcd", "kube-apiserver", SCHEDULER, CONTROLLERS)}
    found = {name: path for name, path in programs.items() if path}
    totals: Counter[str] = Counter()
    sys.stdout.write(f"{COLUMNS}\n")
    with tempfile.TemporaryDirectory() as folder, control_plane(found, Path(folder)) as plane:
        for seed in seeds:
            cluster = bare(made(seed)) if alone else made(seed)
            verdict = judge(cluster, plane, Path(folder), joined=joined)
            plane.clear()
            sys.stdout.write("\n".join(filter(None, [verdict.line(), verdict.details()])) + "\n")
            sys.stdout.flush()
            totals.update(
                held=verdict.holds, pods=verdict.pods, illegal=len(verdict.illegal), stranded=len(verdict.stranded),
                wrong=len(verdict.wrong), cost=verdict.cost,
            )  # fmt: skip
    faults = ", ".join(f"{totals[name]} {name}" for name in ("illegal", "stranded", "wrong"))
    sys.stdout.write(f"{totals['held']} held; of {totals['pods']} pods {faults}; {totals['cost'] / 1e6:.2f} an hour\n")


if __name__ == "__main__":
    chosen = [int(each) for each in sys.argv[1:] if each.isdigit()]
    main(chosen or SEEDS, joined="--joined" in sys.argv, alone="--bare" in sys.argv)
