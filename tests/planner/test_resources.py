"""Vectors of amounts, and what the containers of a pod add up to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.pods import effective_requests
from planner.resources import Resources

amounts = st.dictionaries(st.sampled_from(["cpu", "memory", "pods", "nvidia.com/gpu"]), st.integers(-50, 50))
vectors = amounts.map(Resources.of)


@given(vectors, vectors, vectors)
def test_addition_is_commutative_and_associative_and_subtraction_undoes_it(a: Resources, b: Resources, c: Resources) -> None:
    assert a.plus(b) == b.plus(a)
    assert a.plus(b).plus(c) == a.plus(b.plus(c)) == Resources.total((a, b, c))
    assert a.plus(b).minus(b) == a
    assert a.plus(Resources()) == a


@given(vectors, vectors)
def test_the_larger_of_both_is_at_least_each(a: Resources, b: Resources) -> None:
    larger = a.at_least(b)
    assert all(larger.get(name) >= amount for name, amount in (*a, *b))
    assert all(larger.get(name) in (a.get(name), b.get(name), 0) for name, _ in larger)


@given(vectors, vectors)
def test_something_fits_exactly_when_nothing_falls_short(request_: Resources, free: Resources) -> None:
    names = {name for name, _ in request_}
    assert request_.fits_in(free) == all(request_.get(n) <= max(0, free.get(n)) for n in names if request_.get(n) > 0)
    assert all(amount > 0 for _, amount in request_.shortfall(free))


@given(vectors, st.integers(0, 5))
def test_times_is_repeated_addition(a: Resources, count: int) -> None:
    assert a.times(count) == Resources.total([a] * count)


@given(amounts)
def test_equal_vectors_are_equal_values_whatever_the_order_and_the_zeros(given_: dict[str, int]) -> None:
    backwards = {name: given_[name] for name in reversed(given_)} | {"never": 0}
    assert Resources.of(given_) == Resources.of(backwards)


def test_a_request_of_zero_fits_on_an_overcommitted_node() -> None:
    free = Resources.of({"cpu": -100, "memory": 5})
    assert Resources.of({"memory": 5}).fits_in(free)
    assert not Resources.of({"cpu": 1}).fits_in(free)


def cpu(amount: int) -> Resources:
    return Resources.of({"cpu": amount})


#: containers, init containers as (request, is a sidecar), overhead, pod level, what is reserved
POD_TABLE = {
    "nothing asked": ([], [], 0, None, 0),
    "containers add up": ([100, 200], [], 0, None, 300),
    "the largest init container, when larger": ([100], [(500, False), (300, False)], 0, None, 500),
    "an init container smaller than the rest": ([400], [(300, False)], 0, None, 400),
    "a sidecar runs beside the containers": ([100], [(50, True)], 0, None, 150),
    "a sidecar runs beside later init containers": ([100], [(50, True), (200, False)], 0, None, 250),
    "but not beside earlier ones": ([100], [(200, False), (50, True)], 0, None, 200),
    "sidecars add up": ([10], [(50, True), (60, True), (100, False)], 0, None, 210),
    "two init containers around a sidecar": ([10], [(300, False), (50, True), (240, False)], 0, None, 300),
    "the overhead comes on top": ([100], [(500, False)], 25, None, 525),
    "requests of the pod replace the sum": ([100, 200], [(500, False)], 0, 150, 150),
    "and the overhead still comes on top": ([100], [], 25, 400, 425),
}


@pytest.mark.parametrize("case", POD_TABLE)
def test_what_the_scheduler_reserves_for_a_pod(case: str) -> None:
    containers, init, overhead, pod_level, expected = POD_TABLE[case]
    found = effective_requests(
        [cpu(one) for one in containers], [(cpu(one), sidecar) for one, sidecar in init],
        overhead=cpu(overhead), pod_level=None if pod_level is None else cpu(pod_level),
    )  # fmt: skip
    assert found == Resources.of({"cpu": expected, "pods": 1})


def test_requests_of_the_pod_replace_only_what_they_name() -> None:
    container = Resources.of({"cpu": 100, "memory": 7, "nvidia.com/gpu": 1})
    found = effective_requests([container], pod_level=Resources.of({"cpu": 50}))
    assert found == Resources.of({"cpu": 50, "memory": 7, "nvidia.com/gpu": 1, "pods": 1})
