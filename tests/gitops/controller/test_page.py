"""The page of a view: compared whole with a file that ``pytest --update-golden`` rewrites, and what must not be in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gitops.controller.page import page_of
from gitops.controller.view import View
from gitops.loop.ledger import Ledger
from gitops.rounds import Observed
from planner.pools import PoolSet
from renderer.page.style import STYLE
from renderer.page.whole import cluster_page, index_page
from tests.conftest import CompareText
from tests.gitops.controller.story import NOW, A, B, C, view

GOLDEN = Path(__file__).parents[2] / "data" / "page"


class Words(HTMLParser):
    """The text of a page without its tags, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def __contains__(self, text: str) -> bool:
        return text in "".join(self.words)


def shown(seen: View) -> Words:
    return Words(cluster_page(page_of(seen)))


@pytest.mark.parametrize("name", ["story", "observing", "failing", "first"])
def test_it_is_as_expected(name: str, golden: CompareText) -> None:
    golden(GOLDEN / f"{name}.html", _lines(cluster_page(page_of(VIEWS[name]()))))


def test_the_list_of_clusters_is_as_expected(golden: CompareText) -> None:
    pages = [page_of(VIEWS[name]()) for name in sorted(VIEWS)]
    golden(GOLDEN / "index.html", _lines(index_page(pages)))


def test_a_page_has_nothing_that_runs_or_loads() -> None:
    tags = {tag for name in sorted(VIEWS) for tag in shown(VIEWS[name]()).tags}
    assert tags.isdisjoint({"script", "img", "iframe", "object", "embed", "form", "input", "audio", "video", "base"})


def test_every_waiting_pod_is_named_with_how_far_it_is() -> None:
    seen = view()
    page = shown(seen)
    assert seen.planned is not None
    for pod in seen.planned.inputs.snapshot.pods:
        assert (pod.key in page) or pod.node_name
    for text in ("uncovered", "proposed", "joining", "fits"):
        assert text in page


def test_every_node_is_told_of() -> None:
    page = shown(view())
    for text in ("node-000001 and 1 like it", "node-001a1f and 2 like it", "ordered, joining", "comes with the plan", "goes", "not ready, cordoned"):
        assert text in page
    assert all(pool in page for pool in (A, B, C))


def test_what_the_plan_does_not_order_any_more_is_not_drawn() -> None:
    """A pool that goes back to what is there of it awaits no node."""
    seen = view()
    assert seen.planned is not None
    pool = seen.planned.inputs.declared.get(B)
    assert pool is not None
    change = replace(seen.planned.plan.changes[0], pool=pool.name, before=pool, after=pool.resized(2), pods=())
    plan = replace(seen.planned.plan, changes=(change,), placements=())
    page = shown(replace(seen, planned=replace(seen.planned, plan=plan)))
    assert "ordered, joining" not in page


def test_drift_is_not_taken_for_none_where_nobody_looked() -> None:
    seen = view()
    assert seen.planned is not None
    inputs = seen.planned.inputs
    by_nodes = PoolSet.of(replace(pool, state=None) for pool in inputs.observed)
    for declared, observed, drift in (
        (inputs.declared, by_nodes, None), (inputs.declared, PoolSet(), None), (PoolSet(), PoolSet(), ()),
        (inputs.declared, inputs.declared, ()),
    ):  # fmt: skip
        planned = replace(seen.planned, inputs=replace(inputs, declared=declared, observed=observed))
        assert page_of(replace(seen, planned=planned)).drift == drift


def test_the_same_view_is_the_same_page_whatever_the_time() -> None:
    assert cluster_page(page_of(view())) == cluster_page(page_of(view()))


def test_a_ledger_that_cannot_be_read_is_said_and_all_else_is_shown() -> None:
    seen = view()
    assert seen.proposed is not None
    broken = tuple(replace(one, at="yesterday") for one in seen.proposed.ledger.records)
    page = shown(replace(seen, proposed=replace(seen.proposed, ledger=Ledger(records=broken), done=())))
    assert "The history cannot be read." in page
    assert "'yesterday'" in page
    assert "Pods that wait" in page


def _lines(page: str) -> str:
    """One element a line, so that a difference can be read, and without the style sheet."""
    return page.replace(STYLE, "…").replace("><", ">\n<")


def _observing() -> View:
    seen = view()
    assert seen.planned is not None
    observed = Observed(around=seen.planned.around, inputs=seen.planned.inputs, plan=seen.planned.plan)
    return replace(seen, planned=observed, proposed=None, applying=None, leads=False)


def _failing() -> View:
    """Everything that can be in the way, at once."""
    seen = view(at=NOW + timedelta(minutes=7), problem="git.example.org cannot be reached: timed out", failures=3, leads=False)
    assert seen.proposed is not None
    assert seen.applying is not None
    waits = replace(seen.proposed, waits="#9 is merged and not approved", freeze="clusters/FREEZE says: audit")
    stuck = replace(seen.applying, problem="what main asks for is not approved", reasons=("one approval of ops is missing",))
    return replace(seen, proposed=waits, applying=stuck)


VIEWS = {
    "story": view, "observing": _observing, "failing": _failing,
    "first": lambda: View(cluster="paris", leads=True),
}  # fmt: skip
