"""What one made workload may ask of the scheduler: each rule writes plain manifest fields, as a person would.

A rule belongs to a slot, and a workload has one rule a slot at most, so that what it asks is seldom contradictory by
accident; contradictions are made on purpose, by the rules of the slot "nowhere".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

Object = dict[str, Any]

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
INSTANCE_TYPE, CPUS = "node.kubernetes.io/instance-type", "karpenter.ovhcloud.sh/instance-cpu"
TIER, GENERATION, DISK = "made.test/tier", "made.test/generation", "made.test/disk"
HASH = "pod-template-hash"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
COMPUTE_TAINT = {"key": "dedicated", "value": "compute", "effect": "NoSchedule"}
TEAMS = {"shop": "front", "data": "back", "ops": "back"}  # namespace -> its label "team"


@dataclass(slots=True, kw_only=True)
class Workload:
    """One workload while it is made: ``spec`` is its pods' own.

    ``claims`` are volume claims that each pod has one of: (name, zone of the bound volume), or (storage class, "") for
    one that is not bound yet. ``runs_on`` names nodes where its first pods run, ``revised`` as an older revision.
    """

    name: str
    namespace: str
    kind: str
    replicas: int
    labels: dict[str, str]
    spec: Object
    rules: list[str] = field(default_factory=list)
    claims: list[tuple[str, str]] = field(default_factory=list)
    runs_on: list[str] = field(default_factory=list)
    revised: bool = False

    @property
    def main(self) -> Object:
        """The container that asks for something."""
        container: Object = self.spec["containers"][0]
        return container

    def requests(self) -> dict[str, str]:
        asked: dict[str, str] = self.main.setdefault("resources", {}).setdefault("requests", {})
        return asked

    def affinity(self, kind: str, strength: str) -> list[Object]:
        """The list of terms of ``podAffinity`` or ``podAntiAffinity``."""
        terms: list[Object] = self.spec.setdefault("affinity", {}).setdefault(kind, {}).setdefault(strength, [])
        return terms

    def node_terms(self) -> list[Object]:
        """The OR-ed terms of the required node affinity."""
        affinity = self.spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})
        terms: list[Object] = affinity.setdefault(REQUIRED, {"nodeSelectorTerms": []})["nodeSelectorTerms"]
        return terms

    def spreads(self) -> list[Object]:
        constraints: list[Object] = self.spec.setdefault("topologySpreadConstraints", [])
        return constraints

    def tolerate(self, **toleration: str) -> None:
        self.spec.setdefault("tolerations", []).append(toleration)

    def own(self) -> Object:
        """A selector of the workload's own pods."""
        return {"matchLabels": {"app": self.name}}


@dataclass(slots=True, kw_only=True)
class Site:
    """Where workloads are made: chance, the zones, the workloads so far, and host ports that are still free."""

    rng: Random
    zones: Sequence[str]
    workloads: list[Workload] = field(default_factory=list)
    port: int = 30000

    def other(self, workload: Workload) -> Workload | None:
        """An earlier workload of an ordinary kind, or nothing where there is none yet."""
        known = [one for one in self.workloads if one.replicas and not hopeless(one)]
        return self.rng.choice(known) if known else None


Rule = tuple[str, "Callable[[Site, Workload], None]"]  # slot and what writes it
RULES: dict[str, Rule] = {}


def rule(slot: str) -> Callable[[Callable[[Site, Workload], None]], Callable[[Site, Workload], None]]:
    """Enter a rule by its function's name."""

    def enter(write: Callable[[Site, Workload], None]) -> Callable[[Site, Workload], None]:
        RULES[write.__name__] = (slot, write)
        return write

    return enter


def hopeless(workload: Workload) -> bool:
    """Whether a rule was written on purpose that no node can ever satisfy."""
    return any(RULES[name][0] == "nowhere" for name in workload.rules)


def expression(key: str, operator: str, *values: str) -> Object:
    return {"key": key, "operator": operator} | ({"values": list(values)} if values else {})


def spread(workload: Workload, key: str, skew: int, **more: object) -> Object:
    found = {"topologyKey": key, "maxSkew": skew, "whenUnsatisfiable": "DoNotSchedule"}
    return found | {"labelSelector": workload.own()} | more


# Amounts


@rule("size")
def odd_size(site: Site, workload: Workload) -> None:
    cpu, memory = site.rng.randrange(37, 1990), site.rng.randrange(41, 3900)
    workload.requests().update(cpu=f"{cpu}m", memory=f"{memory}Mi")


