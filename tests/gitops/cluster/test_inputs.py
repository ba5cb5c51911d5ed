"""Files and folders: which are read, how lists come apart, what may stand twice, and what is too large."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gitops.cluster import read_inputs, require_nodes
from gitops.cluster.files import LARGEST_JSON, LARGEST_THOROUGH, LARGEST_YAML, QUICK_FROM
from gitops.errors import InputError

from .made import listed, node, pod, read

if TYPE_CHECKING:
    from pathlib import Path

    from planner.snapshot import Snapshot


def names(*paths: Path) -> list[str]:
    snapshot: Snapshot = read_inputs(paths, environment={}).snapshot
    return [one.name for one in snapshot.nodes]


def yaml_node(name: str) -> str:
    return f"apiVersion: v1\nkind: Node\nmetadata: {{name: {name}}}\n"


def test_a_folder_stands_for_every_manifest_below_it(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "one.yaml").write_text(yaml_node("n1"))
    (tmp_path / "two.YML").write_text(yaml_node("n2"))
    (tmp_path / "three.json").write_text(json.dumps(node("n3")))
    (tmp_path / "notes.txt").write_text("not read")
    assert names(tmp_path) == ["n1", "n2", "n3"]


def test_a_mounted_config_map_is_read_once(tmp_path: Path) -> None:
    real = tmp_path / "..2026_01_01"
    real.mkdir()
    (real / "one.yaml").write_text(yaml_node("n1"))
    (tmp_path / "..data").symlink_to(real)
    (tmp_path / "one.yaml").symlink_to(tmp_path / "..data" / "one.yaml")
    (tmp_path / ".hidden.yaml").write_text("not read: [")
    assert names(tmp_path) == ["n1"]


def test_several_documents_and_empty_ones(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(f"# nothing here\n---\n{yaml_node('n1')}---\n---\n{yaml_node('n2')}...\n")
    assert names(file) == ["n1", "n2"]


def test_an_empty_yaml_file_holds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text("")
    assert names(file) == []


@pytest.mark.parametrize("name", ["list.json", "list.yaml", "list"])
def test_json_is_read_under_any_name(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text(json.dumps(listed(node("n1"))))
    assert names(file) == ["n1"]


def test_yaml_in_flow_style_is_no_broken_json(tmp_path: Path) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text("{apiVersion: v1, kind: Node, metadata: {name: n1}}\n---\n" + json.dumps(node("n2")))
    assert names(file) == ["n1", "n2"]


def test_yaml_without_a_telling_name(tmp_path: Path) -> None:
    file = tmp_path / "export"
    file.write_text(yaml_node("n1"))
    assert names(file) == ["n1"]


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    for name, text in (("a.json", json.dumps(node("n1"))), ("b.yaml", yaml_node("n2"))):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert names(tmp_path) == ["n1", "n2"]


def test_lists_of_one_kind_name_it_for_their_items(tmp_path: Path) -> None:
    bare = {"metadata": {"name": "n1"}}
    file = tmp_path / "nodes.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "NodeList", "metadata": {}, "items": [bare]}))
    (tmp_path / "nodes.yaml").write_text(
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: NodeList, items: [{metadata: {name: n2}}]}\n"
        "- {apiVersion: v1, kind: NodeList, items: []}\n"
    )
    assert names(tmp_path) == ["n1", "n2"]


def test_a_list_of_nothing(tmp_path: Path) -> None:
    file = tmp_path / "none.json"
    file.write_text('{"apiVersion": "v1", "kind": "List", "items": null}')
    assert names(file) == []


def test_the_same_object_twice_is_one(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml_node("n1"))
    (tmp_path / "b.json").write_text(json.dumps(listed(node("n1"), node("n1"))))
    assert names(tmp_path, tmp_path / "a.yaml") == ["n1"]


def test_pods_of_one_name_live_in_different_namespaces(tmp_path: Path) -> None:
    pods = read(tmp_path, pod(), pod(namespace="other"), pod(namespace=None)).snapshot.pods
    assert [one.key for one in pods] == ["default/web", "other/web", "shop/web"]


def test_two_different_objects_of_one_name_are_an_error_with_both_places(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(yaml_node("n1"))
    second.write_text(yaml_node("n0") + "---\n" + yaml_node("n1") + "spec: {unschedulable: true}\n")
    with pytest.raises(InputError) as caught:
        names(first, second)
    assert str(caught.value) == (
        f"{second}:5:1: Node n1 stands here and, with other content, at {first}:1:1; leave one out"
    )


@pytest.mark.parametrize(
    ("path", "said"),
    [("missing.yaml", "cannot be read: No such file or directory"), ("empty", "holds no .json, .yaml, .yml file")],
)
def test_paths_that_lead_nowhere(tmp_path: Path, path: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=said):
        names(tmp_path / path)


def test_a_file_that_is_larger_than_any_export_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "huge.json"
    with file.open("wb") as stream:
        stream.truncate(LARGEST_JSON + 1)
    with pytest.raises(InputError, match="is larger than 2 GiB"):
        names(file)


def test_large_yaml_is_refused_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_bytes(b"#" * (LARGEST_YAML + 1))
    with pytest.raises(InputError, match="export it with -o json"):
        names(file)


def test_large_yaml_that_only_the_thorough_reader_takes_is_refused_too(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text("a: &x 1\nb: *x\n" + "#" * LARGEST_THOROUGH)
    with pytest.raises(InputError, match="more than 2 MiB, which takes too long"):
        names(file)


def test_what_only_yaml_1_2_allows_is_read_from_larger_files_too(tmp_path: Path) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text(yaml_node("n1") + "spec: {odd: [:0]}\n" + "#" * QUICK_FROM)
    assert names(file) == ["n1"]
    file.write_text(yaml_node("n1") + "spec: {odd: [:0]}\n" + "#" * LARGEST_THOROUGH)
    with pytest.raises(InputError, match=r"flow\.yaml:4:14: broken YAML"):
        names(file)


def test_yaml_of_some_size_is_read_with_places(tmp_path: Path) -> None:
    file = tmp_path / "export.yaml"
    padding = "#" * QUICK_FROM
    file.write_text(f"{yaml_node('n1')}---\n{padding}\n{yaml_node('n2')}")
    assert names(file) == ["n1", "n2"]
    file.write_text(f"{yaml_node('n1')}---\n{padding}\n{yaml_node('n2')}status: {{capacity: {{cpu: -1}}}}\n")
    with pytest.raises(InputError, match=r"export\.yaml:9:26: status\.capacity\.cpu: '-1' is negative"):
        names(file)


def test_a_mapped_file_is_read_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "mapped.json"
    padding = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "data": {"x": "y" * (65 * 1024**2)}})
    broken = json.dumps(node("n2", allocatable={"cpu": "1.5.2"}))
    file.write_text(f'{{"apiVersion": "v1", "kind": "List", "items": [\n{padding},\n{json.dumps(node("n1"))}\n]}}')
    assert names(file) == ["n1"]
    file.write_text(f'{{"apiVersion": "v1", "kind": "List", "items": [\n{padding},\n{broken}\n]}}')
    with pytest.raises(InputError, match=r"mapped\.json:3:\d+: status\.allocatable\.cpu: '1\.5\.2' is not a quantity"):
        names(file)


def test_a_snapshot_without_nodes_is_refused_by_those_who_ask(tmp_path: Path) -> None:
    inputs = read(tmp_path, pod())
    with pytest.raises(InputError, match=r"x\.json: a snapshot without a Node .* kubectl get nodes,pods,"):
        require_nodes(inputs, [tmp_path / "x.json"])
    require_nodes(read(tmp_path, node()), [])
