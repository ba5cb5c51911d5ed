"""Manifests and delegates' objects before a real API server: what poolplan renders is taken, what is wrong is refused.

OVHcloud's own definition is not published; the one here is reconstructed from its guides. Those of Argo CD, Flux and
tofu-controller are excerpts, so a field that they do not have is refused, and a rule that they have beside is not known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from ruamel.yaml import YAML

from planner.pools import Pool, PoolName
from planner.taints import Taint
from renderer.bootstrap import Following, bootstrap_files, terraform_object
from renderer.delegated import PROTECTION, Delegate
from renderer.manifests import manifest
from renderer.terraform_settings import Backend
from tests.real.controlplane import ControlPlane, Object

FOLDER = Path(__file__).parent.parent / "data" / "crds"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POOLS = "/apis/kube.cloud.ovh.com/v1alpha1/nodepools"
DEMO = Pool(
    name=PoolName("demo"), flavor="b3-8", zones=("eu-west-par-a",), desired=3, labels=(("tier", "front"),),
    taints=(Taint("gpu"), Taint("boot", "yes", "NoExecute")), annotations=(("example.com/note", 'two "lines"\n'),),
)  # fmt: skip
PARIS = Following(
    cluster="paris", url="https://git.example.org/acme/fleet.git", backend=Backend("s3", (("bucket", "state"),))
)
REFUSED = (400, 422, 500)
"""500 is what server-side apply answers to fields and types that a schema does not have."""
yaml = YAML(typ="safe", pure=True)
DELEGATES = sorted(Delegate, key=lambda one: one.value)


@pytest.fixture
def pools(plane: ControlPlane) -> Iterator[ControlPlane]:
    """A cluster that knows OVHcloud's NodePool."""
    definition = yaml.load(FOLDER / "nodepools.kube.cloud.ovh.com.yaml")
    with_definitions(plane, [definition])
    yield plane
    plane.call("DELETE", f"{DEFINITIONS}/{definition['metadata']['name']}")
    plane.wait("the end of NodePool", lambda: not known(plane, "kube.cloud.ovh.com"))


@pytest.fixture
def delegates(plane: ControlPlane) -> Iterator[ControlPlane]:
    """A cluster that knows the objects of the delegates, as far as poolplan writes them."""
    excerpts = [definition_of(one) for one in yaml.load(FOLDER / "excerpts.yaml")]
    with_definitions(plane, excerpts)
    yield plane
    for one in excerpts:
        plane.call("DELETE", f"{DEFINITIONS}/{one['metadata']['name']}")
    for group in sorted({one["spec"]["group"] for one in excerpts}):
        plane.wait(f"the end of {group}", lambda group=group: not known(plane, group))


def definition_of(excerpt: Object) -> Object:
    names = {"kind": excerpt["kind"], "plural": excerpt["plural"]}
    schema = {"type": "object", "properties": {"spec": excerpt["spec"]}}
    version = {"name": excerpt["version"], "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{excerpt['plural']}.{excerpt['group']}"},
        "spec": {"group": excerpt["group"], "scope": "Namespaced", "names": names, "versions": [version]},
    }  # fmt: skip


def with_definitions(plane: ControlPlane, definitions: list[Object]) -> None:
    for one in definitions:
        plane.call("POST", DEFINITIONS, one)
    for one in definitions:
        path = f"/apis/{one['spec']['group']}/{one['spec']['versions'][0]['name']}/{one['spec']['names']['plural']}"
        plane.wait(one["metadata"]["name"], lambda path=path: answered(plane, path) == 200)


def answered(plane: ControlPlane, path: str) -> int:
    return plane._ask(plane.port, "GET", path)[0]


def known(plane: ControlPlane, group: str) -> bool:
    found = plane.call("GET", "/apis")["groups"]
    return group in [one["name"] for one in found]


def applied(plane: ControlPlane, path: str, document: Object, *, who: str = "delegate", force: bool = True) -> Any:
    """Server-side apply, with every field checked: status and answer."""
    query = urlencode({"fieldManager": who, "force": str(force).lower(), "fieldValidation": "Strict"})
    kind = "application/apply-patch+yaml"
    status, said = plane._ask(plane.port, "PATCH", f"{path}?{query}", json.dumps(document).encode(), kind)
    return status, json.loads(said)


def loaded(text: str) -> Object:
    document: Object = yaml.load(text)
    return document