@rule("size")
def large_size(site: Site, workload: Workload) -> None:
    cpu, memory = site.rng.randrange(2100, 7200), site.rng.randrange(2_000, 24_000)
    workload.requests().update(cpu=f"{cpu}m", memory=f"{memory}Mi")
    workload.replicas = min(workload.replicas, 6)


@rule("size")
def memory_heavy(site: Site, workload: Workload) -> None:
    workload.requests().update(cpu=f"{site.rng.randrange(50, 400)}m", memory=f"{site.rng.randrange(4000, 13000)}Mi")
    workload.replicas = min(workload.replicas, 8)


@rule("size")
def limits_only(site: Site, workload: Workload) -> None:
    limits = {"cpu": f"{site.rng.randrange(1, 9) * 130}m", "memory": f"{site.rng.randrange(1, 9) * 310}M"}
    workload.main["resources"] = {"limits": limits}


@rule("size")
def pod_level(site: Site, workload: Workload) -> None:
    # Never less than the containers of the rules below come to together: the API server refuses such a pod.
    workload.spec["resources"] = {"requests": {"cpu": f"{site.rng.randrange(1850, 2300)}m", "memory": "1700Mi"}}
    workload.main["resources"] = {"requests": {"cpu": "300m", "memory": "200Mi"}}


@rule("size")
def no_requests(site: Site, workload: Workload) -> None:
    workload.main["resources"] = {}


@rule("inside")
def init_containers(site: Site, workload: Workload) -> None:
    workload.spec["initContainers"] = [
        {"name": "fetch", "image": "pause", "resources": {"requests": {"cpu": "1700m", "memory": "900Mi"}}},
        {"name": "proxy", "image": "pause", "restartPolicy": "Always",
         "resources": {"requests": {"cpu": "110m", "memory": "130Mi"}}},
    ]  # fmt: skip


@rule("inside")
def two_containers(site: Site, workload: Workload) -> None:
    amounts = {"cpu": f"{site.rng.randrange(20, 300)}m", "memory": f"{site.rng.randrange(30, 500)}Mi"}
    workload.spec["containers"].append({"name": "side", "image": "pause", "resources": {"requests": amounts}})


@rule("inside")
def overhead(site: Site, workload: Workload) -> None:
    workload.spec["runtimeClassName"] = "boxed"


@rule("inside")
def local_storage(site: Site, workload: Workload) -> None:
    workload.requests()["ephemeral-storage"] = f"{site.rng.randrange(3, 19)}Gi"
    workload.replicas = min(workload.replicas, 8)


# Nodes


@rule("where")
def node_selector(site: Site, workload: Workload) -> None:
    choices = [{TIER: "general"}, {ZONE: site.rng.choice(site.zones)}, {DISK: "ssd"}, {INSTANCE_TYPE: "b3-16"}]
    workload.spec["nodeSelector"] = site.rng.choice(choices)


@rule("where")
def either_or(site: Site, workload: Workload) -> None:
    zone = site.rng.choice(site.zones)
    workload.node_terms().extend([
        {"matchExpressions": [expression(ZONE, "In", zone), expression(TIER, "In", "general", "memory")]},
        {"matchExpressions": [expression(INSTANCE_TYPE, "In", "b3-32", "c3-16")]},
    ])


@rule("where")
def not_in(site: Site, workload: Workload) -> None:
    away = [expression(TIER, "NotIn", "memory"), expression("made.test/never", "DoesNotExist")]
    if len(site.zones) > 1:
        away.append(expression(ZONE, "NotIn", site.rng.choice(site.zones)))
    workload.node_terms().append({"matchExpressions": away})


@rule("where")
def greater(site: Site, workload: Workload) -> None:
    bounds = [expression(GENERATION, "Gt", "2"), expression(GENERATION, "Lt", "9"), expression(TIER, "Exists")]
    workload.node_terms().append({"matchExpressions": bounds})


@rule("where")
def by_cpus(site: Site, workload: Workload) -> None:
    low = expression(CPUS, "Gt", site.rng.choice(["2", "3", "4"]))
    workload.node_terms().append({"matchExpressions": [low, expression(CPUS, "Lt", "17")]})


@rule("where")
def tainted_pool(site: Site, workload: Workload) -> None:
    workload.tolerate(key="dedicated", operator="Equal", value="compute", effect="NoSchedule")
    workload.spec["nodeSelector"] = {TIER: "compute"}


