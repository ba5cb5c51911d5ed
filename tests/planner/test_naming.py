"""Names that OVHcloud takes, and that stay the same from run to run."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.naming import LONGEST, is_valid, name_for, numbered
from planner.pools import Pool, PoolName
from planner.taints import Taint

#: The console's pattern for names and the guide's rule that none begins with a digit, written anew.
CONSOLE = re.compile(r"^(?:[a-z0-9]|[a-z0-9][a-z0-9-]{0,49}[a-z0-9])$")
flavors = st.from_regex(r"[a-z]{1,4}[0-9]{0,4}(-le)?-[0-9]{1,40}", fullmatch=True)
zones = st.one_of(st.just("nova"), st.from_regex(r"[a-z]{2}-[a-z]{1,40}-[a-z]{3}-[abc]", fullmatch=True), st.text(max_size=60))
names = st.from_regex(r"[a-z]([a-z0-9-]{0,49}[a-z0-9])?", fullmatch=True)
labels = st.dictionaries(st.sampled_from(["team", "tier"]), st.sampled_from(["a", "b"]))


def pool(flavor: str = "b3-8", **fields: object) -> Pool:
    return Pool(name=PoolName(""), flavor=flavor, **fields)  # type: ignore[arg-type]


def taken_by_ovh(name: str) -> bool:
    return CONSOLE.fullmatch(name) is not None and not name[0].isdigit() and len(name) <= 51


@given(flavors, zones, labels, st.sets(st.integers(0, 3)))
def test_every_name_is_one_that_ovhcloud_takes_and_nobody_has(
    flavor: str, zone: str, template: dict[str, str], rounds: set[int]
) -> None:
    one = pool(flavor, labels=tuple(sorted(template.items())))
    taken: set[str] = set()
    for _ in range(len(rounds) + 1):
        name = name_for(one, zone, taken)
        assert taken_by_ovh(name)
        assert is_valid(name)
        assert name not in taken
        taken.add(name)


@given(names, st.integers(2, 150))
def test_numbers_count_on_and_fit(name: str, count: int) -> None:
    taken = {name}
    for number in range(2, count):
        found = numbered(name, taken)
        assert found.endswith(f"-{number}")
        assert taken_by_ovh(found)
        taken.add(found)


@pytest.mark.parametrize("name", ["a", "1a", "a--a", "a-", "-a", "A", "a_b", "a.b", "", "a" * 51, "a" * 52, "a\n", "é"])
def test_validity_is_the_console_s_without_leading_digits(name: str) -> None:
    assert is_valid(name) == taken_by_ovh(name)


def test_names_of_the_usual_pools() -> None:
    assert name_for(pool("b3-8"), "eu-west-par-a", ()) == "karpenter-b3-8-eu-west-par-a"
    assert name_for(pool("t1-le-45"), "nova", ()) == "karpenter-t1-le-45-nova"
    assert len(name_for(pool("x" * 80), "nova", ())) == LONGEST


TEMPLATES = {
    "plain": pool(),
    "label": pool(labels=(("team", "red"),)),
    "other label": pool(labels=(("team", "blue"),)),
    "taint": pool(taints=(Taint("team", "red"),)),
    "annotation": pool(annotations=(("team", "red"),)),
    "monthly": pool(monthly_billed=True),
    "anti-affinity": pool(anti_affinity=True),
    "zone": pool(zones=("eu-west-par-a",)),
}


def test_the_suffix_tells_templates_apart_and_stays_the_same() -> None:
    plain = "karpenter-b3-8-nova"
    suffixed = {kind: name_for(one, "nova", {plain}) for kind, one in TEMPLATES.items()}
    assert len(set(suffixed.values())) == len(TEMPLATES)
    assert all(re.fullmatch(rf"{plain}-[a-z][a-z0-9]{{4}}", name) for name in suffixed.values())
    assert suffixed["label"] == "karpenter-b3-8-nova-mv8zn"  # written down: it must not change with a release


def test_size_and_bounds_do_not_change_the_suffix() -> None:
    taken = {"karpenter-b3-8-nova"}
    assert name_for(pool(desired=7, maximum=9), "nova", taken) == name_for(pool(), "nova", taken)
