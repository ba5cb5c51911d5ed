"""Whether a cluster may look like this: the rules of kube-scheduler over plain manifests, sharing nothing with the planner.

Written from the Kubernetes documentation (assigning pods to nodes, taints and tolerations, pod topology spread
constraints, resource management, sidecar containers, pod-level resources, storage). A cluster is nodes by name and
pods that are bound; ``bind`` binds pods to the nodes that a plan gave them, one at a time, each only while every
filter of the scheduler would let it.

Pods of equal labels and spec are read once (``Shape``), and what a rule counts is kept as a number per domain
(``Tally``), so that thousands of pods are judged in seconds.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from tests.planner.manifests import (
    REQUIRED,
    Object,
    amounts,
    chosen,
    clash,
    host_ports,
    key,
    labels,
    quantity,
    requests,
    selected,
    term_holds,
    tolerated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["REQUIRED", "Cluster", "Object", "State", "bind", "cluster_of", "key", "quantity", "refusals"]

Audience = tuple[frozenset[str], tuple[str, ...]]  # namespaces, and selectors (JSON) that must all match
HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
NAMESPACE_NAME = "kubernetes.io/metadata.name"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
#: What the DaemonSet controller lets its pods tolerate (concepts/workloads/controllers/daemonset).
DAEMON_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{name}", "operator": "Exists"}
    for name in ("not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")
]
#: So many ways are tried to choose whom to take back where none is free of harm.
CHOICES = 3


@dataclass
class Cluster:
    """Nodes by name, the pods that are bound by ``namespace/name``, and what else decides."""

    nodes: dict[str, Object]
    bound: dict[str, tuple[Object, str]] = field(default_factory=dict)
    daemonsets: list[Object] = field(default_factory=list)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    claims: dict[str, Object] = field(default_factory=dict)
    volumes: dict[str, Object] = field(default_factory=dict)
    classes: dict[str, Object] = field(default_factory=dict)


def cluster_of(objects: Iterable[Object]) -> Cluster:
    """What is there: nodes, running pods and daemon sets, namespaces, volumes."""
    kinds: defaultdict[str, list[Object]] = defaultdict(list)
    for one in objects:
        kinds[one["kind"]].append(one)
    spaces = {one["metadata"]["name"]: labels(one) for one in kinds["Namespace"]}
    spaces |= {one["metadata"].get("namespace", "default"): {} for one in kinds["Pod"]} | spaces
    running = [one for one in kinds["Pod"] if one["spec"].get("nodeName") and not _finished(one)]
    return Cluster(
        nodes=_by_name(kinds["Node"]), bound={key(one): (one, one["spec"]["nodeName"]) for one in running},
        daemonsets=kinds["DaemonSet"],
        namespaces={name: {NAMESPACE_NAME: name} | have for name, have in spaces.items()},
        claims={key(one): one for one in kinds["PersistentVolumeClaim"]},
        volumes=_by_name(kinds["PersistentVolume"]), classes=_by_name(kinds["StorageClass"]),
    )  # fmt: skip


def _by_name(objects: Iterable[Object]) -> dict[str, Object]:
    return {one["metadata"]["name"]: one for one in objects}


def _finished(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def owner(pod: Object) -> str:
    return next((one["name"] for one in pod["metadata"].get("ownerReferences", ())), key(pod))


# Binding, in an order in which the scheduler would


def bind(cluster: Cluster, pods: Mapping[str, Object], placements: Mapping[str, str]) -> dict[str, list[str]]:
    """Bind the pods in an order in which the scheduler would. What cannot be bound: pod → why its node refuses it.

    Nobody knows the order in which the scheduler comes to the pods. For most filters it does not matter; for spread and
    affinity one order that binds them all is enough, and ``Undoing`` looks for it from its end.
    """
    shapes: dict[str, Shape] = {}
    best: dict[str, list[str]] | None = None
    for choice in range(CHOICES):
        state, refused, placed = State(cluster, shapes), dict[str, list[str]](), list[str]()
        for name in sorted(placements):
            state.shape(pods[name])  # whatever their rules look at is known before the first is bound
        for name in sorted(placements):
            if why := state.lasting(pods[name], placements[name]):
                refused[name] = why
            else:
                state.put(pods[name], placements[name])
                placed.append(name)
        undoing = Undoing(state, {name: (state.shape(pods[name]), placements[name]) for name in placed})
        refused |= {name: ["PodTopologySpread or InterPodAffinity"] for name in undoing.undo(choice)}
        if best is None or len(refused) < len(best):
            best = refused
        if not undoing.left:
            break
    return best or {}


# What a pod's manifest says


@dataclass(frozen=True)
class Spread:
    """A constraint that forbids: how many more than in the emptiest domain a domain may hold."""

    key: str
    skew: int
    least_domains: int
    itself: bool
    tally: Tally


@dataclass
class Shape:
    """What pods of equal labels and spec ask for, with the tallies that their rules look at."""

    namespace: str
    labels: dict[str, str]
    spec: Object
    requests: dict[str, int]
    ports: frozenset[tuple[str, str, int]]
    deleting: bool = False
    spreads: list[Spread] = field(default_factory=list)
    apart: list[Tally] = field(default_factory=list)
    held: list[Tally] = field(default_factory=list)
    together: list[Tally] = field(default_factory=list)
    first: bool = False


class Tally:
    """Pods per value of a node label: of those that an audience finds, on the nodes that are looked at."""

    def __init__(self, key: str, audience: Audience, nodes: frozenset[str] | None, domains: Iterable[str] = ()) -> None:
        self.key, self.audience, self.nodes = key, audience, nodes
        self.counts: Counter[str] = Counter()
        self.total = 0
        self.domains = frozenset(domains)
        self._levels = Counter({0: len(self.domains)})
        self._lowest = 0

    def add(self, node: str, have: Mapping[str, str]) -> None:
        domain = have.get(self.key)
        if domain is None or (self.nodes is not None and node not in self.nodes):
            return
        if domain in self.domains:
            self._levels[self.counts[domain]] -= 1
            self._levels[self.counts[domain] + 1] += 1
        self.counts[domain] += 1
        self.total += 1

    def remove(self, domain: str) -> None:
        if domain in self.domains:
            self._levels[self.counts[domain]] -= 1
            self._levels[self.counts[domain] - 1] += 1
            self._lowest = min(self._lowest, self.counts[domain] - 1)
        self.counts[domain] -= 1
        self.total -= 1

    def lowest(self, least_domains: int) -> int:
        """The emptiest domain's count; none, while there are too few domains."""
        if len(self.domains) < least_domains or not self.domains:
            return 0
        while not self._levels[self._lowest]:
            self._lowest += 1
        return self._lowest