@rule("where")
def tolerates_all(site: Site, workload: Workload) -> None:
    workload.tolerate(operator="Exists")


@rule("where")
def gpu(site: Site, workload: Workload) -> None:
    workload.tolerate(key="nvidia.com/gpu", operator="Exists", effect="NoSchedule")
    workload.main.setdefault("resources", {})["limits"] = {"nvidia.com/gpu": str(site.rng.choice([1, 1, 2]))}
    workload.replicas = min(workload.replicas, 3)


@rule("wish")
def wishes_node(site: Site, workload: Workload) -> None:
    affinity = workload.spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})
    affinity[PREFERRED] = [
        {"weight": 80, "preference": {"matchExpressions": [expression(ZONE, "In", site.zones[0])]}},
        {"weight": 5, "preference": {"matchExpressions": [expression(TIER, "In", "memory")]}},
    ]


@rule("wish")
def wishes_apart(site: Site, workload: Workload) -> None:
    term = {"topologyKey": HOST, "labelSelector": workload.own()}
    workload.affinity("podAntiAffinity", PREFERRED).append({"weight": 100, "podAffinityTerm": term})


@rule("wish")
def wishes_together(site: Site, workload: Workload) -> None:
    term = {"topologyKey": ZONE, "labelSelector": workload.own()}
    workload.affinity("podAffinity", PREFERRED).append({"weight": 50, "podAffinityTerm": term})


@rule("wish")
def wishes_spread(site: Site, workload: Workload) -> None:
    for key in (ZONE, HOST):
        workload.spreads().append(spread(workload, key, 1, whenUnsatisfiable="ScheduleAnyway"))


# Zones


@rule("zone")
def zone_spread(site: Site, workload: Workload) -> None:
    workload.spreads().append(spread(workload, ZONE, site.rng.choice([1, 1, 2, 3])))


@rule("zone")
def zone_spread_min_domains(site: Site, workload: Workload) -> None:
    workload.spreads().append(spread(workload, ZONE, 1, minDomains=len(site.zones)))


@rule("zone")
def zone_spread_ignoring_affinity(site: Site, workload: Workload) -> None:
    workload.spreads().append(spread(workload, ZONE, 2, nodeAffinityPolicy="Ignore"))


@rule("zone")
def zone_spread_honouring_taints(site: Site, workload: Workload) -> None:
    workload.spreads().append(spread(workload, ZONE, 1, nodeTaintsPolicy="Honor"))


@rule("zone")
def zone_spread_of_a_revision(site: Site, workload: Workload) -> None:
    workload.spreads().append(spread(workload, ZONE, 1, matchLabelKeys=[HASH]))


@rule("zone")
def apart_by_zone(site: Site, workload: Workload) -> None:
    workload.affinity("podAntiAffinity", REQUIRED).append({"topologyKey": ZONE, "labelSelector": workload.own()})
    workload.replicas = min(workload.replicas, len(site.zones) + site.rng.choice([0, 0, 1]))


@rule("zone")
def one_zone_together(site: Site, workload: Workload) -> None:
    workload.affinity("podAffinity", REQUIRED).append({"topologyKey": ZONE, "labelSelector": workload.own()})


# Hosts


@rule("host")
def host_spread(site: Site, workload: Workload) -> None:
    workload.spreads().append(spread(workload, HOST, site.rng.choice([1, 2, 3])))
    workload.replicas = min(workload.replicas, 12)


@rule("host")
def host_spread_min_domains(site: Site, workload: Workload) -> None:
    workload.spreads().append(spread(workload, HOST, 2, minDomains=3))
    workload.replicas = min(workload.replicas, 8)


@rule("host")
def apart_by_host(site: Site, workload: Workload) -> None:
    workload.affinity("podAntiAffinity", REQUIRED).append({"topologyKey": HOST, "labelSelector": workload.own()})
    workload.replicas = min(workload.replicas, 7)


@rule("host")
def apart_by_host_and_revision(site: Site, workload: Workload) -> None:
    term = {"topologyKey": HOST, "labelSelector": workload.own(), "matchLabelKeys": [HASH]}
    workload.affinity("podAntiAffinity", REQUIRED).append(term)
    workload.replicas = min(workload.replicas, 6)


