"""Made clusters: plain manifests with all scheduling rules mixed, the same ones for the same seed on every machine.

No planner code is used here, so that nothing the planner believes can make a cluster easier for it. What a workload
may ask is in rules.py, and what stands around workloads in world.py. Rules are dealt from a shuffled deck, so that every
cluster has many of them; how much of each there is in all clusters is counted by test_made_clusters.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from tests.real.made.rules import HASH, RULES, TEAMS, Site, Workload, hopeless
from tests.real.made.world import (
    daemon_sets,
    daemons_that_run,
    guard,
    meta,
    owner_reference,
    policy,
    settle,
    standing_nodes,
    surroundings,
    volume,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Object = dict[str, Any]

SEEDS = range(1, 65)
PARIS = ("EU-WEST-PAR", ("eu-west-par-a", "eu-west-par-b", "eu-west-par-c"))
GRAVELINES = ("GRA11", ("nova",))
REPLICAS = (1, 2, 2, 3, 4, 5, 6, 8, 10, 14, 20)
OLDER = "000000"  # the revision of pods that run from before
LETTERS = "bcdfghjkmnpqrstvwxz"
CHANCES = {
    "standing nodes": 0.6, "running pods": 0.8, "daemon sets": 0.6, "limits": 0.15, "weights": 0.3, "soft taint": 0.3,
    "preemption": 0.3,
}  # fmt: skip
#: Labels of pods that differ between pods of one StatefulSet although the scheduler sees no difference.
OWN_LABELS = {"statefulset.kubernetes.io/pod-name"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One made cluster: ``objects`` of Kubernetes without what servers set, ``policy`` for the planner alone."""

    seed: int
    features: tuple[str, ...]
    objects: tuple[Object, ...]
    policy: tuple[Object, ...]

    def pending(self) -> list[Object]:
        """The pods that run nowhere yet."""
        return [item for item in self.objects if item["kind"] == "Pod" and "nodeName" not in item["spec"]]


def made(seed: int) -> Made:
    """The cluster of a seed."""
    rng = Random(seed)  # noqa: S311 - the same on every machine, and no secret
    region, zones = GRAVELINES if seed % 8 == 0 else PARIS
    site, features = Site(rng=rng, zones=zones), _features(rng)
    written = policy(rng, region, zones, features)
    objects = [*surroundings(features), *daemon_sets(features), *standing_nodes(rng, zones, features, region)]
    make_workloads(site)
    if "running pods" in features:
        settle(site, objects)
        objects.append(guard(site))
    for workload in site.workloads:
        objects += [*_controllers(workload), *_claims_and_volumes(workload), *_pods(workload, rng)]
    objects += daemons_that_run(rng, objects)
    used = {name for workload in site.workloads for name in workload.rules}
    return Made(seed=seed, features=tuple(sorted({*features, *used})), objects=tuple(objects), policy=tuple(written))


def alike(pod: Object) -> str:
    """The same text for pods between which the scheduler sees no difference, and which may therefore change places."""
    metadata = pod["metadata"]
    labels = {key: value for key, value in metadata.get("labels", {}).items() if key not in OWN_LABELS}
    return json.dumps([metadata["namespace"], labels, pod["spec"]], sort_keys=True)


def _features(rng: Random) -> set[str]:
    """What the cluster as a whole has besides its workloads."""
    found = {name for name, chance in CHANCES.items() if rng.random() < chance}
    if "limits" in found:
        found.discard("preemption")  # an important pod without a node would drive out pods that the plan lets be
    return found if "standing nodes" in found else found - {"running pods"}


def make_workloads(site: Site) -> None:
    """Between 8 and 18 workloads, of 20 to 150 pods in all."""
    deck: list[str] = []
    for number in range(site.rng.randrange(8, 19)):
        workload = _bare(site, number)
        _deal(site, workload, deck)
        site.workloads.append(workload)
    while sum(each.replicas for each in site.workloads) < 20:
        site.rng.choice([each for each in site.workloads if not hopeless(each)]).replicas += 3
    while sum(each.replicas for each in site.workloads) > 150:
        max(site.workloads, key=lambda each: (each.replicas, each.name)).replicas -= 4


def _bare(site: Site, number: int) -> Workload:
    """A workload without rules; its name says nothing of its place in any order."""
    rng = site.rng
    name = f"{rng.choice(LETTERS)}{rng.choice(LETTERS)}-{number:02}"
    cpu, memory = rng.choice([100, 250, 500, 700, 1000]), rng.choice([128, 300, 512, 1024])
    requests = {"cpu": f"{cpu}m", "memory": f"{memory}Mi"}
    container = {"name": "main", "image": "pause", "resources": {"requests": requests}}
    return Workload(
        name=name, namespace=rng.choice(sorted(TEAMS)), replicas=rng.choice(REPLICAS),
        kind=rng.choice(["ReplicaSet", "ReplicaSet", "ReplicaSet", "StatefulSet", "Pod"]),
        labels={"app": name, HASH: f"{rng.randrange(16**6):06x}"},
        spec={"containers": [container], "terminationGracePeriodSeconds": 0},
    )  # fmt: skip