class State:
    """A cluster while pods are bound to it."""

    def __init__(self, cluster: Cluster, shapes: dict[str, Shape] | None = None) -> None:
        self.cluster = cluster
        self._shapes: dict[str, Shape] = {}
        self._by_name: dict[str, Shape] = {}
        self._eligible: dict[tuple[tuple[str, ...], str, str], frozenset[str]] = {}
        self._tallies: dict[object, Tally] = {}
        self._holders: dict[object, Tally] = {}
        self._counted: dict[tuple[int, int], list[Tally]] = {}
        self._threats: dict[tuple[int, int], list[Tally]] = {}
        self._read = shapes if shapes is not None else {}
        self.labels = {name: labels(node) for name, node in cluster.nodes.items()}
        self.free = {name: amounts(node["status"]["allocatable"]) for name, node in cluster.nodes.items()}
        self.ports: dict[str, set[tuple[str, str, int]]] = {name: set() for name in cluster.nodes}
        self._bound: list[tuple[Shape, str]] = []
        for pod, node in cluster.bound.values():
            if node in cluster.nodes:
                self._put(self.shape(pod), node)
        self._reserve_daemons()

    def bind(self, pod: Object, node: str) -> bool:
        """Bind the pod if no filter objects."""
        if self.refusals(pod, node):
            return False
        self.put(pod, node)
        return True

    def put(self, pod: Object, node: str) -> None:
        """Bind the pod whatever the filters say."""
        self._put(self.shape(pod), node)

    def refusals(self, pod: Object, node: str) -> list[str]:
        """Every filter that keeps the pod off the node."""
        shape, found = self.shape(pod), self.lasting(pod, node)
        if not all(_spread_holds(rule, self.labels[node]) for rule in shape.spreads):
            found.append("PodTopologySpread")
        if "InterPodAffinity" not in found and not self._together(shape, self.labels[node]):
            found.append("InterPodAffinity")
        return found

    def lasting(self, pod: Object, node: str) -> list[str]:
        """The filters that keep the pod off the node in whatever order pods come: one that holds later holds now."""
        shape, there = self.shape(pod), self.cluster.nodes[node]
        checks = {
            "Fit": all(left <= self.free[node].get(name, 0) for name, left in shape.requests.items() if left > 0),
            "NodePorts": not any(clash(one, two) for one in shape.ports for two in self.ports[node]),
            "NodeAffinity": chosen(shape.spec, there),
            "TaintToleration": tolerated(shape.spec.get("tolerations", ()), there),
            "VolumeBinding": not shape.spec.get("volumes") or _volumes_allow(self.cluster, pod, there),
            "InterPodAffinity": self._apart(shape, self.labels[node]),
        }
        return [name for name, holds in checks.items() if not holds]

    def _apart(self, shape: Shape, have: Mapping[str, str]) -> bool:
        tallies = (*shape.apart, *self._found(shape, self._holders, self._threats))
        return not any(tally.counts[have[tally.key]] for tally in tallies if tally.key in have)

    def _together(self, shape: Shape, have: Mapping[str, str]) -> bool:
        if not all(tally.key in have for tally in shape.together):
            return False
        if all(tally.counts[have[tally.key]] for tally in shape.together):
            return True
        return shape.first and not any(tally.total for tally in shape.together)

    def counting(self, shape: Shape, node: str) -> list[tuple[Tally, str]]:
        """The tallies that count such a pod on this node, with its domain."""
        return [
            (tally, self.labels[node][tally.key])
            for tally in self._found(shape, self._tallies, self._counted)
            if tally.key in self.labels[node] and (tally.nodes is None or (node in tally.nodes and not shape.deleting))
        ]

    def _put(self, shape: Shape, node: str) -> None:
        have, free = self.labels[node], self.free[node]
        for name, amount in shape.requests.items():
            free[name] = free.get(name, 0) - amount
        self.ports[node] |= shape.ports
        self._bound.append((shape, node))
        for tally, _ in self.counting(shape, node):  # a spread does not count pods that are leaving
            tally.add(node, have)
        for tally in shape.held:
            tally.add(node, have)

    def _found(
        self, shape: Shape, tallies: dict[object, Tally], known: dict[tuple[int, int], list[Tally]]
    ) -> list[Tally]:
        """The tallies that a pod of this shape is counted in; looked up once as long as no new ones come."""
        at = (id(shape), len(tallies))
        if at not in known:
            known[at] = [one for one in tallies.values() if _finds(one.audience, shape)]
        return known[at]

    def _reserve_daemons(self) -> None:
        """Every daemon set that will run on a node is counted there as if it did."""
        there: defaultdict[str, set[str]] = defaultdict(set)
        for pod, place in self.cluster.bound.values():
            there[place].update(one["name"] for one in pod["metadata"].get("ownerReferences", ()))
        for daemon in self.cluster.daemonsets:
            spec = daemon["spec"]["template"]["spec"]
            tolerations = [*spec.get("tolerations", ()), *DAEMON_TOLERATIONS]
            asked, ports = requests(spec), host_ports(spec)
            for name, node in self.cluster.nodes.items():
                if daemon["metadata"]["name"] not in there[name] and chosen(spec, node) and tolerated(tolerations, node):
                    self.free[name] = {one: left - asked.get(one, 0) for one, left in self.free[name].items()}
                    self.ports[name] |= ports

    # Reading pods

    def shape(self, pod: Object) -> Shape:
        name = key(pod)
        if name not in self._by_name:
            self._by_name[name] = self._shape_of(pod)
        return self._by_name[name]

    def _shape_of(self, pod: Object) -> Shape:
        spec = pod["spec"]
        told = [pod["metadata"].get("namespace", "default"), labels(pod), {**spec, "nodeName": ""}, "deletionTimestamp" in pod["metadata"]]
        text = json.dumps(told, sort_keys=True)
        if text not in self._shapes:
            namespace, have, deleting = told[0], labels(pod), told[3]
            read = self._read.get(text) or Shape(namespace, have, spec, requests(spec), host_ports(spec), deleting)
            self._read[text] = read
            self._shapes[text] = shape = Shape(namespace, have, spec, read.requests, read.ports, deleting)
            self._read_rules(shape)
        return self._shapes[text]

    def _read_rules(self, shape: Shape) -> None:
        wanted = [rule for rule in shape.spec.get("topologySpreadConstraints", ()) if rule["whenUnsatisfiable"] == "DoNotSchedule"]
        keys = tuple(sorted({rule["topologyKey"] for rule in wanted}))
        shape.spreads = [self._spread(shape, rule, keys) for rule in wanted]
        for term in terms(shape.spec, "podAntiAffinity"):
            audience = self._audience(shape, term)
            shape.apart.append(self._tally(term["topologyKey"], audience))
            shape.held.append(self._tally(term["topologyKey"], audience, held=True))
        looked_for = terms(shape.spec, "podAffinity")
        heard = [self._audience(shape, term) for term in looked_for]
        if heard:  # the scheduler looks for pods that match every term at once
            all_of_them = (frozenset.intersection(*(one[0] for one in heard)), tuple(sorted({each for one in heard for each in one[1]})))
            shape.together = [self._tally(term["topologyKey"], all_of_them) for term in looked_for]
            shape.first = _finds(all_of_them, shape)

    def _spread(self, shape: Shape, rule: Object, keys: tuple[str, ...]) -> Spread:
        selector = _with_keys(rule.get("labelSelector"), rule.get("matchLabelKeys", ()), shape.labels, "In")
        audience = (frozenset({shape.namespace}), (json.dumps(selector, sort_keys=True),))
        nodes = self._looked_at(
            keys,
            _where(shape.spec) if rule.get("nodeAffinityPolicy", "Honor") == "Honor" else "",
            json.dumps(shape.spec.get("tolerations", [])) if rule.get("nodeTaintsPolicy") == "Honor" else "",
        )
        tally = self._tally(rule["topologyKey"], audience, nodes=nodes)
        return Spread(rule["topologyKey"], rule["maxSkew"], rule.get("minDomains") or 1, _finds(audience, shape), tally)

    def _looked_at(self, keys: tuple[str, ...], where: str, tolerations: str) -> frozenset[str]:
        """The nodes that have all keys and that the pod's own affinity and, where honoured, its taints allow."""
        if (keys, where, tolerations) not in self._eligible:
            spec, tolerating = json.loads(where or "{}"), json.loads(tolerations) if tolerations else None
            self._eligible[keys, where, tolerations] = frozenset(
                name for name, node in self.cluster.nodes.items()
                if all(one in self.labels[name] for one in keys) and chosen(spec, node)
                and (tolerating is None or tolerated(tolerating, node))
            )  # fmt: skip
        return self._eligible[keys, where, tolerations]

    def _tally(
        self, key: str, audience: Audience, *, nodes: frozenset[str] | None = None, held: bool = False
    ) -> Tally:
        among = self._holders if held else self._tallies
        at = (key, audience, nodes)
        if at not in among:
            domains = {self.labels[name][key] for name in nodes} if nodes is not None else ()
            tally = among[at] = Tally(key, audience, nodes, domains)
            for shape, node in self._bound if not held else ():
                if _finds(audience, shape) and not (shape.deleting and nodes is not None):
                    tally.add(node, self.labels[node])
        return among[at]

    def _audience(self, shape: Shape, term: Object) -> Audience:
        spaces = set(term.get("namespaces") or ())
        if "namespaceSelector" in term and term["namespaceSelector"] is not None:
            spaces |= {name for name, have in self.cluster.namespaces.items() if selected(term["namespaceSelector"], have)}
        elif not spaces:
            spaces = {shape.namespace}
        selector = _with_keys(term.get("labelSelector"), term.get("matchLabelKeys", ()), shape.labels, "In")
        selector = _with_keys(selector, term.get("mismatchLabelKeys", ()), shape.labels, "NotIn")
        return frozenset(spaces), (json.dumps(selector, sort_keys=True),)