@rule("host")
def host_port(site: Site, workload: Workload) -> None:
    site.port += 1
    ports = [{"containerPort": 8080, "hostPort": site.port, "protocol": site.rng.choice(["TCP", "UDP"])}]
    workload.main["ports"] = ports
    workload.replicas = min(workload.replicas, 6)


# Neighbours


@rule("near")
def near_another(site: Site, workload: Workload) -> None:
    other = site.other(workload)
    if other:
        term = {"topologyKey": ZONE, "labelSelector": other.own(), "namespaces": [other.namespace]}
        workload.affinity("podAffinity", REQUIRED).append(term)


@rule("near")
def away_from_another(site: Site, workload: Workload) -> None:
    other = site.other(workload)
    if other:
        term = {"topologyKey": HOST, "labelSelector": other.own(), "namespaces": [other.namespace]}
        workload.affinity("podAntiAffinity", REQUIRED).append(term)


@rule("near")
def away_from_a_team(site: Site, workload: Workload) -> None:
    team = {"matchLabels": {"team": site.rng.choice(["front", "back"])}}
    selector = {"matchExpressions": [expression("role", "In", "noisy")]}
    term = {"topologyKey": HOST, "labelSelector": selector, "namespaceSelector": team}
    workload.affinity("podAntiAffinity", REQUIRED).append(term)


@rule("near")
def noisy(site: Site, workload: Workload) -> None:
    workload.labels["role"] = "noisy"


@rule("near")
def away_from_other_tenants(site: Site, workload: Workload) -> None:
    workload.labels["tenant"] = site.rng.choice(["red", "blue"])
    selector = {"matchExpressions": [expression("tenant", "Exists")]}
    term = {"topologyKey": HOST, "labelSelector": selector, "namespaceSelector": {}, "mismatchLabelKeys": ["tenant"]}
    workload.affinity("podAntiAffinity", REQUIRED).append(term)
    workload.replicas = min(workload.replicas, 10)


# The rest


@rule("volume")
def bound_volume(site: Site, workload: Workload) -> None:
    workload.kind, workload.replicas = "StatefulSet", min(workload.replicas, 4)
    workload.claims.append(("data", site.rng.choice(site.zones)))


@rule("volume")
def volume_to_come(site: Site, workload: Workload) -> None:
    workload.kind, workload.replicas = "StatefulSet", min(workload.replicas, 4)
    workload.claims.append((site.rng.choice(["waits", "waits-narrow"]), ""))


@rule("order")
def important(site: Site, workload: Workload) -> None:
    workload.spec["priorityClassName"] = "high"


@rule("order")
def unimportant(site: Site, workload: Workload) -> None:
    workload.spec["priorityClassName"] = "low"


@rule("nowhere")
def too_large(site: Site, workload: Workload) -> None:
    workload.spec.pop("resources", None)  # those of a pod as a whole may not be less than its containers'
    workload.requests().update(site.rng.choice([{"cpu": "300"}, {"memory": "3Ti"}, {"nvidia.com/gpu": "9"}]))
    limits = {name: amount for name, amount in workload.requests().items() if name == "nvidia.com/gpu"}
    workload.main["resources"]["limits"] = limits


@rule("nowhere")
def unknown_label(site: Site, workload: Workload) -> None:
    workload.spec["nodeSelector"] = {"made.test/nowhere": "yes"}


@rule("nowhere")
def contradiction(site: Site, workload: Workload) -> None:
    workload.spec["nodeSelector"] = {TIER: "general"}
    workload.node_terms()[:] = [{"matchExpressions": [expression(TIER, "NotIn", "general")]}]


@rule("nowhere")
def untolerated(site: Site, workload: Workload) -> None:
    workload.spec["nodeSelector"] = {TIER: "compute"}
    workload.spec["tolerations"] = []


@rule("nowhere")
def rack_spread(site: Site, workload: Workload) -> None:
    workload.spreads().append(spread(workload, "made.test/rack", 1))


@rule("nowhere")
def near_nobody(site: Site, workload: Workload) -> None:
    term = {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "made-nobody"}}}
    workload.affinity("podAffinity", REQUIRED).append(term)


@rule("nowhere")
def immediate_claim(site: Site, workload: Workload) -> None:
    workload.kind = "StatefulSet"
    workload.claims.append(("at-once", ""))


@rule("nowhere")
def gated(site: Site, workload: Workload) -> None:
    workload.spec["schedulingGates"] = [{"name": "made.test/wait"}]
