"""Pools as Terraform files: formatted, read back as they were, one number apart when the size changes."""

from __future__ import annotations

import difflib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from planner.errors import ValueRefused
from planner.pools import Pool, PoolName
from planner.taints import Taint
from renderer.errors import TextRefused
from renderer.terraform import address, pool_file, released_text, resized_text, resource_label
from renderer.terraform_read import read_pool, read_pool_file
from tests.renderer.cases import FOLDER
from tests.renderer.programs import refuse_unformatted
from tests.renderer.strategies import pools, sizes

BROKEN: list[dict[str, Any]] = YAML(typ="safe").load(FOLDER / "broken" / "terraform.yaml")
DEMO = Pool(
    name=PoolName("demo"), flavor="b3-8", zones=("eu-west-par-a",), desired=3, labels=(("tier", "front"),),
    taints=(Taint("gpu"),),
)  # fmt: skip


@given(pools)
def test_a_pool_is_read_back_as_it_was(pool: Pool) -> None:
    assert read_pool(pool_file(pool), file="x.tf") == pool


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(pools, min_size=20, max_size=40))
def test_terraform_would_not_format_a_pool_file(many: list[Pool]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        refuse_unformatted({f"{number}.tf": pool_file(pool) for number, pool in enumerate(many)}, Path(folder))


@given(pools, sizes)
def test_another_size_is_another_number_in_one_line(pool: Pool, desired: int) -> None:
    before, after = pool_file(pool), pool_file(pool.resized(desired))

    lines = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
    changed = [f"-   desired_nodes = {pool.desired}", f"+   desired_nodes = {desired}"]
    assert lines == (changed if desired != pool.desired else [])
    assert resized_text(before, desired) == after


def test_a_template_without_content_is_left_out() -> None:
    bare = replace(DEMO, labels=(), taints=())

    assert "template" not in pool_file(bare)
    assert "unschedulable = true" in pool_file(replace(bare, unschedulable=True))


def test_the_zone_is_written_when_there_is_one() -> None:
    assert 'availability_zones = ["eu-west-par-a"]' in pool_file(DEMO)
    assert "availability_zones" not in pool_file(replace(DEMO, zones=()))


def test_a_pool_that_the_autoscaler_sizes_is_left_to_it() -> None:
    assert "ignore_changes = [desired_nodes]" in pool_file(replace(DEMO, autoscale=True))
    assert "ignore_changes" not in pool_file(DEMO)


def test_a_label_that_begins_with_a_digit_gets_an_underscore() -> None:
    assert (resource_label("9a"), address("a-9")) == ("_9a", "ovh_cloud_project_kube_nodepool.a-9")


@pytest.mark.parametrize("name", ["", "A", "a_b", "a.b", "-a", "a-", "../a", "a/b", "a" * 64, "kustomization", "a\n"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueRefused, match="pool"):
        pool_file(replace(DEMO, name=PoolName(name)))


def test_an_existing_pool_is_imported_by_its_id() -> None:
    text = pool_file(DEMO, imported="s/k/1f2e")

    assert text == (
        f'{pool_file(DEMO)}\nimport {{\n  to = ovh_cloud_project_kube_nodepool.demo\n  id = "s/k/1f2e"\n}}\n'
    )
    assert read_pool_file(text, file="x.tf") == (DEMO, "s/k/1f2e")


@pytest.mark.parametrize(("old", "new"), [
    ("nodepool.demo\n  id", "nodepool.other\n  id"), ('"s/k/1f2e"', "local.kube_id"), ("  id = ", "  ids = "),
    ("import {", "import {\n}\n\nimport {"),
])  # fmt: skip
def test_an_import_of_anything_else_is_refused_with_its_place(old: str, new: str) -> None:
    text = pool_file(DEMO, imported="s/k/1f2e").replace(old, new)

    with pytest.raises(TextRefused, match=r"x\.tf:\d+:1: an import block here takes in ovh_cloud_project_kube_nodepool"):
        read_pool(text, file="x.tf")


def test_a_released_pool_is_forgotten_and_not_destroyed() -> None:
    assert released_text("demo") == (
        "# poolplan owns this file. It lets go of the pool and leaves it as it is; delete it after that.\n"
        'terraform {\n  required_version = ">= 1.7.0"\n}\n\n'
        "removed {\n  from = ovh_cloud_project_kube_nodepool.demo\n\n  lifecycle {\n    destroy = false\n  }\n}\n"
    )


def test_comments_and_other_notations_are_read() -> None:
    text = pool_file(DEMO).replace("tier = ", '/* why */ "tier" : ').replace("= 3", "= 3 // more\n  # to come")
    text = text.replace("]\n", "] # zones\n").replace("\n", "\r\n").replace("  autoscale     = false\r\n", "")

    assert read_pool(text, file="x.tf") == DEMO


def test_blocks_that_are_terraforms_own_are_passed_over() -> None:
    text = pool_file(DEMO).replace("\n}\n", '\n  timeouts {\n    create = "2h"\n  }\n}\n')

    assert read_pool(text, file="x.tf") == DEMO


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case["name"])
def test_a_broken_file_is_refused_with_its_place(case: dict[str, Any]) -> None:
    text = pool_file(DEMO)
    for old, new in case["replace"].items():
        assert old in text
        text = text.replace(old, new, 1)

    with pytest.raises(TextRefused) as refused:
        read_pool(text, file="pool-demo.tf")
    assert str(refused.value) == case["says"]
