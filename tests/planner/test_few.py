"""Fleets of few nodes: none that has the room and costs less than so much is left out, and no other is among them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import few
from planner.drafts import Draft
from planner.few import fleets_of_few
from planner.fleet import Proposer
from planner.ledger import Ledger
from tests.planner.markets import Shop
from tests.planner.worlds import group

COLUMNS = 3
AMOUNTS = st.lists(st.integers(-1, 4), min_size=COLUMNS, max_size=COLUMNS)
PRICES = st.lists(st.integers(3, 9), min_size=COLUMNS, max_size=COLUMNS)


@given(rows=st.lists(st.tuples(AMOUNTS, st.integers(-3, 9)), min_size=1, max_size=3), price=PRICES, below=st.integers(0, 25))
def test_all_fleets_that_keep_the_rows_and_cost_less_are_found(
    rows: list[tuple[list[int], int]], price: list[int], below: int
) -> None:
    matrix, least = np.array([one for one, _ in rows], np.float64), np.array([one for _, one in rows], np.float64)
    found = fleets_of_few(matrix, least, np.array(price), below)
    possible = product(range(below // min(price) + 1), repeat=COLUMNS)
    expected = {
        one for one in possible
        if any(one) and np.dot(one, price) < below and (matrix @ np.array(one) >= least).all()
    }  # fmt: skip
    assert {tuple(one) for one in found.tolist()} == expected
    assert len(found) == len(expected)


def test_where_there_are_too_many_the_larger_ones_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, least, price = np.ones((1, 3)), np.ones(1), np.array([1, 1, 1])
    every = fleets_of_few(matrix, least, price, 6)
    assert every.sum(axis=1).max() == 5
    monkeypatch.setattr(few, "CELLS", 48)
    some = fleets_of_few(matrix, least, price, 6)
    assert some.sum(axis=1).max() == 3  # 3, 6 and 10 sets of one, two and three nodes, of four figures each
    assert {tuple(one) for one in some.tolist()} == {tuple(one) for one in every.tolist() if sum(one) <= 3}


def test_a_draft_names_the_fleets_of_fewest_nodes_first() -> None:
    shop = Shop.of([group("web", 12, 400)])
    draft = Draft(Proposer(shop.market, Ledger(500, 100), exact=False), shop.asks)
    least = draft.fleet(np.ones(len(shop.market.variants), np.bool_), 0)
    assert least is not None
    found = draft.few(2 * int(shop.market.price @ least), 1000)
    nodes = [int(one.sum()) for one in found]
    assert nodes == sorted(nodes)
    assert tuple(least.tolist()) in {tuple(one.tolist()) for one in found}
    assert [one.tolist() for one in draft.few(2 * int(shop.market.price @ least), 3)] == [one.tolist() for one in found[:3]]
    assert draft.few(0, 3) == []
