"""What a made cluster has besides its workloads: policy, classes, daemon sets, and nodes with pods that run already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.real.made.rules import (
    COMPUTE_TAINT,
    DISK,
    GENERATION,
    GPU_TAINT,
    HOST,
    INSTANCE_TYPE,
    REQUIRED,
    RULES,
    TEAMS,
    TIER,
    ZONE,
    Site,
    Workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

Object = dict[str, Any]

CINDER = "topology.cinder.csi.openstack.org/zone"
#: Flavors that nodes stand in already: what they have and what they give, as MKS reserves it.
STANDING = {
    "b3-8": ({"cpu": "2", "memory": "8000M"}, {"cpu": "1840m", "memory": "6100M", "ephemeral-storage": "28G"}),
    "b3-16": ({"cpu": "4", "memory": "16G"}, {"cpu": "3830m", "memory": "13700M", "ephemeral-storage": "70G"}),
    "b3-32": ({"cpu": "8", "memory": "32G"}, {"cpu": "7810m", "memory": "28900M", "ephemeral-storage": "157G"}),
}


# Policy


def policy(rng: Random, region: str, zones: Sequence[str], features: set[str]) -> list[Object]:
    spec = {
        "serviceName": "0123456789abcdef0123456789abcdef", "kubeId": "11111111-2222-3333-4444-555555555555",
        "region": region,
    }  # fmt: skip
    group, version = "karpenter.ovhcloud.sh", "v1alpha1"
    node_class = {"apiVersion": f"{group}/{version}", "kind": "OVHNodeClass", "metadata": {"name": "default"}}
    soft = [{"key": "made.test/spare", "effect": "PreferNoSchedule"}] if "soft taint" in features else []
    pools = [
        _node_pool("general", ["b3-16", *rng.sample(["b3-8", "b3-32", "b3-64"], 2)], zones, generation="3"),
        _node_pool("compute", ["c3-8", "c3-16", "c3-32"], zones, generation="5", taints=[COMPUTE_TAINT]),
        _node_pool("memory", ["r3-32", "r3-64", "r3-128"], zones, generation="2", taints=soft),
        _node_pool("gpu", ["t1-45", "t1-90", "l4-90", "l4-180"], zones, generation="4", taints=[GPU_TAINT]),
    ]
    if "limits" in features:
        pools[0]["spec"]["limits"] = rng.choice([{"cpu": str(rng.randrange(12, 40))}, {"nodes": "4"}])
        pools[2]["spec"]["limits"] = {"memory": f"{rng.randrange(64, 300)}Gi"}
    if "weights" in features:
        pools[rng.choice([0, 2])]["spec"]["weight"] = 10
    return [{**node_class, "spec": spec}, *pools]


def _node_pool(
    name: str, flavors: list[str], zones: Sequence[str], *, generation: str, taints: Sequence[Object] = ()
) -> Object:
    reference = {"group": "karpenter.ovhcloud.sh", "kind": "OVHNodeClass", "name": "default"}
    requirements = [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
        {"key": INSTANCE_TYPE, "operator": "In", "values": sorted(flavors)},
        {"key": ZONE, "operator": "In", "values": list(zones)},
        {"key": DISK, "operator": "In", "values": ["hdd", "ssd"]},
    ]
    labels = {TIER: name, GENERATION: generation}
    template = {
        "metadata": {"labels": labels},
        "spec": {"nodeClassRef": reference, "requirements": requirements, "taints": list(taints)},
    }
    return {
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name}, "spec": {"template": template},
    }  # fmt: skip


# What is there already


def surroundings(features: set[str]) -> list[Object]:
    """Namespaces, priorities, a runtime class and storage classes: what workloads speak of."""
    namespaces = [meta("v1", "Namespace", name, labels={"team": team}) for name, team in TEAMS.items()]
    pushy = "PreemptLowerPriority" if "preemption" in features else "Never"
    classes = [
        {**meta("scheduling.k8s.io/v1", "PriorityClass", name), "value": value, "preemptionPolicy": pushy}
        for name, value in (("high", 1000), ("low", -5))
    ]
    boxed = {**meta("node.k8s.io/v1", "RuntimeClass", "boxed"), "handler": "boxed"}
    boxed["overhead"] = {"podFixed": {"cpu": "130m", "memory": "140Mi"}}
    return [*namespaces, *classes, boxed, *_storage_classes()]


def _storage_classes() -> list[Object]:
    made_by = {"provisioner": "cinder.csi.openstack.org", "reclaimPolicy": "Delete"}
    waits = {**made_by, "volumeBindingMode": "WaitForFirstConsumer"}
    narrow = [{"matchLabelExpressions": [{"key": CINDER, "values": ["eu-west-par-b", "eu-west-par-c", "nova"]}]}]
    return [
        {**meta("storage.k8s.io/v1", "StorageClass", "at-once"), **made_by, "volumeBindingMode": "Immediate"},
        {**meta("storage.k8s.io/v1", "StorageClass", "waits"), **waits},
        {**meta("storage.k8s.io/v1", "StorageClass", "waits-narrow"), **waits, "allowedTopologies": narrow},
    ]


def meta(version: str, kind: str, name: str, *, labels: dict[str, str] | None = None, namespace: str = "") -> Object:
    metadata = {"name": name} | ({"labels": labels} if labels else {}) | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def standing_nodes(rng: Random, zones: Sequence[str], features: set[str], region: str) -> list[Object]:
    """The system's node, which takes no other pod (a cluster is never without a node), and ordinary ones."""
    system = _node("system-node", "b3-8", zones[0], region, {})
    system["spec"]["taints"] = [{"key": "CriticalAddonsOnly", "effect": "NoSchedule"}]
    count = rng.randrange(1, 6) if "standing nodes" in features else 0
    labels = {TIER: "general", GENERATION: "3", DISK: "ssd"}
    nodes = [
        _node(f"standing-node-{number}", rng.choice(sorted(STANDING)), rng.choice(zones), region, labels)
        for number in range(count)
    ]
    for node in nodes[3:]:
        node["spec"]["taints"] = [COMPUTE_TAINT]
    return [system, *nodes]