@pytest.mark.parametrize("delegate", [*DELEGATES, None], ids=lambda one: one.value if one else "nobody")
def test_a_manifest_is_taken_and_says_the_same_when_it_is_read_back(
    pools: ControlPlane, delegate: Delegate | None
) -> None:
    bare = Pool(name=PoolName("bare"), flavor="b2-7")
    for one in (DEMO, bare, replace(DEMO, name=PoolName("locked"), unschedulable=True, anti_affinity=True, maximum=5)):
        document = loaded(manifest(one, delegate=delegate))
        status, answer = applied(pools, f"{POOLS}/{one.name}", document)
        assert status in (200, 201), answer
        assert answer["spec"] == document["spec"]
        assert answer["metadata"].get("annotations", {}) == (dict(PROTECTION[delegate]) if delegate else {})
        pools.call("DELETE", f"{POOLS}/{one.name}")


def test_a_resize_is_one_field_and_a_new_flavor_is_refused(pools: ControlPlane) -> None:
    path = f"{POOLS}/demo"
    first = applied(pools, path, loaded(manifest(DEMO)))[1]
    status, grown = applied(pools, path, loaded(manifest(DEMO.resized(5))))
    assert status == 200
    assert (first["spec"] | {"desiredNodes": 5}) == grown["spec"]
    assert grown["metadata"]["generation"] == first["metadata"]["generation"] + 1

    status, refused = applied(pools, path, loaded(manifest(replace(DEMO, flavor="b3-16"))))
    assert (status, "flavor is immutable" in refused["message"]) == (422, True)
    pools.call("DELETE", path)


@pytest.mark.parametrize(("wrong", "word"), [
    ({"spec": {"desiredNodes": 3}}, "flavor"),
    ({"spec": {"flavor": "b3-8", "desiredNodes": "3"}}, "desiredNodes"),
    ({"spec": {"flavor": "b3-8", "desiredNodes": -1}}, "desiredNodes"),
    ({"spec": {"flavor": "b3-8", "minNodes": 101}}, "minNodes"),
    ({"spec": {"flavor": "b3-8", "flavorName": "b3-8"}}, "flavorName"),
    ({"spec": {"flavor": "b3-8", "attachFloatingIps": {"enabled": True}}}, "attachFloatingIps"),
    ({"spec": {"flavor": "b3-8", "template": {"metadata": {"labels": {}}}}}, "template"),
    ({"spec": {"flavor": "b3-8", "template": {
        "metadata": {"labels": {}, "annotations": {}, "finalizers": []},
        "spec": {"taints": [{"key": "gpu"}], "unschedulable": False},
    }}}, "effect"),
])  # fmt: skip
def test_what_is_no_pool_is_refused(pools: ControlPlane, wrong: Object, word: str) -> None:
    document = {"apiVersion": "kube.cloud.ovh.com/v1alpha1", "kind": "NodePool", "metadata": {"name": "wrong"}, **wrong}
    status, answer = applied(pools, f"{POOLS}/wrong", document)
    assert status in REFUSED, answer
    assert word in answer["message"]


@pytest.mark.parametrize("delegate", DELEGATES, ids=lambda one: one.value)
def test_what_starts_a_delegate_has_the_fields_of_its_objects(delegates: ControlPlane, delegate: Delegate) -> None:
    texts = [text for _, text in bootstrap_files(delegate, PARIS)]
    if delegate is Delegate.TOFU_CONTROLLER:
        texts += [terraform_object(PARIS, ""), terraform_object(replace(PARIS, backend=Backend()), "plan-x-0123456789")]
    taken = []
    for document in map(loaded, texts):
        if document["kind"] == "ConfigMap":
            continue
        status, answer = applied(delegates, path_of(document), document)
        assert status in (200, 201), answer
        assert answer["spec"] == document["spec"]
        taken.append(document)
    for document in taken:
        odd = {**document, "spec": {**document["spec"], "selfheal": True}}
        status, answer = applied(delegates, path_of(document), odd)
        assert (status in REFUSED, "selfheal" in answer["message"]) == (True, True), answer


def path_of(document: Object) -> str:
    """Where the object is, in the default namespace, for its own is not there."""
    document["metadata"].pop("namespace", None)
    plurals = {one["kind"]: one["plural"] for one in yaml.load(FOLDER / "excerpts.yaml")}
    name = document["metadata"]["name"]
    return f"/apis/{document['apiVersion']}/namespaces/default/{plurals[document['kind']]}/{name}"