def _deal(site: Site, workload: Workload, deck: list[str]) -> None:
    """Up to four rules of different slots; those that nothing can satisfy come last and to few workloads."""
    rng = site.rng
    hand: list[str] = []
    for _ in range(rng.choice([0, 1, 2, 2, 3, 4])):
        if not deck:
            deck.extend(sorted(name for name, (slot, _) in RULES.items() if slot != "nowhere"))
            rng.shuffle(deck)
        name = deck.pop()
        if RULES[name][0] not in {RULES[each][0] for each in hand}:
            hand.append(name)
    if rng.random() < 0.12:
        hand.append(rng.choice(sorted(name for name, (slot, _) in RULES.items() if slot == "nowhere")))
        workload.replicas = min(workload.replicas, 4)
    for name in hand:
        workload.rules.append(name)
        RULES[name][1](site, workload)


def _controllers(workload: Workload) -> Iterator[Object]:
    """What the pods belong to: the scheduler looks there for a selector to spread pods by that ask for no spread."""
    if workload.kind == "StatefulSet":
        yield _controller(workload, "StatefulSet", workload.name, workload.replicas, workload.own())
    if workload.kind != "ReplicaSet":
        return
    yield _controller(workload, "Deployment", workload.name, workload.replicas, workload.own())
    older = len(workload.runs_on) if workload.revised else 0
    for revision, replicas in ((OLDER, older), (workload.labels[HASH], workload.replicas - older)):
        labels = {"app": workload.name, HASH: revision}
        name = f"{workload.name}-{revision}"
        made_set = _controller(workload, "ReplicaSet", name, replicas, {"matchLabels": labels}, **{HASH: revision})
        made_set["metadata"]["ownerReferences"] = [owner_reference("Deployment", workload.name)]
        if replicas:
            yield made_set


def _controller(workload: Workload, kind: str, name: str, replicas: int, selector: Object, **labels: str) -> Object:
    template = {"metadata": {"labels": workload.labels | labels}, "spec": workload.spec}
    spec = {"replicas": replicas, "selector": selector, "template": template}
    spec |= {"serviceName": name} if kind == "StatefulSet" else {}
    return {**meta("apps/v1", kind, name, namespace=workload.namespace), "spec": spec}


def _pods(workload: Workload, rng: Random) -> Iterator[Object]:
    for number in range(workload.replicas):
        yield _pod(workload, number, f"{rng.randrange(16**5):05x}")


def _pod(workload: Workload, number: int, mark: str) -> Object:
    """One pod as its controller would make it; the first ones run where the workload has nodes for them."""
    stateful, runs = workload.kind == "StatefulSet", number < len(workload.runs_on)
    revision = OLDER if runs and workload.revised else workload.labels[HASH]
    owner = workload.name if stateful else f"{workload.name}-{revision}"
    name = f"{workload.name}-{number}" if stateful else f"{owner}-{mark}"
    labels = workload.labels | {HASH: revision} | ({"statefulset.kubernetes.io/pod-name": name} if stateful else {})
    spec: Object = json.loads(json.dumps(workload.spec)) | ({"nodeName": workload.runs_on[number]} if runs else {})
    if workload.claims:
        spec["volumes"] = [
            {"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{workload.name}-{number}"}}
            for claim, _ in workload.claims
        ]
    pod = meta("v1", "Pod", name, labels=labels, namespace=workload.namespace)
    if workload.kind != "Pod":
        pod["metadata"]["ownerReferences"] = [owner_reference(workload.kind, owner)]
    return {**pod, "spec": spec}


def _claims_and_volumes(workload: Workload) -> Iterator[Object]:
    for number in range(workload.replicas):
        for claim, zone in workload.claims:
            name = f"{claim}-{workload.name}-{number}"
            spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "8Gi"}}}
            made_claim = meta("v1", "PersistentVolumeClaim", name, namespace=workload.namespace)
            if zone:
                made_claim["metadata"]["annotations"] = {"pv.kubernetes.io/bind-completed": "yes"}
                yield volume(f"pv-{name}", workload.namespace, name, zone)
                yield {**made_claim, "spec": {**spec, "storageClassName": "", "volumeName": f"pv-{name}"}}
            else:
                yield {**made_claim, "spec": {**spec, "storageClassName": claim}}
