"""Claims that several pods use: who has one keeps others off, or draws them to the same node.

kube-scheduler lets one pod at a time use a ReadWriteOncePod claim. Of ReadWriteOnce it knows nothing, but a disk is
attached to one node at a time: a pod that lands elsewhere never starts, so no node is ordered for it. Volumes that are
mounted over the network have no such bound, whatever their mode says.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from planner import labels as known
from planner.plan import Refusal
from planner.pods import AffinityTerm
from planner.requirements import Requirement, Requirements
from planner.volumes import FILTER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.pods import Needs, Pod
    from planner.snapshot import Claim

    _Key = tuple[str, str]

ONE_POD: Final = ("ReadWriteOncePod",)
#: Begins the label that stands for a claim; no label of Kubernetes has a space in it.
VOLUME_LABEL: Final = "volume "


@dataclass(frozen=True)
class ClaimUsers:
    """Unfinished pods by the claims they use, by (namespace, name): those on nodes, and the first that waits.

    Empty where no pod that waits has any claim.
    """

    running: dict[_Key, list[Pod]] = field(default_factory=dict)
    first: dict[_Key, str] = field(default_factory=dict)
    waiting: dict[_Key, int] = field(default_factory=dict)

    @classmethod
    def of(cls, pods: Iterable[Pod], pending: Iterable[Pod]) -> ClaimUsers:
        found = cls()
        wanted = [pod for pod in pending if pod.needs.claims]
        if not wanted:
            return found
        for pod in pods:
            if pod.needs.claims and pod.node_name and not pod.phase.finished:
                for name in pod.needs.claims:
                    found.running.setdefault((pod.namespace, name), []).append(pod)
        for pod in sorted(wanted, key=lambda one: (-one.needs.priority, one.key)):
            for name in pod.needs.claims:
                found.first.setdefault((pod.namespace, name), pod.key)
                found.waiting[pod.namespace, name] = found.waiting.get((pod.namespace, name), 0) + 1
        return found

    def holds(self, pod: Pod, claim: Claim) -> Refusal | None:
        """Why a ReadWriteOncePod claim is not to be had; None where it is, or is of another kind."""
        if claim.modes != ONE_POD:
            return None
        key = (claim.namespace, claim.name)
        users = self.running.get(key)
        user = users[0].key if users else self.first.get(key, pod.key)
        if user == pod.key:
            return None
        return Refusal(
            node_pool="", filter=FILTER,
            detail=f"claim {claim.namespace}/{claim.name} is for one pod at a time, and {user} comes first",
        )  # fmt: skip

    def together(self, needs: Needs, disks: Iterable[Claim]) -> tuple[Needs, tuple[tuple[str, str], ...]]:
        """What claims of one node that others use too add to a pod's needs and labels."""
        labels: list[tuple[str, str]] = []
        for claim in disks:
            key = (claim.namespace, claim.name)
            places = sorted({pod.node_name for pod in self.running.get(key, ()) if not pod.deleting})
            if places:
                mine = needs.node_names
                allowed = tuple(places) if mine is None else tuple(one for one in mine if one in places)
                needs = replace(needs, node_names=allowed)
            elif self.waiting.get(key, 0) > 1:
                label = f"{VOLUME_LABEL}{claim.name}"
                labels.append((label, ""))
                needs = replace(needs, affinity=(*needs.affinity, _beside(label)))
        return needs, tuple(labels)


def _beside(label: str) -> AffinityTerm:
    return AffinityTerm(
        topology_key=known.HOSTNAME, selector=Requirements((Requirement(label, frozenset({""})),)),
    )  # fmt: skip


def is_volume_term(selector: Requirements | None) -> bool:
    """Whether an affinity stands for a claim that pods share."""
    return bool(selector and selector.items and selector.items[0].key.startswith(VOLUME_LABEL))
