"""What the stand-in provider sends and what it tells Terraform, as OVHcloud's provider does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.sandbox.provider.schema import UNNEEDED, UTILIZATION
from gitops.sandbox.provider.values import (
    HOLLOW,
    blunt_template,
    creation_body,
    from_number,
    same_template,
    state_after,
    state_of,
    to_number,
    update_body,
)

EMPTY_TEMPLATE = {
    "metadata": {"annotations": {}, "finalizers": [], "labels": {}}, "spec": {"taints": [], "unschedulable": False},
}
REQUIRED = {"flavor_name": "b3-8", "kube_id": "k", "service_name": "s"}
POOL = {
    "id": "i", "name": "gpu", "flavor": "b3-8", "antiAffinity": False, "autoscale": False, "monthlyBilled": False,
    "desiredNodes": 2, "minNodes": 0, "maxNodes": 100, "availableNodes": 1, "currentNodes": 2, "upToDateNodes": 2,
    "createdAt": "c", "updatedAt": "u", "projectId": "s", "sizeStatus": "UNDER_CAPACITY", "status": "READY",
    "autoscaling": {"scaleDownUnneededTimeSeconds": 600, "scaleDownUtilizationThreshold": 0.6},
    "availabilityZones": None, "attachFloatingIps": None, "template": EMPTY_TEMPLATE,
}


def block(*, labels: Any = None, taints: Any = (), unschedulable: bool = False) -> list[dict[str, Any]]:
    metadata: dict[str, Any] = {"annotations": {}, "finalizers": [], "labels": labels or {}}
    return [{"metadata": [metadata], "spec": [{"taints": list(taints), "unschedulable": unschedulable}]}]


def taint(**more: str) -> dict[str, str]:
    return {"effect": "NoSchedule", "key": "k", **more}


def test_a_creation_says_everything_but_what_is_left_to_the_api() -> None:
    assert creation_body(REQUIRED) == {
        "flavorName": "b3-8", "antiAffinity": False, "autoscale": False, "monthlyBilled": False,
        "availabilityZones": [], "autoscaling": {}, "template": EMPTY_TEMPLATE,
    }


def test_sizes_are_sent_where_known_and_zero_is_one() -> None:
    body = creation_body({**REQUIRED, "name": "gpu", "min_nodes": 0, "desired_nodes": 3})
    assert {key: body.get(key) for key in ("name", "minNodes", "desiredNodes", "maxNodes")} == {
        "name": "gpu", "minNodes": 0, "desiredNodes": 3, "maxNodes": None,
    }


def test_fractions_come_as_text_and_go_as_numbers_and_a_zero_time_does_not_go() -> None:
    body = creation_body({**REQUIRED, UTILIZATION: "0.6", UNNEEDED: 0})
    assert body["autoscaling"] == {"scaleDownUtilizationThreshold": 0.6}


def test_an_update_sends_all_that_may_change_and_nothing_else() -> None:
    known = {**REQUIRED, "name": "gpu", "desired_nodes": 2, "template": block(labels={"a": "b"}, taints=[taint()])}
    body = update_body(known | {"attach_floating_ips": [{"enabled": True}]})
    assert body == {
        "autoscale": False, "desiredNodes": 2, "autoscaling": {}, "attachFloatingIps": {"enabled": True},
        "template": {
            "metadata": {"annotations": {}, "finalizers": [], "labels": {"a": "b"}},
            "spec": {"taints": [taint(value="")], "unschedulable": False},
        },
    }


def test_a_pool_that_was_read_has_every_attribute() -> None:
    state = state_of(POOL, {"kube_id": "k", "service_name": "s"})
    assert state == {
        "id": "i", "name": "gpu", "flavor": "b3-8", "flavor_name": "b3-8", "kube_id": "k", "service_name": "s",
        "anti_affinity": False, "autoscale": False, "monthly_billed": False,
        "desired_nodes": 2, "min_nodes": 0, "max_nodes": 100,
        "available_nodes": 1, "current_nodes": 2, "up_to_date_nodes": 2,
        "created_at": "c", "updated_at": "u", "project_id": "s", "size_status": "UNDER_CAPACITY", "status": "READY",
        UNNEEDED: 600, "autoscaling_scale_down_unready_time_seconds": None, UTILIZATION: "0.6",
        "availability_zones": None, "attach_floating_ips": [], "template": [], "timeouts": None,
    }


@pytest.mark.parametrize(
    ("api", "prior", "told"),
    [
        (None, None, None),
        ([], None, None),
        ([], [], []),
        (None, ["a"], None),
        (["a"], None, ["a"]),
        (["a"], ["b"], ["a"]),
    ],
)
def test_no_zone_is_told_as_it_was_written(api: Any, prior: Any, told: Any) -> None:
    state = state_of({**POOL, "availabilityZones": api}, {**REQUIRED, "availability_zones": prior})
    assert state["availability_zones"] == told


def test_an_emptied_template_is_not_noticed_as_the_real_provider_does_not() -> None:
    dressed = block(labels={"a": "b"})
    assert state_of(POOL, {**REQUIRED, "template": dressed})["template"] == dressed
    assert state_of(POOL, {**REQUIRED, "template": block()})["template"] == [HOLLOW]
    assert state_of(POOL, {**REQUIRED, "template": []})["template"] == []


def test_after_a_change_the_template_stands_as_planned_until_it_is_read() -> None:
    api = {**EMPTY_TEMPLATE, "metadata": {"annotations": {}, "finalizers": [], "labels": {"a": "b"}}}
    planned = blunt_template(block(labels={"a": "b"}))
    changed = state_after({**POOL, "template": api}, {**REQUIRED, "template": planned})
    assert changed["template"] == planned
    assert state_of({**POOL, "template": api}, changed)["template"] == block(labels={"a": "b"})


def test_a_planned_template_is_blunt_where_it_is_empty() -> None:
    nothing = {"annotations": None, "finalizers": None, "labels": None}
    assert blunt_template(block(labels={"a": "b"}, taints=[taint(value=""), taint(value="v")])) == [
        {
            "metadata": [{"annotations": None, "finalizers": [], "labels": {"a": "b"}}],
            "spec": [{"taints": [taint(), taint(value="v")], "unschedulable": False}],
        }
    ]
    assert blunt_template(block())[0]["metadata"] == [nothing]


@pytest.mark.parametrize(
    ("planned", "prior", "same"),
    [
        (block(labels={"a": "b"}), block(labels={"a": "b"}), True),
        (block(labels={"a": "b"}), block(labels={"a": "c"}), False),
        (block(taints=[taint(value="")]), block(taints=[taint(value="")]), True),
        (block(taints=[taint()]), block(taints=[taint(value="")]), False),
        (block(unschedulable=True), block(unschedulable=True), True),
        (block(), block(), False),
        (block(), [], False),
        ([], block(labels={"a": "b"}), False),
        ([], [], True),
    ],
    ids=["labels", "other label", "empty value", "no value", "unschedulable", "no parts", "none", "removed", "absent"],
)
def test_templates_are_the_same_where_the_real_provider_plans_nothing(planned: Any, prior: Any, same: bool) -> None:
    assert same_template(planned, prior) is same


@given(st.floats(min_value=0, max_value=1).map(lambda value: round(value, 3)))
def test_a_fraction_survives_the_way_to_terraform_and_back(value: float) -> None:
    assert from_number(to_number(value)) == value