@dataclass
class Alike:
    """Pods that spread and affinity cannot tell apart.

    ``counted`` are the tallies that count them; ``spreads`` are rules, the domain, and whether the rule counts the pod;
    ``together`` are what affinity looks for, the domain, and the same.
    """

    counted: tuple[tuple[Tally, str], ...]
    spreads: tuple[tuple[Spread, str, bool], ...]
    together: tuple[tuple[Tally, str, bool], ...]
    first: bool
    names: list[str] = field(default_factory=list)


class Undoing:
    """An order of arrival, found from its end: pods are taken back, each only if it could have come last.

    Taking back a pod from a domain that is not the emptiest never harms another, so all such come first, in any order.
    Where only pods are left whose going lowers a minimum, or takes away the last that an affinity looks for, one goes
    that harms the fewest.
    """

    def __init__(self, state: State, placed: Mapping[str, tuple[Shape, str]]) -> None:
        self.left: list[str] = []
        self._waiting: defaultdict[Tally, Counter[tuple[str, int]]] = defaultdict(Counter)
        self._followers: Counter[tuple[Tally, str, bool]] = Counter()
        self._sought = {tally for shape, _ in placed.values() for tally in shape.together}
        for shape, node in placed.values():
            for rule in shape.spreads:
                self._waiting[rule.tally][state.labels[node].get(rule.key, ""), rule.skew] += 1
        kinds: dict[object, Alike] = {}
        for name, (shape, node) in placed.items():
            alike = self._alike(state, shape, node)
            same = kinds.setdefault((alike.counted, alike.spreads, alike.together, alike.first), alike)
            same.names.append(name)
            self._followers.update(alike.together)
        self._kinds = list(kinds.values())

    def _alike(self, state: State, shape: Shape, node: str) -> Alike:
        have, counting = state.labels[node], state.counting(shape, node)
        counted = {one for one, _ in counting}
        together = tuple((tally, have.get(tally.key, ""), tally in counted) for tally in shape.together)
        spreads = tuple((rule, have.get(rule.key, ""), rule.tally in counted) for rule in shape.spreads)
        relevant = tuple((one, domain) for one, domain in counting if one in self._sought or one in self._waiting)
        return Alike(relevant, spreads, together, shape.first)

    def undo(self, choice: int) -> list[str]:
        """Take back all pods; those that could not have come last at any time. ``choice`` breaks ties."""
        while self._take_harmless():
            found = [
                (self._harm(one), bool(one.spreads or one.together) == (choice == 1), number)
                for number, one in enumerate(self._kinds) if one.names and self._could_be_last(one)
            ]  # fmt: skip
            if not found:
                break
            order = min(found, key=lambda each: (each[1], each[0], each[2])) if choice == 2 else min(found)
            self._take(self._kinds[order[2]])
        self.left = sorted(name for one in self._kinds for name in one.names)
        return self.left

    def _take_harmless(self) -> bool:
        """Take back whoever harms nobody; whether any are left."""
        going = True
        while going:
            going = False
            for one in self._kinds:
                while one.names and self._could_be_last(one) and not self._harm(one):
                    self._take(one)
                    going = True
            self._kinds = [one for one in self._kinds if one.names]
        return bool(self._kinds)

    def _could_be_last(self, one: Alike) -> bool:
        for rule, domain, counted in one.spreads:
            tally = rule.tally
            lowest = tally.lowest(rule.least_domains)
            alone = counted and domain in tally.domains and lowest > 0 and tally.counts[domain] == lowest
            if not domain or tally.counts[domain] - counted + rule.itself - (lowest - alone) > rule.skew:
                return False
        if all(domain and tally.counts[domain] > counted for tally, domain, counted in one.together):
            return True
        alone = all(tally.total == counted for tally, _, counted in one.together)
        return one.first and alone and all(domain for _, domain, _ in one.together)

    def _harm(self, one: Alike) -> int:
        """How many others could not be taken back any more, as things then stand."""
        own = {(rule.tally, domain, rule.skew) for rule, domain, _ in one.spreads}
        harm = 0
        for tally, domain in one.counted:
            if tally.nodes is None:
                harm += self._forsaken(tally, domain, one)
            elif domain in tally.domains and tally.counts[domain] == (lowest := tally.lowest(1)):
                for (other, skew), count in self._waiting[tally].items():
                    if other != domain and tally.counts[other] - lowest + 1 > skew:
                        harm += count - ((tally, other, skew) in own)
        return harm

    def _forsaken(self, tally: Tally, domain: str, one: Alike) -> int:
        """Pods whose affinity would find nothing in the domain; the very first of its kind needs nobody."""
        itself = {counted for mine, at, counted in one.together if (mine, at) == (tally, domain)}
        others = {flag: self._followers[tally, domain, flag] - (flag in itself) for flag in (True, False)}
        after = tally.counts[domain] - 1
        if after == 0:
            return others[True] + others[False]
        return others[True] if after == 1 and tally.total > 2 else 0

    def _take(self, one: Alike) -> None:
        one.names.pop()
        for tally, domain in one.counted:
            tally.remove(domain)
        for rule, domain, _ in one.spreads:
            self._waiting[rule.tally][domain, rule.skew] -= 1
        self._followers.subtract(one.together)