def _node(name: str, flavor: str, zone: str, region: str, labels: dict[str, str]) -> Object:
    capacity, allocatable = STANDING[flavor]
    own = {
        HOST: name, INSTANCE_TYPE: flavor, ZONE: zone, "topology.kubernetes.io/region": region, CINDER: zone,
        "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "nodepool": name.rpartition("-")[0],
        "node.k8s.ovh/type": "standard",
    }  # fmt: skip
    status = {
        "capacity": {**capacity, "pods": "110"}, "allocatable": {**allocatable, "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True"}],
    }  # fmt: skip
    spec = {"providerID": f"openstack:///{name}"}
    return {**meta("v1", "Node", name, labels={**labels, **own}), "spec": spec, "status": status}


def daemon_sets(features: set[str]) -> list[Object]:
    """One for every node, one for ordinary nodes of one type, and one for nodes of GPUs."""
    if "daemon sets" not in features:
        return []
    everywhere = {"tolerations": [{"operator": "Exists"}], "hostNetwork": True}
    some = {"nodeSelector": {INSTANCE_TYPE: "b3-16"}}
    devices = {"nodeSelector": {TIER: "gpu"}, "tolerations": [{"key": GPU_TAINT["key"], "operator": "Exists"}]}
    return [
        _daemon_set("agent", everywhere, {"cpu": "55m", "memory": "170Mi"}),
        _daemon_set("cache", some, {"cpu": "210m", "memory": "700Mi"}),
        _daemon_set("devices", devices, {"cpu": "300m", "memory": "1Gi"}),
    ]


def daemons_that_run(rng: Random, objects: Sequence[Object]) -> list[Object]:
    """Daemon pods of the nodes that stand, but for a few that are still to come."""
    sets = [item for item in objects if item["kind"] == "DaemonSet"]
    nodes = [item for item in objects if item["kind"] == "Node"]
    return [pod for pod in daemon_pods(sets, nodes) if rng.random() < 0.8]


