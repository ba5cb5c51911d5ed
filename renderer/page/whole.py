"""The whole page of one cluster, and the list of several. The same facts give the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from renderer.page.markup import Html, element, path_part, void
from renderer.page.pools import picture_part
from renderer.page.style import STYLE
from renderer.page.tables import cell, history_part, missing_table, offers_table, table, tag, waiting_table
from renderer.text import count, hourly, monthly
from renderer.wording import nodes_text, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from renderer.page.facts import ClusterPage

RELOAD = 30
"""Seconds between two reloads, where somebody asks for them."""


def cluster_page(page: ClusterPage, *, alone: bool = True) -> str:
    """One cluster. ``alone``: there is no list to go back to."""
    back = [] if alone else [element("p", element("a", "all clusters", href="../"))]
    reload = element("p", "Reload ", element("a", f"every {RELOAD} s", href=f"?reload={RELOAD}"), " or ",
                     element("a", "no more", href="?"), class_="reload soft")  # fmt: skip
    header = element("header", element("h1", page.cluster), _role(page), element("p", _passed(page)), *back, reload)
    foot = element("footer", "Read-only. Times are UTC. poolplan status and poolplan history say the same and more.")
    return _document(page.cluster, header, element("main", *_sections(page), id="main"), foot)


def index_page(pages: Sequence[ClusterPage]) -> str:
    """Several clusters, a row each."""
    rows = (
        (
            cell(element("a", one.cluster, href=f"clusters/{path_part(one.cluster)}")),
            cell(_role(one)), cell(_waits(one)),
            cell(str(len(one.offers))), cell(_price(one), look="t"),
            cell(one.problem or _passed(one), look="w"),
        )
        for one in pages
    )  # fmt: skip
    head = ("cluster", "role", "pods waiting", "proposals", "per hour", "last pass")
    whole = table("Clusters", head, rows, figures=(2, 3))
    header = element("header", element("h1", "Clusters"))
    return _document("Clusters", header, element("main", element("section", whole), id="main"))


def _document(title: str, *body: Html) -> str:
    head = element(
        "head", void("meta", charset="utf-8"), element("title", f"{title} · poolplan"),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="color-scheme", content="light dark"), void("link", rel="icon", href="data:,"),
        element("style", Html(STYLE)),
    )  # fmt: skip
    skip = element("a", "To the facts", href="#main", class_="skip")
    return f"<!doctype html>\n{element('html', head, element('body', skip, *body), lang='en')}\n"


def _sections(page: ClusterPage) -> Iterator[Html]:
    yield from _notes(page)
    if page.summary is None:
        yield element("section", element("p", "Nothing is known yet: the first pass has not come to its end."))
        return
    yield element("section", element("dl", *_facts(page), class_="facts"))
    if page.waiting:
        yield _section("Pods that wait", waiting_table(page.waiting))
    if page.offers:
        yield _section("Open proposals", offers_table(page.offers, page.at))
    if page.picture is not None:
        planned = "Pools, now and with the plan" if page.summary.lines else "Pools"
        yield _section(planned, picture_part(page.picture, page.summary.currency))
    if page.missing:
        yield _section("Taken for unavailable", missing_table(page.missing, page.at))
    if page.drift:
        yield _section("Drift", element("ul", *(element("li", one) for one in page.drift)))
    if page.history is not None and page.history.entries:
        yield _section("Cost and history", history_part(page.history))


def _section(title: str, *children: Html) -> Html:
    return element("section", element("h2", title), *children)


def _notes(page: ClusterPage) -> Iterator[Html]:
    """What keeps anything from happening, first."""
    if page.problem:
        since = f"What follows is of {_at(page.succeeded)}." if page.succeeded else ""
        yield _note("fault", "The last pass failed.", page.problem, since)
    if page.freeze:
        yield _note("note", "Frozen: nothing is applied.", page.freeze)
    if page.waits:
        yield _note("note", "Nothing new is proposed for now.", page.waits)
    applying = page.applying
    if applying is not None and applying.problem:
        step = f"Last step: {applying.step}." if applying.step else ""
        yield _note("note", "Nothing is applied for now.", applying.problem, *applying.reasons, step)
    elif applying is not None and applying.step:
        yield element("section", element("p", element("b", "Applying: "), applying.step))
    if page.unread:
        yield _note("fault", "The history cannot be read.", page.unread)


def _note(class_: str, title: str, *texts: str) -> Html:
    lines = (element("p", one) for one in texts if one)
    return element("section", element("p", element("b", title)), *lines, class_=class_)


def _facts(page: ClusterPage) -> Iterator[Html]:
    summary = page.summary
    assert summary is not None, "asked only where something is planned"  # noqa: S101 - for the type checker
    currency, before, after = summary.currency, summary.before, summary.after
    since = time_text(summary.pending.since, now=summary.now)
    told = (f"since {since}" if since else "", f"{summary.unplaced} without a plan" if summary.unplaced else "")
    yield _fact("pods that wait", _waits(page), ", ".join(filter(None, told)))
    if page.picture is not None:
        was, will = page.picture.before.nodes, page.picture.after.nodes
        by_plan = f"{nodes_text(summary)} by the plan" if summary.lines else ""
        yield _fact("nodes", str(was) if was == will else f"{was} → {will}", by_plan)
    if page.observes:
        yield _fact("the plan would add per hour", hourly(summary.hourly, currency, signed=True),
                    f"{monthly(summary.monthly, currency, signed=True)} per month (730 h)")  # fmt: skip
        yield _fact("open proposals", "none", "this controller only observes")
        return
    hours, months = (
        was if before == after else f"{was} → {will}"
        for was, will in (
            (hourly(before.hourly, currency), hourly(after.hourly, currency)),
            (monthly(before.monthly, currency), monthly(after.monthly, currency)),
        )
    )
    yield _fact("pools cost per hour", hours, f"{months} per month (730 h)")
    yield _fact("open proposals", str(len(page.offers)), "")
    if page.drift is None:
        yield _fact("drift", "not known", "the provider's pools were not read")
    else:
        yield _fact("drift", count(len(page.drift), "difference") if page.drift else "none", "")


def _fact(name: str, value: str, more: str) -> Html:
    small = [element("dd", element("small", more))] if more else []
    return element("div", element("dt", name), element("dd", value, class_="big"), *small)


def _role(page: ClusterPage) -> Html:
    if page.observes:
        return tag("observes", "")
    return tag("leads", "go") if page.acts else tag("stands by", "")


def _passed(page: ClusterPage) -> str:
    if page.succeeded is None:
        return "no pass has ended well so far"
    return f"as of {_at(page.succeeded)}"


def _at(time: datetime | None) -> str:
    return time_text(time.isoformat(), now="") if time else "never"


def _waits(page: ClusterPage) -> str:
    return str(sum(len(one.pods) for one in page.waiting))


def _price(page: ClusterPage) -> str:
    summary = page.summary
    return "–" if summary is None else hourly(summary.before.hourly, summary.currency)