def refusals(cluster: Cluster, pod: Object, node: str) -> list[str]:
    """Every filter that keeps the pod off the node, as the cluster is."""
    return State(cluster).refusals(pod, node)


def _finds(audience: Audience, shape: Shape) -> bool:
    spaces, selectors = audience
    return shape.namespace in spaces and all(selected(_loaded(text), shape.labels) for text in selectors)


@cache
def _loaded(text: str) -> Object | None:
    found: Object | None = json.loads(text)
    return found


def _with_keys(selector: Object | None, keys: Iterable[str], have: Mapping[str, str], operator: str) -> Object | None:
    """A label selector narrowed to pods with the same (or another) value of some labels that the pod itself has."""
    more = [{"key": one, "operator": operator, "values": [have[one]]} for one in keys if one in have]
    if selector is None or not more:
        return selector
    return {**selector, "matchExpressions": [*selector.get("matchExpressions", ()), *more]}


def _where(spec: Object) -> str:
    required = (spec.get("affinity") or {}).get("nodeAffinity", {}).get(REQUIRED)
    affinity = {"nodeAffinity": {REQUIRED: required}} if required is not None else {}
    return json.dumps({"nodeSelector": spec.get("nodeSelector") or {}, "affinity": affinity}, sort_keys=True)


def _spread_holds(rule: Spread, have: Mapping[str, str]) -> bool:
    domain = have.get(rule.key)
    if domain is None:
        return False
    return rule.tally.counts[domain] + rule.itself - rule.tally.lowest(rule.least_domains) <= rule.skew


