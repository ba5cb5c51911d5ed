"""The checker is checked: for each of the scheduler's rules, one pod it lets on a node and one that it keeps off."""

from __future__ import annotations

from typing import Any

import pytest

from tests.planner import checker
from tests.planner.cluster import Object, node, pod

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
A, B, C = (node(f"n-{zone}", zone=f"eu-west-par-{zone}", labels={"size": str(10 * number), "old": "x"}) for number, zone in enumerate("abc", 1))
WEB = {"matchLabels": {"app": "web"}}
TAINTED = node("n-t", taints=[{"key": "own", "value": "x", "effect": "NoSchedule"}])


def wants(operator: str, key: str = "size", *values: str, by: str = "matchExpressions") -> Object:
    terms = [{by: [{"key": key, "operator": operator, "values": list(values)}]}]
    return {"affinity": {"nodeAffinity": {checker.REQUIRED: {"nodeSelectorTerms": terms}}}}


def beside(kind: str, key: str = ZONE, selector: Object | None = None, **options: Any) -> Object:
    return {"affinity": {kind: {checker.REQUIRED: [{"topologyKey": key, "labelSelector": selector or WEB, **options}]}}}


def spread(**options: Any) -> Object:
    rule = {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": WEB}
    return {"topologySpreadConstraints": [rule | options]}


def one(spec: Object, cpu: str = "100m", *, on: str = "", name: str = "new", app: str = "web", **labels: str) -> Object:
    return pod(name, cpu, "64Mi", on=on, labels={"app": app, **labels}, **spec)


def running(app: str = "web", *, on: str = "n-a", spec: Object | None = None, **labels: str) -> Object:
    return one(spec or {}, on=on, name=f"runs-{app}-{on}", app=app, **labels)


def side(cpu: str, *, always: bool = True) -> Object:
    return {"name": "side", "resources": {"requests": {"cpu": cpu}}, **({"restartPolicy": "Always"} if always else {})}


def ports(**port: Any) -> Object:
    return {"containers": [{"name": "main", "ports": [{"containerPort": 80, **port}]}]}


CASES: dict[str, tuple[list[Object], Object, list[str]]] = {
    "fits": ([A], one({}, "1840m"), []),
    "too large": ([A], one({}, "1841m"), ["Fit"]),
    "beside another": ([A, running()], one({}, "1741m"), ["Fit"]),
    "sidecar counts with the containers": ([A], one({"initContainers": [side("1741m")]}), ["Fit"]),
    "init container counts alone": ([A], one({"initContainers": [side("1840m", always=False)]}), []),
    "init container after a sidecar": ([A], one({"initContainers": [side("1"), side("841m", always=False)]}), ["Fit"]),
    "pod-level request": ([A], one({"resources": {"requests": {"cpu": "1841m"}}}), ["Fit"]),
    "pod-level request below the sum": ([A], one({"resources": {"requests": {"cpu": "1"}}}, "1900m"), []),
    "overhead": ([A], one({"overhead": {"cpu": "1800m"}}), ["Fit"]),
    "a limit is a request": ([A], one({"containers": [{"name": "main", "resources": {"limits": {"cpu": "2"}}}]}), ["Fit"]),
    "no such device": ([A], one({"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]}), ["Fit"]),
    "port taken": ([A, running(spec=ports(hostPort=80))], one(ports(hostPort=80)), ["NodePorts"]),
    "port on another address": ([A, running(spec=ports(hostPort=80, hostIP="10.0.0.1"))], one(ports(hostPort=80, hostIP="10.0.0.2")), []),
    "port of another protocol": ([A, running(spec=ports(hostPort=80))], one(ports(hostPort=80, protocol="UDP")), []),
    "host network": ([A, running(spec=ports() | {"hostNetwork": True})], one(ports(hostPort=80)), ["NodePorts"]),
    "Gt": ([A], one(wants("Gt", "size", "9")), []),
    "not Gt": ([A], one(wants("Gt", "size", "10")), ["NodeAffinity"]),
    "Lt of no number": ([A], one(wants("Lt", "old", "10")), ["NodeAffinity"]),
    "NotIn of a missing label": ([A], one(wants("NotIn", "none", "x")), []),
    "matchFields": ([A], one(wants("In", "metadata.name", "n-a", by="matchFields")), []),
    "matchFields of another": ([A], one(wants("In", "metadata.name", "n-b", by="matchFields")), ["NodeAffinity"]),
    "an empty term": ([A], one({"affinity": {"nodeAffinity": {checker.REQUIRED: {"nodeSelectorTerms": [{}]}}}}), ["NodeAffinity"]),
    "tainted": ([TAINTED], one({}), ["TaintToleration"]),
    "tolerated": ([TAINTED], one({"tolerations": [{"key": "own", "value": "x"}]}), []),
    "cordoned": ([node("n-a", unschedulable=True)], one({}), ["TaintToleration"]),
    "spread": ([A, B, running()], one(spread()), ["PodTopologySpread"]),
    "spread with more skew": ([A, B, running()], one(spread(maxSkew=2)), []),
    "spread where nothing else is": ([A, running()], one(spread()), []),
    "spread with few domains": ([A, B, running(), running(on="n-b")], one(spread(minDomains=3)), ["PodTopologySpread"]),
    "spread over the nodes it may use": ([A, B, running()], one(spread() | {"nodeSelector": {ZONE: "eu-west-par-a"}}), []),
    "spread over all nodes": ([A, B, running()], one(spread(nodeAffinityPolicy="Ignore") | {"nodeSelector": {ZONE: "eu-west-par-a"}}), ["PodTopologySpread"]),
    "spread over tainted zones": ([A, node("n-t", zone="eu-west-par-b", taints=TAINTED["spec"]["taints"]), running()], one(spread()), ["PodTopologySpread"]),
    "spread over untainted zones": ([A, node("n-t", zone="eu-west-par-b", taints=TAINTED["spec"]["taints"]), running()], one(spread(nodeTaintsPolicy="Honor")), []),
    "spread of one revision": ([A, B, running(rev="1")], one(spread(matchLabelKeys=["rev"]), rev="2"), []),
    "spread over an unknown label": ([A], one(spread(topologyKey="rack")), ["PodTopologySpread"]),
    "apart": ([A, running()], one(beside("podAntiAffinity")), ["InterPodAffinity"]),
    "apart in another zone": ([A, B, running(on="n-b")], one(beside("podAntiAffinity")), []),
    "kept away": ([A, running("db", spec=beside("podAntiAffinity"))], one({}), ["InterPodAffinity"]),
    "apart from other revisions": ([A, running(rev="1")], one(beside("podAntiAffinity", mismatchLabelKeys=["rev"]), rev="1"), []),
    "apart from its own revision": ([A, running(rev="1")], one(beside("podAntiAffinity", matchLabelKeys=["rev"]), rev="1"), ["InterPodAffinity"]),
    "apart in namespaces": ([A, running()], one(beside("podAntiAffinity", namespaces=["other"])), []),
    "apart in selected namespaces": ([A, running()], one(beside("podAntiAffinity", namespaceSelector={})), ["InterPodAffinity"]),
    "apart in no selected namespace": ([A, running()], one(beside("podAntiAffinity", namespaceSelector={"matchLabels": {"team": "x"}})), []),
    "together": ([A, running("db")], one(beside("podAffinity", selector={"matchLabels": {"app": "db"}})), []),
    "not together": ([A, B, running("db", on="n-b")], one(beside("podAffinity", selector={"matchLabels": {"app": "db"}})), ["InterPodAffinity"]),
    "the first of its kind": ([A], one(beside("podAffinity")), []),
    "not the first": ([A, B, running(on="n-b")], one(beside("podAffinity")), ["InterPodAffinity"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_knows_the_rule(name: str) -> None:
    objects, asked, refused = CASES[name]
    cluster = checker.cluster_of(objects)
    assert checker.refusals(cluster, asked, next(iter(cluster.nodes))) == refused


def volume(name: str, zone: str) -> list[Object]:
    required = {"nodeSelectorTerms": [{"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]}]}
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "default"}, "spec": {"volumeName": name}}
    return [claim, {"kind": "PersistentVolume", "metadata": {"name": name}, "spec": {"nodeAffinity": {"required": required}}}]


@pytest.mark.parametrize(("zone", "refused"), [("eu-west-par-a", []), ("eu-west-par-b", ["VolumeBinding"])])
def test_a_pod_goes_where_its_volume_is(zone: str, refused: list[str]) -> None:
    using = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
    assert checker.refusals(checker.cluster_of([A, *volume("data", zone)]), one(using), "n-a") == refused


def test_a_daemon_set_has_its_place_on_every_node_it_will_run_on() -> None:
    template = {"metadata": {}, "spec": {"containers": one({}, "1")["spec"]["containers"]}}
    daemon = {"kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "default"}, "spec": {"template": template}}
    assert checker.refusals(checker.cluster_of([A, daemon]), one({}, "1"), "n-a") == ["Fit"]


def test_pods_are_bound_in_an_order_that_works() -> None:
    """The follower is alone at first; the plain pods would unbalance the zones if they came before the spread ones."""
    plain = {f"default/plain-{number}": one({}, name=f"plain-{number}") for number in range(4)}
    even = {f"default/even-{number}": one(spread(), name=f"even-{number}", role="even") for number in range(3)}
    follower = {"default/after": one(beside("podAffinity", selector={"matchLabels": {"role": "even"}}), name="after", app="other")}
    places = dict.fromkeys(plain, "n-a") | dict(zip(even, ("n-c", "n-b", "n-a"), strict=True)) | {"default/after": "n-b"}
    cluster = checker.cluster_of([A, B, C])
    assert checker.bind(cluster, plain | even | follower, places) == {}
    wrong = places | {"default/even-0": "n-a"}
    assert checker.bind(cluster, plain | even | follower, wrong) != {}
