"""Two spellings of one pool are one, and two pools are two."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.engines.pool_values import one_spelling, same_pool
from gitops.sandbox.provider.values import blunt_template

texts = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x"]), max_size=2)
taints = st.lists(
    st.fixed_dictionaries({"effect": st.just("NoSchedule"), "key": st.just("k"), "value": st.sampled_from(["", "v"])}),
    max_size=2,
)
finalizers = st.lists(st.just("f"), max_size=1)
metadata = st.fixed_dictionaries({"annotations": texts, "finalizers": finalizers, "labels": texts})
specs = st.fixed_dictionaries({"taints": taints, "unschedulable": st.booleans()})
templates = st.builds(lambda one, other: [{"metadata": [one], "spec": [other]}], metadata, specs)


@given(templates)
def test_what_the_provider_plans_means_what_was_written(template: list[dict[str, Any]]) -> None:
    assert same_pool({"template": template}, {"template": blunt_template(template)})


@given(templates, templates)
def test_templates_that_differ_stay_different(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    assert same_pool({"template": one}, {"template": other}) == (one == other)


def test_no_template_and_a_template_without_parts_are_one() -> None:
    nothing = [{"metadata": [{"annotations": {}, "finalizers": [], "labels": {}}], "spec": [{"taints": []}]}]
    assert same_pool({"template": []}, {"template": nothing})
    assert same_pool({}, {"template": nothing})


def test_one_spelling_is_flat_and_keeps_the_other_values() -> None:
    values = {"desired_nodes": 2, "availability_zones": None, "template": None}
    assert one_spelling(values) == {
        "desired_nodes": 2, "availability_zones": [], "attach_floating_ips": [],
        "template": {"annotations": {}, "finalizers": [], "labels": {}, "taints": [], "unschedulable": False},
    }


@pytest.mark.parametrize(("one", "other", "same"), [(None, None, True), (None, {}, False), ({}, None, False)])
def test_a_pool_that_is_not_there_is_like_no_other(one: Any, other: Any, same: bool) -> None:
    assert same_pool(one, other) is same
