"""Pools between the API's JSON and values: nothing is lost on the way, and what is wrong in a file is found there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops.errors import InputError, Refused
from gitops.ovh.pools import encode_creation, encode_template, encode_update, pools_of, read_pools
from planner.pools import Pool, PoolName, ProviderState
from planner.taints import EFFECTS, Taint

CASES = YAML(typ="safe", pure=True).load(Path(__file__).parent / "cases" / "bad_pools.yaml")
LEAST = {"name": "a", "flavor": "b3-8", "desiredNodes": 2}

words = st.text('abcz-./é"\\$', min_size=1, max_size=6)
values = st.text('az09 ${}\n"é', max_size=4)
pairs = st.dictionaries(words, values, max_size=3).map(lambda found: tuple(sorted(found.items())))
taints = st.builds(Taint, words, values, st.sampled_from(EFFECTS))
sizes = st.integers(0, 100)
templates = st.fixed_dictionaries({
    "labels": pairs, "annotations": pairs,
    "taints": st.sets(taints, max_size=3).map(lambda found: tuple(sorted(found))),
    "finalizers": st.sets(words, max_size=2).map(lambda found: tuple(sorted(found))), "unschedulable": st.booleans(),
    "desired": sizes, "minimum": sizes, "maximum": sizes, "autoscale": st.booleans(),
})  # fmt: skip


def pool_with(
    changeable: dict[str, Any], zones: tuple[str, ...] = (), *, monthly: bool = False, apart: bool = False
) -> Pool:
    state = ProviderState(id="p1")
    return Pool(
        name=PoolName("a"),
        flavor="b3-8",
        zones=zones,
        monthly_billed=monthly,
        anti_affinity=apart,
        state=state,
        **changeable,
    )


pools = st.builds(
    pool_with, templates, st.sampled_from([(), ("eu-west-par-a",)]), monthly=st.booleans(), apart=st.booleans()
)  # fmt: skip


def as_answered(creation: dict[str, Any]) -> dict[str, Any]:
    """What the API makes of a creation: ``flavorName`` is called ``flavor`` there, no zones are null."""
    rest = {name: value for name, value in creation.items() if name != "flavorName"}
    return {
        **rest, "flavor": creation["flavorName"], "availabilityZones": creation["availabilityZones"] or None,
        "id": "p1", "status": "READY", "createdAt": "2026-01-01T00:00:00Z", "sizeStatus": "CAPACITY_OK",
    }  # fmt: skip


@settings(deadline=None)
@given(pools)
def test_a_pool_survives_its_creation(pool: Pool) -> None:
    answered = json.loads(json.dumps(as_answered(encode_creation(pool))))
    (found,) = pools_of([answered])
    assert (found, found.state) == (pool, pool.state)


@settings(deadline=None)
@given(templates, templates, st.booleans())
def test_an_update_makes_the_one_pool_of_the_other(before: dict[str, Any], after: dict[str, Any], same: bool) -> None:
    old, new = pool_with(before), pool_with(before if same else after)
    changed = {**encode_creation(old), **encode_update(old, new)}
    (found,) = pools_of([as_answered(changed)])
    assert found == new


@settings(deadline=None)
@given(pools)
def test_what_stays_is_not_sent(pool: Pool) -> None:
    assert encode_update(pool, replace(pool)) == {}


def test_a_changed_label_sends_the_template_whole() -> None:
    pool = pool_with({"desired": 3, "taints": (Taint("dedicated", "", "NoSchedule"),)})
    assert encode_update(pool, replace(pool, labels=(("team", "a"),))) == {
        "template": {
            "metadata": {"annotations": {}, "finalizers": [], "labels": {"team": "a"}},
            "spec": {"taints": [{"effect": "NoSchedule", "key": "dedicated", "value": ""}], "unschedulable": False},
        }
    }


def test_a_creation_says_everything() -> None:
    assert encode_creation(Pool(name=PoolName("a"), flavor="b3-8", desired=2)) == {
        "name": "a", "flavorName": "b3-8", "availabilityZones": [], "antiAffinity": False, "monthlyBilled": False,
        "autoscale": False, "desiredNodes": 2, "minNodes": 0, "maxNodes": 100,
        "template": {
            "metadata": {"annotations": {}, "finalizers": [], "labels": {}},
            "spec": {"taints": [], "unschedulable": False},
        },
    }  # fmt: skip


def test_an_update_names_who_leaves() -> None:
    pool = pool_with({"desired": 3})
    assert encode_update(pool, pool.resized(1), ("n2", "n1")) == {"desiredNodes": 1, "nodesToRemove": ["n2", "n1"]}


@pytest.mark.parametrize("desired", [2, 3, 4])
def test_more_nodes_than_the_size_loses_are_not_named(desired: int) -> None:
    pool = pool_with({"desired": 3})
    with pytest.raises(Refused) as caught:
        encode_update(pool, pool.resized(desired), ("n1", "n2"))
    assert str(caught.value) == f"pool a: nodes named for removal: 2, but its size goes from 3 to {desired}"


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "b"), ("flavor", "b3-16"), ("zones", ("z",)), ("monthly_billed", True), ("anti_affinity", True)],
)
def test_what_is_fixed_at_creation_is_never_sent(field: str, value: object) -> None:
    pool = pool_with({})
    with pytest.raises(Refused) as caught:
        encode_update(pool, replace(pool, **{field: value}))
    words = field.replace("_", " ")
    assert str(caught.value) == f"pool a: {words} cannot change after creation; the pool must be replaced"


@pytest.mark.parametrize("empty", [None, [], "absent"])
def test_no_zones_is_no_zone(empty: object) -> None:
    entry = LEAST if empty == "absent" else {**LEAST, "availabilityZones": empty}
    (found,) = pools_of([entry])
    assert found.zones == ()


@pytest.mark.parametrize(
    "template",
    [
        None, {}, {"metadata": None, "spec": None}, {"metadata": {}, "spec": {}},
        {"metadata": {"labels": None, "annotations": None, "finalizers": None},
         "spec": {"taints": None, "unschedulable": None}},
    ],
)  # fmt: skip
def test_an_empty_template_is_empty_in_any_form(template: object) -> None:
    (found,) = pools_of([{**LEAST, "template": template}])
    assert found == Pool(name=PoolName("a"), flavor="b3-8", desired=2)


@pytest.mark.parametrize(("anti_affinity", "maximum"), [(False, 100), (True, 5), (None, 100)])
def test_a_maximum_that_is_not_told_is_the_largest(anti_affinity: bool | None, maximum: int) -> None:
    (found,) = pools_of([{**LEAST, "antiAffinity": anti_affinity}])
    assert found.maximum == maximum


def test_the_provider_tells_state_and_counts() -> None:
    entry = {
        **LEAST,
        "id": "x",
        "status": "USER_QUOTA_ERROR",
        "currentNodes": 2,
        "availableNodes": 1,
        "newField": {"a": 1},
    }
    (found,) = pools_of([entry])
    assert found.state == ProviderState(id="x", status="USER_QUOTA_ERROR", current_nodes=2, available_nodes=1)
    assert found.failed


def test_pools_are_listed_by_name() -> None:
    found = pools_of([{**LEAST, "name": name} for name in ("c", "a", "b")])
    assert [pool.name for pool in found] == ["a", "b", "c"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_fault_in_a_file_is_told_with_its_place(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "pools.json"
    path.write_text(case["text"], encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_pools(path)
    assert str(caught.value) == f"{path}{case['says']}"


def test_a_good_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pools.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([LEAST]).encode())  # with the mark that Windows' editors write
    assert read_pools(path).names() == {"a"}


def test_a_template_has_all_its_members() -> None:
    """The API: "[template.metadata.annotations] Property is mandatory"."""
    template = encode_template(pool_with({}))
    assert template == {
        "metadata": {"annotations": {}, "finalizers": [], "labels": {}}, "spec": {"taints": [], "unschedulable": False},
    }  # fmt: skip
