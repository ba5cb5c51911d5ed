"""Laws: YAML and JSON of the same objects are one snapshot, whatever the order of objects, documents and files."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops.cluster import read_inputs
from planner.quantity import to_milli
from planner.resources import MOST

from .made import Object, container, listed, node, one_pod, plain, pod, workload

if TYPE_CHECKING:
    from planner.snapshot import Snapshot

WORDS = st.text("abcdefgh", min_size=1, max_size=6)
LABELS = st.dictionaries(WORDS, st.one_of(WORDS, st.sampled_from(["yes", "on", "1", "null", "2026-01-01", "0x1f", ""])))
QUANTITIES = st.one_of(
    st.integers(0, 10**6).map(str),
    st.builds("{}{}".format, st.integers(0, 9999), st.sampled_from(["m", "k", "Ki", "Mi", "Gi", "e3"])),
    st.builds("{}.{}{}".format, st.integers(0, 99), st.integers(0, 999), st.sampled_from(["", "Gi", "M"])),
)


@st.composite
def pods(draw: st.DrawFn) -> Object:
    tolerations = draw(st.lists(st.fixed_dictionaries({"key": WORDS, "value": WORDS}), max_size=3))
    selector = draw(LABELS)
    term = {"matchExpressions": [{"key": draw(WORDS), "operator": "In", "values": draw(st.lists(WORDS, min_size=1))}]}
    spread = {"maxSkew": draw(st.integers(1, 5)), "topologyKey": draw(WORDS), "whenUnsatisfiable": "DoNotSchedule"}
    spec = {
        "containers": [container(draw(QUANTITIES), draw(QUANTITIES))],
        "tolerations": tolerations,
        "nodeSelector": selector,
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}},
        "topologySpreadConstraints": [{**spread, "labelSelector": {"matchLabels": draw(LABELS)}}],
        "priority": draw(st.one_of(st.none(), st.integers(-10, 10**9))),
    }
    name, namespace = draw(WORDS), draw(WORDS)
    return pod(name, spec=spec, namespace=namespace, labels=draw(LABELS), creationTimestamp="2026-01-01T00:00:00Z")


NODES = st.builds(
    lambda name, cpu, labels: {**node(name, allocatable={"cpu": cpu}), "metadata": {"name": name, "labels": labels}},
    WORDS, QUANTITIES, LABELS,
)  # fmt: skip
OTHERS = st.sampled_from([
    workload(replicas=3), workload("Job", "night", parallelism=2), workload("DaemonSet", "agent"),
    plain("PersistentVolumeClaim", "data", spec={"storageClassName": "fast"}), plain("Namespace", "shop"),
    plain("PriorityClass", "usual", "scheduling.k8s.io/v1", value=3, globalDefault=True),
])  # fmt: skip
OBJECTS = st.lists(
    st.one_of(pods(), NODES, OTHERS), max_size=8,
    unique_by=lambda one: (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]),
)  # fmt: skip


def read_files(**texts: str) -> Snapshot:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            Path(folder, name.replace("_", ".")).write_text(text)
        return read_inputs([Path(folder)], environment={}).snapshot


def as_yaml(*documents: Object) -> str:
    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump_all(documents, stream)
    return stream.getvalue()


@settings(max_examples=40, deadline=None)
@given(OBJECTS)
def test_yaml_and_json_give_the_same_snapshot(objects: list[Object]) -> None:
    by_json = read_files(all_json=json.dumps(listed(*objects)))
    assert read_files(all_yaml=as_yaml(listed(*objects))) == by_json
    assert read_files(all_yaml=as_yaml(*objects), z_yaml="") == by_json


@settings(max_examples=40, deadline=None)
@given(OBJECTS.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some), st.integers(0, 8))))
def test_neither_order_nor_files_matter(case: tuple[list[Object], list[Object], int]) -> None:
    objects, shuffled, cut = case
    parts = {"a_json": json.dumps(listed(*shuffled[cut:])), "b_json": json.dumps(listed(*shuffled[:cut]))}
    assert read_files(**parts) == read_files(all_json=json.dumps(listed(*objects)))


@settings(max_examples=100, deadline=None)
@given(QUANTITIES)
def test_a_request_is_what_its_quantity_says(quantity: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = one_pod(Path(folder), pod(spec={"containers": [container(quantity)]}))
    assert made.needs.requests.get("cpu") == min(MOST, to_milli(quantity))