def settle(site: Site, objects: Sequence[Object]) -> None:
    """Let the first pods of some workloads run already, where they fit: spreads and anti-affinity look at them."""
    rng = site.rng
    nodes = [item for item in objects if item["kind"] == "Node" and not item["spec"].get("taints")]
    small = {node["metadata"]["name"]: node["metadata"]["labels"][INSTANCE_TYPE] == "b3-8" for node in nodes}
    room = {name: 1000 if is_small else 3000 for name, is_small in small.items()}
    for workload in site.workloads:
        needed = _modest_cpu(workload)
        if not needed or rng.random() < 0.4:
            continue
        for _ in range(min(rng.choice([1, 1, 2, 3]), workload.replicas - 1)):
            node = rng.choice(sorted(room))
            if room[node] >= needed:
                room[node] -= needed
                workload.runs_on.append(node)
        workload.revised = rng.random() < 0.4


def _modest_cpu(workload: Workload) -> int:
    """Millicores of one pod, where it may run on any standing node and memory is not what it lacks there; else 0."""
    if any(RULES[name][0] not in {"zone", "wish", "order", "near"} for name in workload.rules) or workload.claims:
        return 0
    return int(workload.requests()["cpu"].rstrip("m"))


def guard(site: Site) -> Object:
    """A pod that runs and keeps the pods of one workload off its node."""
    kept_off = site.rng.choice(site.workloads)
    term = {"topologyKey": HOST, "labelSelector": kept_off.own(), "namespaces": [kept_off.namespace]}
    container = {"name": "main", "image": "pause", "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}
    affinity = {"podAntiAffinity": {REQUIRED: [term]}}
    spec = {"containers": [container], "affinity": affinity, "nodeName": "standing-node-0"}
    return {**meta("v1", "Pod", "guard", labels={"app": "guard"}, namespace="ops"), "spec": spec}


def _daemon_set(name: str, spec: Object, requests: Object) -> Object:
    container = {"name": "main", "image": "pause", "resources": {"requests": requests}}
    whole = {"containers": [container], "priorityClassName": "system-node-critical", **spec}
    labels = {"app": f"daemon-{name}"}
    template = {"metadata": {"labels": labels}, "spec": whole}
    wanted = {"selector": {"matchLabels": labels}, "template": template}
    return {**meta("apps/v1", "DaemonSet", name, namespace="ops"), "spec": wanted}


def daemon_pods(daemon_sets: Sequence[Object], nodes: Sequence[Object]) -> Iterator[Object]:
    """The pods that the DaemonSet controller would have running on these nodes."""
    for each in daemon_sets:
        template = each["spec"]["template"]
        for node in nodes:
            if _runs_on(template["spec"], node):
                name = f"{each['metadata']['name']}-{node['metadata']['name']}"
                pod = meta("v1", "Pod", name, labels=template["metadata"]["labels"], namespace="ops")
                pod["metadata"]["ownerReferences"] = [owner_reference("DaemonSet", each["metadata"]["name"])]
                yield {**pod, "spec": {**template["spec"], "nodeName": node["metadata"]["name"]}}


def _runs_on(spec: Object, node: Object) -> bool:
    """For the daemon sets that are made here: a selector, and tolerations of one key or of all."""
    passes = {each.get("key") for each in spec.get("tolerations", ())}
    kept_off = [each["key"] for each in node["spec"].get("taints", ()) if each["effect"] != "PreferNoSchedule"]
    tolerated = None in passes or passes.issuperset(kept_off)
    return tolerated and spec.get("nodeSelector", {}).items() <= node["metadata"]["labels"].items()


def owner_reference(kind: str, name: str) -> Object:
    uid = f"00000000-0000-0000-0000-{sum(name.encode()):012}"
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": True}


def volume(name: str, namespace: str, claim: str, zone: str, *, storage_class: str = "") -> Object:
    """A volume in one zone, bound to a claim."""
    terms = [{"matchExpressions": [{"key": CINDER, "operator": "In", "values": [zone]}]}]
    spec = {
        "capacity": {"storage": "8Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": storage_class, "csi": {"driver": "cinder.csi.openstack.org", "volumeHandle": name},
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim},
        "nodeAffinity": {"required": {"nodeSelectorTerms": terms}},
    }  # fmt: skip
    return {**meta("v1", "PersistentVolume", name), "spec": spec}
