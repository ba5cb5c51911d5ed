"""How many volumes a node attaches, as a resource of nodes and a request of pods, so that amounts decide it.

kube-scheduler's NodeVolumeLimits counts each volume once a node, for every CSI driver that sets a limit in the node's
CSINode. A node without one gets the least that any node has; where no node says anything, the limit that OVHcloud
publishes for MKS stands in for its own driver, and other drivers have none.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from planner.parted import Parted
from planner.resources import ATTACHABLE, Resources
from planner.volumes import CINDER, VolumeIndex

if TYPE_CHECKING:
    from planner.nodes import Node
    from planner.pods import Pod
    from planner.snapshot import Snapshot

#: "Known limits" of OVHcloud's Managed Kubernetes: persistent volumes per node.
CINDER_PER_NODE: Final = 254


def with_attach_limits(snapshot: Snapshot, parted: Parted | None = None) -> Snapshot:
    """The snapshot with attachable volumes as amounts; the same one where no pod that waits has a limited volume."""
    parted = Parted.known(snapshot, parted)
    waiting = [pod for pod in parted.loose if pod.needs.claims and not pod.phase.finished]
    if not snapshot.nodes or not waiting:
        return snapshot
    used = [*(pod for pod in parted.bound.with_claims if not pod.phase.finished), *waiting]
    volumes = VolumeIndex.of(snapshot)
    drivers = {pod.key: [(volumes.driver(pod.namespace, name), name) for name in pod.needs.claims] for pod in used}
    wanted = sorted({driver for pod in used if not pod.node_name for driver, _ in drivers[pod.key] if driver})
    least = {driver: limit for driver in wanted if (limit := _least(snapshot, driver)) is not None}
    if not least:
        return snapshot
    counted = _counted(used, drivers, volumes, frozenset(least))
    given = {one.name: dict(one.counts) for one in snapshot.volume_limits}
    return replace(
        snapshot,
        nodes=tuple(_with_room(node, {**least, **given.get(node.name, {})}, least) for node in snapshot.nodes),
        pods=tuple(_with_volumes(pod, counted[pod.key]) if counted.get(pod.key) else pod for pod in snapshot.pods),
    )


def _least(snapshot: Snapshot, driver: str) -> int | None:
    counts = (dict(one.counts).get(driver) for one in snapshot.volume_limits)
    return min((count for count in counts if count is not None), default=CINDER_PER_NODE if driver == CINDER else None)


def _counted(
    pods: list[Pod], drivers: dict[str, list[tuple[str, str]]], volumes: VolumeIndex, limited: frozenset[str]
) -> dict[str, Counter[str]]:
    """Volumes by driver for each pod. One that pods share on a node, or will, is counted with the first of them."""
    seen: set[tuple[str, str, str]] = set()
    found: dict[str, Counter[str]] = {}
    for pod in sorted(pods, key=lambda one: (not one.node_name, -one.needs.priority, one.key)):
        counts: Counter[str] = Counter()
        for driver, name in drivers[pod.key]:
            claim = volumes.claims.get((pod.namespace, name))
            shared = claim is not None and volumes.is_disk(claim)
            # Whoever waits for a claim of one node ends on that node; others may each be on a node of their own.
            place = "" if shared else pod.node_name or pod.key
            if driver in limited and (place, pod.namespace, name) not in seen:
                seen.add((place, pod.namespace, name))
                counts[driver] += 1
        found[pod.key] = counts
    return found


def _with_room(node: Node, counts: dict[str, int], limited: dict[str, int]) -> Node:
    room = Resources.of({f"{ATTACHABLE}{driver}": count for driver, count in counts.items() if driver in limited})
    return replace(node, allocatable=node.allocatable.plus(room))


def _with_volumes(pod: Pod, counts: Counter[str]) -> Pod:
    asked = Resources.of({f"{ATTACHABLE}{driver}": count for driver, count in counts.items()})
    return replace(pod, needs=replace(pod.needs, requests=pod.needs.requests.plus(asked)))