def terms(spec: Object, kind: str) -> list[Object]:
    found: list[Object] = (spec.get("affinity") or {}).get(kind, {}).get(REQUIRED) or []
    return found


# Volumes


def _volumes_allow(cluster: Cluster, pod: Object, node: Object) -> bool:
    space = pod["metadata"].get("namespace", "default")
    names = [one["persistentVolumeClaim"]["claimName"] for one in pod["spec"]["volumes"] if "persistentVolumeClaim" in one]
    names += [f"{pod['metadata']['name']}-{one['name']}" for one in pod["spec"]["volumes"] if "ephemeral" in one]
    return all(_claim_allows(cluster, cluster.claims.get(f"{space}/{name}"), node) for name in names)


def _claim_allows(cluster: Cluster, claim: Object | None, node: Object) -> bool:
    """A bound claim goes where its volume is; an unbound one where its class would make a volume."""
    if claim is None:
        return False
    if bound := claim["spec"].get("volumeName"):
        required = (cluster.volumes[bound]["spec"].get("nodeAffinity") or {}).get("required")
        return required is None or any(term_holds(term, node) for term in required["nodeSelectorTerms"])
    usual = next((name for name, one in cluster.classes.items() if (one["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"), None)
    name = claim["spec"].get("storageClassName", usual)
    found = cluster.classes.get(name) if name else None
    if found is None or found.get("volumeBindingMode") != "WaitForFirstConsumer":
        return False
    places = found.get("allowedTopologies") or []
    return not places or any(
        all(labels(node).get(one["key"]) in one["values"] for one in place["matchLabelExpressions"]) for place in places
    )
