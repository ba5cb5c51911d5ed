"""Nothing is lost between a cluster and its picture, and what is drawn stays little however large the cluster is."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.controller.boxes import draw
from planner import labels as known
from planner.nodes import Node
from planner.plan import Cost, Plan
from planner.pods import Needs, Owner, Phase, Pod
from planner.pools import PoolSet
from planner.resources import Resources
from planner.snapshot import Snapshot
from renderer.page.facts import ClusterPage, Offer, Waiting
from renderer.page.picture import Load, Picture, Stage
from renderer.page.whole import cluster_page, index_page
from renderer.summary import summarize
from renderer.text import one_line
from tests.renderer.cases import load_case

GI = 1024**3
NOTHING = load_case("nothing-to-do")


def cluster(nodes: int, pods_each: int, workloads: int, pools: int) -> Snapshot:
    """Nodes that nearly all look different."""
    size = Resources.of({"cpu": 7810, "memory": 27 * GI, "pods": 110})
    made = [
        Node(name=f"worker-{number:05}", labels=((known.OVH_POOL, f"workers-{number % pools:03}"),), capacity=size, allocatable=size)
        for number in range(nodes)
    ]
    found = []
    for number, node in enumerate(made):
        for place in range(pods_each):
            workload = (number * 31 + place * place * 7) % workloads
            requests = Resources.of({"cpu": 50 + workload % 13 * 30, "memory": GI // 8 * (1 + workload % 7), "pods": 1})
            found.append(Pod(
                namespace="shop", name=f"app-{number}-{place}", owner=Owner("Deployment", "shop", f"app-{workload:04}"),
                needs=Needs(requests=requests), node_name=node.name, phase=Phase.RUNNING,
            ))  # fmt: skip
    return Snapshot(nodes=tuple(made), pods=tuple(sorted(found, key=lambda one: one.key)))


def drawn(snapshot: Snapshot, plan: Plan = NOTHING) -> Picture:
    return draw(snapshot, PoolSet(), PoolSet(), replace(plan, declared=PoolSet(), desired=PoolSet(), changes=(), placements=()))


def page(picture: Picture | None, **more: object) -> ClusterPage:
    plan = replace(NOTHING, cost=Cost(currency="EUR"))
    return ClusterPage(cluster="paris", summary=summarize(plan), picture=picture, **more)  # type: ignore[arg-type]


def test_a_page_of_5000_nodes_and_100000_pods_stays_below_a_megabyte() -> None:
    picture = drawn(cluster(5000, 20, 1500, 50))
    assert picture.before.nodes == 5000
    assert picture.before.pods == 100_000
    assert len(cluster_page(page(picture)).encode()) < 1_000_000


def test_every_pool_is_there_with_all_its_nodes_counted() -> None:
    picture = drawn(cluster(600, 5, 200, 30))
    for pool in picture.pools:
        assert sum(box.alike for box in pool.boxes) + pool.rest.nodes == 20
    assert len(picture.pools) == 30


@settings(max_examples=25)
@given(nodes=st.integers(1, 40), pods=st.integers(0, 6), workloads=st.integers(1, 9), pools=st.integers(1, 5))
def test_what_is_drawn_and_what_is_added_up_is_all_there_is(nodes: int, pods: int, workloads: int, pools: int) -> None:
    snapshot = cluster(nodes, pods, workloads, pools)
    for pool in drawn(snapshot).pools:
        boxes = Load.of(pool.boxes)
        assert boxes.nodes + pool.rest.nodes == pool.before.nodes
        assert boxes.pods + pool.rest.pods == pool.before.pods
        assert boxes.cpu_asked + pool.rest.cpu_asked == pool.before.cpu_asked
        assert boxes.memory_asked + pool.rest.memory_asked == pool.before.memory_asked


def test_nodes_that_look_alike_are_drawn_once() -> None:
    [pool] = drawn(cluster(70, 0, 1, 1)).pools
    [box] = pool.boxes
    assert (box.name, box.alike, box.stage) == ("worker-00000", 70, Stage.STAYS)


def test_pods_that_ended_take_no_room() -> None:
    snapshot = cluster(1, 3, 1, 1)
    ended = tuple(replace(one, phase=Phase.SUCCEEDED) for one in snapshot.pods)
    assert drawn(replace(snapshot, pods=ended)).before.pods == 0


names = st.one_of(
    st.sampled_from(["<script>alert(1)</script>", '"><svg onload=alert(1)>', "</style>", "&amp;", "a'b", "-->", "\u202e\x07"]),
    st.text(min_size=1, max_size=30),
).filter(lambda name: name.strip() != "")  # fmt: skip


@given(name=names)
def test_every_name_is_text_wherever_it_stands(name: str) -> None:
    """Cluster, nodes, pools, pods, workloads, proposals, problems: the page reads them back whole, and nothing else."""
    snapshot = cluster(1, 1, 1, 1)
    node = replace(snapshot.nodes[0], name=name, labels=((known.OVH_POOL, name),))
    pod = replace(snapshot.pods[0], node_name=name, owner=Owner("Deployment", name, name))
    picture = drawn(replace(snapshot, nodes=(node,), pods=(pod,)))
    told = replace(
        page(picture, problem=name, freeze=name, waits=name, drift=(name,), unread=name,
             waiting=(Waiting(stands="proposed", text=name, pods=(name, name), pool=name, url=name),),
             offers=(Offer(kind="up", state="proposed", branch=name, change=name, url=name, since=name, reason=name),)),
        cluster=name,
    )  # fmt: skip
    plain = replace(
        page(drawn(cluster(1, 1, 1, 1)), problem="x", freeze="x", waits="x", drift=("x",), unread="x",
             waiting=(Waiting(stands="proposed", text="x", pods=("x", "x"), pool="x", url="x"),),
             offers=(Offer(kind="up", state="proposed", branch="x", change="x", url="x", since="x", reason="x"),)),
        cluster="x",
    )  # fmt: skip
    assert tags(cluster_page(told)) == tags(cluster_page(plain))
    assert one_line(name) in unescape(cluster_page(told))
    assert tags(index_page([told])) == tags(index_page([plain]))


def tags(markup: str) -> int:
    """How many signs could begin or end a tag: a name adds none."""
    return markup.count("<") + markup.count(">")
