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
from itertools import islice, permutations
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
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
#: So often it is tried again with the pods first that were left out; then so many orders of so few workloads.
ATTEMPTS, ORDERS, FEW = 8, 120, 8


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

    Nobody knows the order in which the scheduler comes to the pods; with rules that look at other pods it matters. One
    order that binds them all is enough. The first that are tried are considerate: a pod that would close its domain to
    others that are to come there waits for them. Then, as long as workloads are few, come orders of the workloads.
    """
    best: dict[str, list[str]] | None = None
    shapes: dict[str, Shape] = {}
    names, urgent = _ranked(cluster, pods, placements), list[str]()
    orders = _orders(pods, placements)
    for attempt in range(ATTEMPTS + ORDERS):
        state = State(cluster, shapes)
        if attempt < ATTEMPTS:
            left = _considerately(state, pods, placements, names, urgent)
            urgent += [name for name in left if name not in urgent]
        elif (layers := next(orders, None)) is not None:
            left = _in_layers(state, pods, placements, layers)
        else:
            break
        if not left:
            return {}
        if best is None or len(left) < len(best):
            best = {name: state.refusals(pods[name], placements[name]) for name in left}
    return best or {}


def _considerately(
    state: State, pods: Mapping[str, Object], placements: Mapping[str, str], names: Sequence[str], urgent: Sequence[str]
) -> list[str]:
    """First those that look at others, but nobody who would close a domain to one who is to come there; while these are
    stuck, pods without rules come where they lift the emptiest domain; then whoever closes a door to the fewest. The
    urgent ones do not ask.
    """
    state.expect(pods, placements)
    hurried = set(urgent).difference(_in_layers(state, pods, placements, [urgent]))
    ruled = [name for name in names if _has_rules(pods[name]) and name not in hurried]
    plain = [name for name in names if not _has_rules(pods[name]) and name not in hurried]

    def bound(among: list[str], *, gently: bool = True, lifting: bool = False) -> list[str]:
        return [name for name in among if not state.bind(pods[name], placements[name], gently=gently, lifting=lifting)]

    while ruled:
        before = len(ruled), len(plain)
        ruled = bound(ruled)
        if len(ruled) < before[0]:
            continue
        plain = bound(plain, lifting=True)
        if len(plain) == before[1]:
            doors = [(state.closes(pods[name], placements[name]), at, name) for at, name in enumerate(ruled)]
            least = min((one for one in doors if one[0] >= 0), default=(0, 0, ""))[2]
            ruled = [name for name in ruled if name != least or bound([name], gently=False)]
            plain = plain if least else bound(plain)
        if (len(ruled), len(plain)) == before:
            break
    return _in_layers(state, pods, placements, [[*plain, *ruled]])


def _in_layers(
    state: State, pods: Mapping[str, Object], placements: Mapping[str, str], layers: Iterable[Sequence[str]]
) -> list[str]:
    """Come to the pods layer by layer, those that were refused before included; the pods that are still refused."""
    waiting: list[str] = []
    for layer in layers:
        waiting += layer
        tried = -1
        while waiting and len(waiting) != tried:
            tried = len(waiting)
            waiting = [name for name in waiting if not state.bind(pods[name], placements[name])]
    return waiting


def _orders(pods: Mapping[str, Object], placements: Mapping[str, str]) -> Iterator[list[list[str]]]:
    """Orders of the workloads, as long as they are few."""
    names = sorted(placements)
    owners = sorted({owner(pods[name]) for name in names})
    if len(owners) <= FEW and any(_has_rules(pods[name]) for name in names):
        for order in islice(permutations(owners), ORDERS):
            yield [[name for name in names if owner(pods[name]) == one] for one in order]


def _ranked(cluster: Cluster, pods: Mapping[str, Object], placements: Mapping[str, str]) -> list[str]:
    """By a pod's number among those of its labels and zone: so zones are filled evenly."""
    seen: Counter[tuple[str, str]] = Counter()
    ranks = {}
    for name in sorted(placements):
        zone = labels(cluster.nodes[placements[name]]).get(ZONE, "")
        kind = (json.dumps(labels(pods[name]), sort_keys=True), zone)
        ranks[name] = seen[kind]
        seen[kind] += 1
    return sorted(ranks, key=lambda name: (ranks[name], name))


