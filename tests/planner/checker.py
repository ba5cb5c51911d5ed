"""Whether a cluster may look like this: the rules of kube-scheduler over plain manifests, sharing nothing with the planner.

Written from the Kubernetes documentation (assigning pods to nodes, taints and tolerations, pod topology spread
constraints, resource management), for the parts of manifests that the tests make. A cluster is nodes by
name and pods that are bound; ``bind`` binds pods to the nodes that a plan gave them, one at a time, each only while
every filter of the scheduler would let it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import permutations
from typing import Any

Object = dict[str, Any]
SUFFIXES = {
    "m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "Ki": Decimal(2**10),
    "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
}  # fmt: skip
HOST = "kubernetes.io/hostname"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass
class Cluster:
    """Nodes by name, and the pods that are bound, by ``namespace/name``."""

    nodes: dict[str, Object]
    bound: dict[str, tuple[Object, str]] = field(default_factory=dict)
    daemonsets: list[Object] = field(default_factory=list)

    def on(self, node: str) -> list[Object]:
        return [pod for pod, place in self.bound.values() if place == node]


def cluster_of(objects: list[Object]) -> Cluster:
    """What is there: nodes, running pods and daemon sets."""
    cluster = Cluster({one["metadata"]["name"]: one for one in objects if one["kind"] == "Node"})
    for one in objects:
        if one["kind"] == "Pod" and one["spec"].get("nodeName") and one["status"]["phase"] not in ("Succeeded", "Failed"):
            cluster.bound[key(one)] = (one, one["spec"]["nodeName"])
    cluster.daemonsets = [one for one in objects if one["kind"] == "DaemonSet"]
    return cluster


def bind(cluster: Cluster, pods: dict[str, Object], placements: dict[str, str]) -> dict[str, list[str]]:
    """Bind the pods in an order in which the scheduler would. What cannot be bound: pod → why its node refuses it.

    Nobody knows the order in which the scheduler comes to the pods; with rules that look at other pods it matters. One
    order of the workloads that binds them all is enough.
    """
    owners = sorted({owner(pods[name]) for name in placements})
    left: dict[str, list[str]] = {}
    for order in permutations(owners):
        attempt = replace(cluster, bound=dict(cluster.bound))
        todo = {name: placements[name] for name in sorted(placements, key=lambda one: (order.index(owner(pods[one])), one))}
        while name := next((one for one in todo if not refusals(attempt, pods[one], todo[one])), ""):
            attempt.bound[name] = (pods[name], todo.pop(name))
        if not todo:
            return {}
        left = left or {one: refusals(attempt, pods[one], node) for one, node in todo.items()}
    return left


def owner(pod: Object) -> str:
    return next((one["name"] for one in pod["metadata"].get("ownerReferences", ())), key(pod))


def refusals(cluster: Cluster, pod: Object, node: str) -> list[str]:
    """Every filter that keeps the pod off the node."""
    there = cluster.nodes[node]
    checks = {
        "NodeAffinity": chosen(pod, there), "TaintToleration": tolerated(pod, there), "Fit": fits(cluster, pod, node),
        "NodePorts": ports_free(cluster, pod, node), "PodTopologySpread": spread_holds(cluster, pod, there),
        "InterPodAffinity": affinity_holds(cluster, pod, there),
    }  # fmt: skip
    return [name for name, holds in checks.items() if not holds]


def key(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


# Resources


def quantity(text: str | int) -> Decimal:
    text = str(text)
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if text.endswith(suffix):
            return Decimal(text.removesuffix(suffix)) * SUFFIXES[suffix]
    return Decimal(text)


def requests(spec: Object) -> Counter[str]:
    """Containers together, or the largest init container; and a place for the pod itself."""
    total: Counter[str] = Counter()
    for container in spec["containers"]:
        for name, amount in container.get("resources", {}).get("requests", {}).items():
            total[name] += quantity(amount)  # type: ignore[assignment] # exact numbers count too
    for container in spec.get("initContainers", ()):
        for name, amount in container.get("resources", {}).get("requests", {}).items():
            total[name] = max(total[name], quantity(amount))  # type: ignore[assignment, call-overload]
    total["pods"] += 1
    return total


def fits(cluster: Cluster, pod: Object, node: str) -> bool:
    """With every daemon set that will run there counted as if it did."""
    there = cluster.nodes[node]
    used: Counter[str] = Counter()
    for other in cluster.on(node):
        used.update(requests(other["spec"]))
    running = {owner["name"] for other in cluster.on(node) for owner in other["metadata"].get("ownerReferences", ())}
    for daemon in cluster.daemonsets:
        template = {"spec": daemon["spec"]["template"]["spec"]}
        if daemon["metadata"]["name"] not in running and chosen(template, there) and tolerated(template, there):
            used.update(requests(template["spec"]))
    free = {name: quantity(amount) - used[name] for name, amount in there["status"]["allocatable"].items()}
    return all(amount <= free.get(name, 0) for name, amount in requests(pod["spec"]).items() if amount > 0)


def ports_free(cluster: Cluster, pod: Object, node: str) -> bool:
    taken = {port for other in cluster.on(node) for port in host_ports(other)}
    return not taken & host_ports(pod)


def host_ports(pod: Object) -> set[tuple[str, int]]:
    ports = [port for one in pod["spec"]["containers"] for port in one.get("ports", ())]
    return {(port.get("protocol", "TCP"), port["hostPort"]) for port in ports if "hostPort" in port}


# Labels and taints


def labels(one: Object) -> dict[str, str]:
    found: dict[str, str] = one["metadata"].get("labels") or {}
    return found


def chosen(pod: Object, node: Object) -> bool:
    """nodeSelector, and any one of the required node affinity's terms."""
    have, spec = labels(node), pod["spec"]
    if any(have.get(name) != value for name, value in (spec.get("nodeSelector") or {}).items()):
        return False
    required = (spec.get("affinity") or {}).get("nodeAffinity", {}).get(REQUIRED)
    if required is None:
        return True
    return any(all(expression(one, have) for one in term["matchExpressions"]) for term in required["nodeSelectorTerms"])


