"""The languages of requests, case by case: patches and selectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.sandbox.cluster import patches
from gitops.sandbox.cluster.refusals import Refusal
from tests.gitops.sandbox.cluster.made import cases, node, pod

if TYPE_CHECKING:
    from gitops.sandbox.cluster.cluster import SandboxCluster

KEYS, WORDS = st.sampled_from("abc"), st.sampled_from([0, "x", "y", True])
SMALL = st.dictionaries(KEYS, WORDS | st.lists(WORDS, max_size=2), max_size=2)
OBJECTS = st.dictionaries(KEYS, WORDS | SMALL | st.dictionaries(KEYS, SMALL, max_size=2), max_size=3)
KINDS = {"json": patches.JSON, "merge": patches.MERGE, "strategic": patches.STRATEGIC}


@pytest.mark.parametrize("case", cases("patches"), ids=lambda case: case["name"])
def test_a_patch_gives(case: dict[str, Any]) -> None:
    assert patches.apply_patch(case["before"], case["patch"], KINDS[case["kind"]]) == case["after"]


@pytest.mark.parametrize(("kind", "patch", "code"), [
    (patches.JSON, [{"op": "remove", "path": "/none"}], 422),
    (patches.JSON, {"a": 1}, 400),
    (patches.MERGE, [1], 400),
    ("text/plain", {"a": 1}, 415),
])
def test_a_patch_that_cannot_be_applied_is_refused(kind: str, patch: Any, code: int) -> None:
    with pytest.raises(Refusal) as caught:
        patches.apply_patch({"b": 2}, patch, kind)
    assert caught.value.code == code


@given(old=OBJECTS, new=OBJECTS)
def test_a_difference_merged_into_the_old_is_the_new(old: Any, new: Any) -> None:
    assert patches.merge(old, patches.difference(old, new)) == new
    assert patches.difference(old, old) == {}


@given(old=OBJECTS, patch=OBJECTS)
def test_merging_twice_is_merging_once(old: Any, patch: Any) -> None:
    once = patches.merge(old, patch)
    assert patches.merge(once, patch) == once


@pytest.mark.parametrize("case", cases("selectors"), ids=str)
def test_selectors_mean(case: dict[str, Any], cluster: SandboxCluster) -> None:
    cluster.seed([
        node("one"), node("two"), pod("a", labels={"app": "web", "tier": "front"}, node="one"),
        pod("b", labels={"app": "web"}, cpu="99"), pod("c", labels={"app": "db"}, node="two"),
    ])  # fmt: skip
    selectors = {name: case.get(name, "") for name in ("labels", "fields")}
    if "refused" in case:
        with pytest.raises(Refusal) as caught:
            cluster.listing("pods", **selectors)
        assert str(caught.value) == case["refused"]
    else:
        found: list[Any] = cluster.listing("pods", **selectors)
        assert [item["metadata"]["name"] for item in found] == case["meant"]
