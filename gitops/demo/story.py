"""The nine steps: each changes the cluster as its users would, and lets poolplan plan, propose and apply."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gitops.apply.waiting import wait_until_ready
from gitops.checks import run_checks
from gitops.clock import monotonic
from gitops.delivery import Place, Tell, deliver
from gitops.demo.stage import MAIN, NAME, Stage, manifest
from gitops.engines.base import Stage as ProgressStage
from gitops.errors import Refused
from gitops.fleet import CLUSTERS, open_fleet
from gitops.gather import connect, gather, read_cluster
from gitops.git.base import BranchName, CommitId
from gitops.loop.opening import open_world, trees_of
from gitops.loop.proposing import propose
from gitops.process import run
from planner.decide import decide
from planner.demand import is_demand
from planner.demand import owner_of as owner_of_pod
from planner.drift import find_drift
from planner.labels import ZONE
from renderer.drift import drift_text
from renderer.summary import summarize
from renderer.terminal import Screen, plan_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gitops.engines.base import Progress
    from gitops.fleet import Fleet
    from gitops.loop.acting import Done
    from planner.decide import Inputs
    from planner.nodes import Node
    from planner.plan import Plan
    from planner.snapshot import Snapshot

MOST_LINES = 30
MINUTE = timedelta(seconds=70)  # longer than the consolidateAfter of the demo's policy


@dataclass(frozen=True)
class Step:
    """One step of the story."""

    title: str
    play: Callable[[Story], None]


class Story:
    """Plays steps on a stage and says what a user would see."""

    def __init__(self, stage: Stage, say: Callable[[str], None], screen: Screen) -> None:
        self.stage = stage
        self.say = say
        self.screen = screen

    def steps(self) -> Iterator[Step]:
        yield Step("Prerequisites: what an apply needs, one by one", Story.prerequisites)
        yield Step("Installation: a fleet repository with settings and policy", Story.installation)
        yield Step("Basic autoscaling: inflate 0 → 3 → 0", Story.basic)
        yield Step("Flavor choice: small pods, then a large one", Story.flavors)
        yield Step("Zones: six replicas, spread over three zones", Story.zones)
        yield Step("Consolidation: web 10 → 2", Story.consolidation)
        yield Step("Monthly billing, anti-affinity, drift", Story.advanced)
        yield Step("Troubleshooting: pods that nothing can run, and why", Story.troubleshooting)
        yield Step("Cleanup: everything that was created goes, nothing else", Story.cleanup)

    # --- the steps --------------------------------------------------------------------------------

    def prerequisites(self) -> None:
        checks = list(run_checks(self.stage.sources, self.stage.around, launchers=self.stage.folder / "launchers"))
        for check in checks:
            self.say(f"  {check}")
        if not all(check.passed or not check.needed for check in checks):
            raise Refused("the demo cannot go on: a prerequisite is missing")

    def installation(self) -> None:
        self.stage.create("daemons")
        texts = {"cluster.yaml": cluster_settings(self.stage), "policy/nodeclass.yaml": manifest("nodeclass.yaml")}
        commit = self.stage.commit({**texts, "policy/nodepool.yaml": manifest("basic.yaml")}, "Describe cluster demo")
        self.say(f"  {commit[:12]} on {MAIN}: Describe cluster demo")
        for path in self.stage.repository.read(commit, CLUSTERS / NAME).paths():
            self.say(f"    clusters/{NAME}/{path}")

    def basic(self) -> None:
        self.stage.create("inflate")
        self._scale("inflate", 3)
        self.scale_to_demand()
        self._scale("inflate", 0)
        self._a_minute_later()
        self.scale_to_demand()

    def flavors(self) -> None:
        self.policy("flavors", "Allow b3-8 to b3-64")
        self._create("small", "2 × 500m cpu, 512Mi")
        self.scale_to_demand()
        self._create("large", "1 × 6 cpu, 20Gi")
        self.scale_to_demand()

    def zones(self) -> None:
        self.policy("zones", "Order in all three zones")
        self._create("ha-app", "6 × 1 cpu, 1Gi, at most one apart between zones")
        self.scale_to_demand()

    def consolidation(self) -> None:
        self._create("web", "10 × 1 cpu, 1Gi")
        self.scale_to_demand()
        self._scale("web", 2)
        self._a_minute_later()
        self.scale_to_demand()

    def advanced(self) -> None:
        texts = {f"policy/{name}.yaml": manifest(f"{name}.yaml") for name in ("monthly", "apart")}
        self.stage.commit(texts, "Allow monthly billing, and nodes on different hypervisors")
        self._create("ledger", "1 × 1 cpu, 2Gi, on nodes billed by the month")
        self._create("quorum", "3 × 500m cpu, 512Mi, each on a node of its own, on hypervisors of their own")
        self.scale_to_demand()
        self._drift()

    def troubleshooting(self) -> None:
        self._create("giant", "1 × 200 cpu")
        self._create("nowhere", "1 × 500m cpu, in zone eu-west-par-z")
        plan = self.plan()[2]
        self._indent(plan_view(summarize(plan), screen=self.screen))
        for name in ("giant", "nowhere"):
            self.stage.delete(name)

    def cleanup(self) -> None:
        for name in ("inflate", "small", "large", "ha-app", "web", "ledger", "quorum"):
            self.stage.delete(name)
        self.say("  every Deployment of the demo is deleted")
        self._a_minute_later()
        self.scale_to_demand()
        left = connect(self.stage.around).pools()
        self.say(f"  node pools left at the provider: {len(left)}")

    # --- plan, propose, approve, apply, watch ------------------------------------------------------

    def plan(self) -> tuple[Fleet, Inputs, Plan]:
        """What ``poolplan plan`` computes for the repository's main branch and the live cluster."""
        fleet = self._fleet()
        inputs = gather(self.stage.sources, self.stage.around, declared=fleet.declared, policy=fleet.policy)
        return fleet, inputs, decide(inputs, now=self.stage.clock.now())

    def scale_to_demand(self) -> None:
        """One round: plan, proposal, approval, apply, nodes, pods."""
        fleet, inputs, plan = self.plan()
        self._indent(plan_view(summarize(plan), cluster=NAME, screen=self.screen))
        world, trees = open_world(fleet, self.stage.around), trees_of(fleet, self.stage.around, inputs.catalog)
        proposed = propose(world, trees, plan, inputs, now=self.stage.clock.now())
        done = [one for one in proposed.done if one.commit]
        if not done and plan.changes:
            raise Refused("the demo cannot go on: the plan was not proposed", reasons=tuple(map(str, proposed.done)))
        if not done:
            self.say("  proposed   nothing: the pools are as they should be")
            return
        for one in done:
            self.say(f"  proposed   {one.branch}")
            self._diff(fleet, one.commit)
        for one in done:
            self._merge(one.branch)
            self._apply()
        self._watch(plan)

    def _merge(self, branch: str) -> None:
        """A person merges a proposal; where main has moved on since, poolplan revises it first."""
        repository = self.stage.repository
        repository.refresh()
        main, tip = repository.head(MAIN), repository.head(BranchName(branch))
        if tip is not None and repository.show(tip).parents != (main,):
            self._proposed()
            repository.refresh()
            main, tip = repository.head(MAIN), repository.head(BranchName(branch))
        if tip is not None:
            repository.push(tip, MAIN, expect=main)
            self.say(f"  approved   {branch} merged into {MAIN} as {tip[:12]}")

    def _apply(self) -> None:
        """What ``poolplan apply`` does, with its progress."""
        started = monotonic()
        place = Place(work=self.stage.folder / "work", cli_config=self.stage.cli_config)
        tell = Tell(report=self._progress, say=lambda text: self.say(f"  apply      {text}"))
        delivery = deliver(self._fleet(), self.stage.sources, self.stage.around, place, tell)
        if delivery.withheld is not None:
            raise Refused("the merged plan is withheld", reasons=delivery.withheld.reasons)
        drift = [drift_text(each) for _, applied in delivery.applied for each in applied.drift]
        state = "are as planned" if not drift else "differ: " + "; ".join(drift)
        self.say(f"  verified   the provider's pools {state} ({monotonic() - started:.1f} s)")

    def _fleet(self) -> Fleet:
        folder = self.stage.folder
        return open_fleet(str(folder / "fleet.git"), NAME, self.stage.around, cache=folder / "cache")

    def _progress(self, progress: Progress) -> None:
        if progress.stage is not ProgressStage.RUNNING:
            time = f" after {progress.elapsed_seconds} s" if progress.stage is ProgressStage.COMPLETE else ""
            self.say(f"  terraform  {progress.action} {progress.pool_name}: {progress.stage.value}{time}")

    def _watch(self, plan: Plan) -> None:
        """Wait until the cluster is what the plan promised, then show nodes and pods."""
        wanted = sum(pool.desired for pool in plan.desired)
        self.stage.wait_until(f"{wanted} nodes are Ready", lambda: len(self._ready_nodes()) == wanted)
        left = {pod for one in plan.unplaced for pod in one.pods}
        self.stage.wait_until("every planned pod runs", lambda: not self._pending() - left)
        snapshot = self._snapshot()
        for node in snapshot.nodes:
            pods = Counter(
                str(owner_of_pod(pod)) for pod in snapshot.pods if pod.node_name == node.name and not pod.by_daemonset
            )
            listed = ", ".join(f"{count} × {name}" for name, count in sorted(pods.items())) or "nothing yet"
            self.say(f"  node       {node.name}  {node.flavor} {node.label_map.get(ZONE, '')}: {listed}")
        if not snapshot.nodes:
            self.say("  node       none is left")

    def _drift(self) -> None:
        """Somebody resizes a pool in the console; people choose that Git knows better."""
        client = connect(self.stage.around)
        pool = client.pools().pools[0]
        client.update_pool(pool, pool.resized(pool.desired + 1))
        self.say(f"  somebody sets {pool.name} to {pool.desired + 1} nodes at the provider")
        wait_until_ready(client, pool.state.id if pool.state else "", self.stage.clock)
        self._wait_for_nodes("the extra node is Ready", more=1)
        for drift in find_drift(self._fleet().declared, client.pools()):
            self.say(f"  drift      {drift_text(drift)}")
        repository = self.stage.repository
        for one in self._proposed():
            self.say(f"  proposed   {one.branch}: to take it into Git; somebody deletes the branch")
            repository.refresh()
            repository.delete_branch(BranchName(one.branch), expect=CommitId(one.commit))
        self._proposed()
        for one in self._proposed():
            self.say(f"  proposed   {one.branch}: to put it back to what Git says")
            self._merge(one.branch)
            self._apply()
        self._wait_for_nodes("the extra node is gone")
        self._proposed()

    def _proposed(self) -> list[Done]:
        """What one pass of ``poolplan propose`` has standing then."""
        fleet, inputs, plan = self.plan()
        world, trees = open_world(fleet, self.stage.around), trees_of(fleet, self.stage.around, inputs.catalog)
        return [one for one in propose(world, trees, plan, inputs, now=self.stage.clock.now()).done if one.commit]

    def _wait_for_nodes(self, what: str, *, more: int = 0) -> None:
        wanted = sum(each.desired for each in self._fleet().declared) + more
        self.stage.wait_until(what, lambda: len(self._ready_nodes()) == wanted)

    def _diff(self, fleet: Fleet, commit: str) -> None:
        """The change that people review, as Git shows it."""
        git = ["git", "--git-dir", str(self.stage.folder / "fleet.git")]
        shown = run([*git, "diff", "--stat=100", fleet.main, commit]).out.rstrip()
        self._indent(shown, "  ")
        hunks = run([*git, "diff", "--unified=0", fleet.main, commit, "--", "*.tf"]).out.splitlines()
        lines = [line for line in hunks if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        if len(lines) <= MOST_LINES:
            for line in lines:
                self.say(f"    {line}")

    # --- the cluster's users --------------------------------------------------------------------------

    def policy(self, name: str, message: str) -> None:
        """A person changes the NodePool on the main branch."""
        self.stage.commit({"policy/nodepool.yaml": manifest(f"{name}.yaml")}, message)
        self.say(f"  policy     {message}")

    def _create(self, name: str, what: str) -> None:
        self.stage.create(name)
        self.say(f"  users      create Deployment {name}: {what}")

    def _scale(self, name: str, replicas: int) -> None:
        self.stage.scale(name, replicas)
        self.say(f"  users      scale {name} to {replicas}")

    def _a_minute_later(self) -> None:
        self.stage.clock.advance(MINUTE)
        self.say("  …          a minute later (the demo sets its clock forward)")

    def _snapshot(self) -> Snapshot:
        return read_cluster(self.stage.sources, self.stage.around)[0]

    def _ready_nodes(self) -> list[Node]:
        return [node for node in self._snapshot().nodes if node.ready and not node.deleting]

    def _pending(self) -> set[str]:
        return {pod.key for pod in self._snapshot().pods if is_demand(pod)}

    def _indent(self, text: str, by: str = "  ") -> None:
        for line in text.splitlines():
            self.say(f"{by}{line}".rstrip())


def cluster_settings(stage: Stage) -> str:
    """The demo's cluster.yaml."""
    environment = stage.environment
    return (
        "apiVersion: poolplan.dev/v1alpha1\n"
        "kind: Cluster\n"
        f"metadata: {{name: {NAME}}}\n"
        "spec:\n"
        "  provider:\n"
        "    ovh:\n"
        f"      serviceName: {environment['OVH_SERVICE_NAME']}\n"
        f"      kubeId: {environment['OVH_KUBE_ID']}\n"
        f"      region: {environment['OVH_REGION']}\n"
        f"      endpoint: {environment['OVH_ENDPOINT']}\n"
        "  engine: terraform\n"
        "  terraform: {backend: {local: {path: state/terraform.tfstate}}}\n"
        "  proposals: {batch: {idle: 0s}}\n"
        "  guardrails: {maxNodesAdded: 20, maxNodes: 50, maxHourly: \"5.00\"}\n"
    )
