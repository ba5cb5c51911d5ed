"""Plans of the stand-in provider: what is known, what is left to the API, and what replaces a pool."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.sandbox.provider.planning import DECIDED_BY_API, plan_creation, plan_update
from gitops.sandbox.provider.schema import SENT_ONCE, UTILIZATION

UNKNOWN = object()
PRIOR: dict[str, Any] = {
    "flavor_name": "b3-8", "kube_id": "k", "service_name": "s", "name": "gpu", "anti_affinity": False,
    "monthly_billed": False, "availability_zones": ["a"], "desired_nodes": 2, UTILIZATION: "0.6", "status": "READY",
    "attach_floating_ips": [], "template": [],
}


def update(**changes: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    return plan_update(PRIOR, {**PRIOR, **changes}, project=None)


def test_a_new_pool_leaves_to_the_api_what_is_not_written() -> None:
    proposed: dict[str, Any] = {**dict.fromkeys(DECIDED_BY_API), "flavor_name": "b3-8", "desired_nodes": 0}
    proposed |= {"attach_floating_ips": [], "service_name": "s", "availability_zones": None, "template": []}
    planned = plan_creation(proposed, project=None, unknown=UNKNOWN)
    unknown = {name for name, value in planned.items() if value is UNKNOWN}
    assert unknown == set(DECIDED_BY_API) - {"desired_nodes"}
    assert (planned["desired_nodes"], planned["template"], planned["availability_zones"]) == (0, [], None)


@pytest.mark.parametrize(("written", "planned"), [(None, "from-environment"), ("s", "s")])
def test_the_project_comes_from_the_environment_where_it_is_not_written(written: str | None, planned: str) -> None:
    proposed: dict[str, Any] = {"service_name": written, "template": []}
    assert plan_creation(proposed, project="from-environment", unknown=UNKNOWN)["service_name"] == planned


@pytest.mark.parametrize("name", SENT_ONCE)
def test_what_is_sent_once_replaces_the_pool(name: str) -> None:
    assert update(**{name: "another"})[1] == (name,)


def test_a_size_is_changed_in_place_and_reports_stay_as_they_were_read() -> None:
    planned, replaced = update(desired_nodes=3)
    assert replaced == ()
    assert planned == {**PRIOR, "desired_nodes": 3}


def test_a_zone_that_is_left_out_replaces_the_pool() -> None:
    assert update(availability_zones=None)[1] == ("availability_zones",)


@pytest.mark.parametrize(("prior", "written"), [(None, []), ([], None), (None, None)])
def test_no_zone_is_no_zone_however_it_is_written(prior: Any, written: Any) -> None:
    before, after = ({**PRIOR, "availability_zones": zones} for zones in (prior, written))
    planned, replaced = plan_update(before, after, project=None)
    assert (planned["availability_zones"], replaced) == (prior, ())


def test_floating_addresses_that_are_left_out_stay() -> None:
    prior = {**PRIOR, "attach_floating_ips": [{"enabled": True}]}
    planned, _ = plan_update(prior, {**prior, "attach_floating_ips": []}, project=None)
    assert planned["attach_floating_ips"] == [{"enabled": True}]


def test_the_same_fraction_in_another_form_is_no_change() -> None:
    assert update(**{UTILIZATION: 0.6})[0][UTILIZATION] == "0.6"
    assert update(**{UTILIZATION: 0.5})[0][UTILIZATION] == 0.5


def test_a_template_that_means_the_same_stays_as_it_was_read() -> None:
    full = [{"metadata": [{"annotations": {}, "finalizers": [], "labels": {"a": "b"}}], "spec": [{"taints": []}]}]
    planned, _ = plan_update({**PRIOR, "template": full}, {**PRIOR, "template": full, "desired_nodes": 9}, project=None)
    assert planned["template"] == full
    planned, _ = plan_update(PRIOR, {**PRIOR, "template": full}, project=None)
    assert planned["template"][0]["metadata"][0]["annotations"] is None