def expression(one: Object, have: dict[str, str]) -> bool:
    value, values = have.get(one["key"]), one.get("values", [])
    match one["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and int(value) > int(values[0])
        case "Lt":
            return value is not None and int(value) < int(values[0])
    raise AssertionError(one)


def tolerated(pod: Object, node: Object) -> bool:
    taints = [*node["spec"].get("taints", ())]
    if node["spec"].get("unschedulable"):
        taints.append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
    if any(one["type"] == "Ready" and one["status"] != "True" for one in node["status"]["conditions"]):
        taints.append({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
    return all(
        any(tolerates(one, taint) for one in pod["spec"].get("tolerations", ()))
        for taint in taints
        if taint["effect"] != "PreferNoSchedule"
    )


def tolerates(one: Object, taint: Object) -> bool:
    if one.get("effect") and one["effect"] != taint["effect"]:
        return False
    if one.get("operator") == "Exists":
        return one.get("key") in (None, taint["key"])
    return one.get("key") == taint["key"] and (one.get("value") or "") == (taint.get("value") or "")


def selected(selector: Object | None, have: dict[str, str]) -> bool:
    """A label selector of pods: absent selects none, empty selects all."""
    if selector is None:
        return False
    if any(have.get(name) != value for name, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(expression(one, have) for one in selector.get("matchExpressions", ()))


# Rules between pods


def spread_holds(cluster: Cluster, pod: Object, node: Object) -> bool:
    for rule in pod["spec"].get("topologySpreadConstraints", ()):
        if rule["whenUnsatisfiable"] != "DoNotSchedule":
            continue
        domain = labels(node).get(rule["topologyKey"])
        if domain is None:
            return False
        counts = spread_counts(cluster, pod, rule)
        lowest = 0 if len(counts) < rule.get("minDomains", 1) else min(counts.values())
        itself = 1 if selected(rule.get("labelSelector"), labels(pod)) else 0
        if counts.get(domain, 0) + itself - lowest > rule["maxSkew"]:
            return False
    return True


def spread_counts(cluster: Cluster, pod: Object, rule: Object) -> dict[str, int]:
    """Pods per domain, over the nodes that the pod's own node affinity (and, where honoured, its taints) allow."""
    counts: dict[str, int] = {}
    for name, node in cluster.nodes.items():
        domain = labels(node).get(rule["topologyKey"])
        looked_at = rule.get("nodeAffinityPolicy") == "Ignore" or chosen(pod, node)
        if rule.get("nodeTaintsPolicy") == "Honor":
            looked_at = looked_at and tolerated(pod, node)
        if domain is None or not looked_at:
            continue
        counts.setdefault(domain, 0)
        same = [one for one in cluster.on(name) if one["metadata"]["namespace"] == pod["metadata"]["namespace"]]
        counts[domain] += sum(1 for one in same if selected(rule.get("labelSelector"), labels(one)))
    return counts


def affinity_holds(cluster: Cluster, pod: Object, node: Object) -> bool:
    if any(meets(cluster, term, pod, node) for term in terms(pod, "podAntiAffinity")):
        return False
    for other, place in cluster.bound.values():
        for term in terms(other, "podAntiAffinity"):
            if matches(term, other, pod) and same_domain(term, cluster.nodes.get(place), node):
                return False
    wanted = terms(pod, "podAffinity")
    if not wanted or all(meets(cluster, term, pod, node) for term in wanted):
        return all(labels(node).get(term["topologyKey"]) for term in wanted)
    alone = not any(matches(term, pod, other) for term in wanted for other, _ in cluster.bound.values())
    return alone and all(matches(term, pod, pod) and labels(node).get(term["topologyKey"]) for term in wanted)


def terms(pod: Object, kind: str) -> list[Object]:
    found: list[Object] = (pod["spec"].get("affinity") or {}).get(kind, {}).get(REQUIRED, [])
    return found


def meets(cluster: Cluster, term: Object, pod: Object, node: Object) -> bool:
    """Whether a pod that the term looks for is in the node's domain."""
    return any(
        matches(term, pod, other) and same_domain(term, cluster.nodes.get(place), node)
        for other, place in cluster.bound.values()
    )


def matches(term: Object, holder: Object, other: Object) -> bool:
    spaces = term.get("namespaces") or [holder["metadata"]["namespace"]]
    return other["metadata"]["namespace"] in spaces and selected(term.get("labelSelector"), labels(other))


def same_domain(term: Object, one: Object | None, other: Object) -> bool:
    if one is None:
        return False
    domain = labels(one).get(term["topologyKey"])
    return domain is not None and domain == labels(other).get(term["topologyKey"])