def _has_rules(pod: Object) -> bool:
    return bool(pod["spec"].get("topologySpreadConstraints") or (pod["spec"].get("affinity") or {}).get("podAffinity"))


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
        self._domains = frozenset(domains)
        self._levels = Counter({0: len(self._domains)})
        self._lowest = 0

    def add(self, node: str, have: Mapping[str, str]) -> None:
        domain = have.get(self.key)
        if domain is None or (self.nodes is not None and node not in self.nodes):
            return
        if domain in self._domains:
            self._levels[self.counts[domain]] -= 1
            self._levels[self.counts[domain] + 1] += 1
        self.counts[domain] += 1
        self.total += 1

    def would_be(self, domain: str) -> int:
        """How far the domain would be above the emptiest, had it one more."""
        lowest = self.lowest(1)
        alone = self.counts[domain] == lowest and self._levels[lowest] == 1 and domain in self._domains
        return self.counts[domain] + 1 - lowest - alone

    def lowest(self, least_domains: int) -> int:
        """The emptiest domain's count; none, while there are too few domains."""
        if len(self._domains) < least_domains or not self._domains:
            return 0
        while not self._levels[self._lowest]:
            self._lowest += 1  # counts only ever grow
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
        self._expected: defaultdict[tuple[Tally, str], Counter[int]] = defaultdict(Counter)
        self._read = shapes if shapes is not None else {}
        self.labels = {name: labels(node) for name, node in cluster.nodes.items()}
        self.free = {name: amounts(node["status"]["allocatable"]) for name, node in cluster.nodes.items()}
        self.ports: dict[str, set[tuple[str, str, int]]] = {name: set() for name in cluster.nodes}
        self._bound: list[tuple[Shape, str]] = []
        for pod, node in cluster.bound.values():
            if node in cluster.nodes:
                self._put(self.shape(pod), node)
        self._reserve_daemons()

    def bind(self, pod: Object, node: str, *, gently: bool = False, lifting: bool = False) -> bool:
        """Bind the pod if no filter objects; ``gently``: if it closes no door; ``lifting``: if it lifts a minimum."""
        shape = self.shape(pod)
        if lifting and not self._lifts(shape, node):
            return False
        if any(True for _ in self._objections(shape, pod, node)) or (gently and self._closed(shape, node)):
            return False
        self._put(shape, node)
        for rule in shape.spreads:
            self._expected[rule.tally, self.labels[node][rule.key]][rule.skew - rule.itself] -= 1
        return True

    def closes(self, pod: Object, node: str) -> int:
        """To how many pods that are to come the pod would close its domains; -1 where it may not go itself."""
        shape = self.shape(pod)
        return -1 if any(True for _ in self._objections(shape, pod, node)) else self._closed(shape, node)

    def expect(self, pods: Mapping[str, Object], placements: Mapping[str, str]) -> None:
        """Know of pods that are to come: whatever their rules look at, and where they will be."""
        for name in placements:
            self.shape(pods[name])
        for name, node in placements.items():
            for rule in self.shape(pods[name]).spreads:
                if rule.key in self.labels[node]:
                    self._expected[rule.tally, self.labels[node][rule.key]][rule.skew - rule.itself] += 1

    def _closed(self, shape: Shape, node: str) -> int:
        """How many others whose spreads look at the pod would find no room in its domain."""
        own = {(id(rule.tally), rule.skew - rule.itself) for rule in shape.spreads}
        closed = 0
        for tally, domain in self._awaited(shape, node):
            above = tally.would_be(domain)
            for allowed, count in self._expected[tally, domain].items():
                if above > allowed:
                    closed += count - ((id(tally), allowed) in own)
        return closed

    def _lifts(self, shape: Shape, node: str) -> bool:
        """Whether the pod comes to an emptiest domain of a spread that others still look at."""
        looked_at = (one for one in self._found(shape, self._tallies, self._counted) if one.nodes is not None)
        return any(
            node in (one.nodes or ()) and one.counts[self.labels[node][one.key]] == one.lowest(1) for one in looked_at
        )

    def _awaited(self, shape: Shape, node: str) -> Iterator[tuple[Tally, str]]:
        """The spreads that would count the pod, with its domain, where others are to come to that domain."""
        for tally in self._found(shape, self._tallies, self._counted):
            if tally.nodes is not None and node in tally.nodes and (tally, self.labels[node][tally.key]) in self._expected:
                yield tally, self.labels[node][tally.key]

    def refusals(self, pod: Object, node: str) -> list[str]:
        """Every filter that keeps the pod off the node."""
        return list(self._objections(self.shape(pod), pod, node))

    def _objections(self, shape: Shape, pod: Object, node: str) -> Iterator[str]:
        have = self.labels[node]
        if not all(amount <= self.free[node].get(name, 0) for name, amount in shape.requests.items() if amount > 0):
            yield "Fit"
        if shape.ports and any(clash(one, two) for one in shape.ports for two in self.ports[node]):
            yield "NodePorts"
        if not chosen(shape.spec, self.cluster.nodes[node]):
            yield "NodeAffinity"
        if not tolerated(shape.spec.get("tolerations", ()), self.cluster.nodes[node]):
            yield "TaintToleration"
        if not all(_spread_holds(rule, have) for rule in shape.spreads):
            yield "PodTopologySpread"
        if not self._affinity_holds(shape, have):
            yield "InterPodAffinity"
        if shape.spec.get("volumes") and not _volumes_allow(self.cluster, pod, self.cluster.nodes[node]):
            yield "VolumeBinding"

    def _affinity_holds(self, shape: Shape, have: Mapping[str, str]) -> bool:
        if any(tally.counts[have[tally.key]] for tally in shape.apart if tally.key in have):
            return False
        if any(tally.counts[have[tally.key]] for tally in self._found(shape, self._holders, self._threats) if tally.key in have):
            return False
        if not all(tally.key in have for tally in shape.together):
            return False
        if all(tally.counts[have[tally.key]] for tally in shape.together):
            return True
        return shape.first and not any(tally.total for tally in shape.together)

    def _put(self, shape: Shape, node: str) -> None:
        have, free = self.labels[node], self.free[node]
        for name, amount in shape.requests.items():
            free[name] = free.get(name, 0) - amount
        self.ports[node] |= shape.ports
        self._bound.append((shape, node))
        for tally in self._found(shape, self._tallies, self._counted):
            if not (shape.deleting and tally.nodes is not None):  # a spread does not count pods that are leaving
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
