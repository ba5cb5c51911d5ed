"""Pools as in-cluster objects: text for every YAML reader, read back as they were, with the comments people added."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from ruamel.yaml import YAML

from planner.errors import ValueRefused
from planner.pools import Pool, PoolName
from planner.taints import Taint
from renderer.delegated import PROTECTION, Delegate
from renderer.errors import TextRefused
from renderer.manifests import kustomization, manifest, read_manifest
from tests.renderer.cases import FOLDER
from tests.renderer.strategies import few_examples, pools

BROKEN: list[dict[str, Any]] = YAML(typ="safe").load(FOLDER / "broken" / "manifest.yaml")
DEMO = Pool(
    name=PoolName("demo"), flavor="b3-8", zones=("eu-west-par-a",), desired=3, labels=(("tier", "front"),),
    taints=(Taint("gpu"),),
)  # fmt: skip
COMMENTED = """\
# Black Friday: do not touch before Monday.
apiVersion: kube.cloud.ovh.com/v1alpha1
kind: NodePool
metadata:
  name: demo   # the shop's
  annotations: {argocd.argoproj.io/sync-wave: "1"}
spec:
  desiredNodes: 3   # asked for by the shop
  # the cheapest that fits
  flavor: b3-8
  maxNodes: 100
  availabilityZones: [eu-west-par-a]
  template:
    metadata:
      labels:
        tier: front   # behind the balancer
      finalizers: []
      annotations: {}
    spec:
      taints: [{key: gpu, value: "", effect: NoSchedule}]
      unschedulable: false
"""


@given(pools)
def test_a_pool_is_read_back_as_it_was(pool: Pool) -> None:
    assert read_manifest(manifest(pool), file="x.yaml") == pool


@given(pools)
def test_a_reader_of_older_yaml_reads_the_same(pool: Pool) -> None:
    document = yaml.safe_load(manifest(pool))

    carried = document["spec"].get("template", {}).get("metadata", {})
    assert document["metadata"]["name"] == pool.name
    assert carried.get("labels", {}) == dict(pool.labels)
    assert carried.get("annotations", {}) == dict(pool.annotations)
    assert document["spec"].get("availabilityZones", []) == list(pool.zones)


@few_examples
@given(pools, pools)
def test_a_file_edited_in_place_says_what_a_fresh_one_says(before: Pool, after: Pool) -> None:
    after = replace(after, name=before.name)

    edited = manifest(after, manifest(before))

    assert read_manifest(edited, file="x.yaml") == after
    assert manifest(after, edited) == edited


def test_comments_and_order_stay_when_a_size_changes() -> None:
    assert manifest(DEMO, COMMENTED) == COMMENTED
    edited = manifest(replace(DEMO, desired=12), COMMENTED)

    assert edited.splitlines()[7] == "  desiredNodes: 12  # asked for by the shop"
    kept = [line for line in COMMENTED.splitlines() if "#" in line and "desired" not in line]
    assert [line for line in kept if line.split("#")[1] not in edited] == []
    assert "sync-wave" in edited


def test_what_is_no_longer_wanted_is_taken_out() -> None:
    bare = replace(DEMO, labels=(), taints=(), zones=())

    edited = manifest(bare, COMMENTED)

    assert "template" not in edited
    assert "availabilityZones" not in edited
    assert read_manifest(edited, file="x.yaml") == bare


def test_a_file_that_is_no_manifest_any_more_is_written_anew() -> None:
    assert manifest(DEMO, "- broken: [") == manifest(DEMO)
    assert manifest(DEMO, "kind: Other\n") == manifest(DEMO)
    assert manifest(DEMO, "[]\n") == manifest(DEMO)


def test_the_kustomization_lists_every_manifest_once_by_name() -> None:
    listed = yaml.safe_load(kustomization([replace(DEMO, name=PoolName(name)) for name in ("no", "b", "a-1", "1e3")]))

    assert listed == {
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "resources": ["1e3.yaml", "a-1.yaml", "b.yaml", "no.yaml"],
    }  # fmt: skip
    assert yaml.safe_load(kustomization([]))["resources"] == []


def test_a_pool_cannot_take_the_place_of_the_kustomization() -> None:
    with pytest.raises(ValueRefused, match="would replace manifests/kustomization"):
        manifest(replace(DEMO, name=PoolName("kustomization")))


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case["name"])
def test_a_broken_file_is_refused_with_its_place(case: dict[str, Any]) -> None:
    text = manifest(DEMO)
    for old, new in case["replace"].items():
        assert old in text
        text = text.replace(old, new, 1)

    with pytest.raises(TextRefused) as refused:
        read_manifest(text, file="demo.yaml")
    assert str(refused.value) == case["says"]


@pytest.mark.parametrize("delegate", [Delegate.ARGO_CD, Delegate.FLUX], ids=lambda one: one.value)
def test_a_manifest_carries_what_its_delegate_must_find(delegate: Delegate) -> None:
    fresh = manifest(DEMO, delegate=delegate)

    assert yaml.safe_load(fresh)["metadata"]["annotations"] == PROTECTION[delegate]
    assert read_manifest(fresh, file="x.yaml") == DEMO
    assert manifest(DEMO, fresh, delegate=delegate) == fresh
    assert manifest(DEMO, manifest(DEMO), delegate=delegate) == fresh


def test_another_delegate_takes_over_and_what_people_wrote_stays() -> None:
    argo = manifest(DEMO, COMMENTED, delegate=Delegate.ARGO_CD)
    noted = argo.replace("annotations: {", "annotations: {acme.org/owner: shop, ")
    flux = manifest(DEMO, noted, delegate=Delegate.FLUX)

    found = yaml.safe_load(argo)["metadata"]["annotations"]
    assert found == {**PROTECTION[Delegate.ARGO_CD], "argocd.argoproj.io/sync-wave": "1"}
    assert yaml.safe_load(flux)["metadata"]["annotations"] == {"acme.org/owner": "shop", **PROTECTION[Delegate.FLUX]}
    assert "# asked for by the shop" in flux


def test_tofu_controller_reads_no_manifest_so_none_changes_for_it() -> None:
    assert manifest(DEMO, COMMENTED, delegate=Delegate.TOFU_CONTROLLER) == COMMENTED
    assert manifest(DEMO, delegate=Delegate.TOFU_CONTROLLER) == manifest(DEMO)
