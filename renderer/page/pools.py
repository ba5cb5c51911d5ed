"""The picture's part of the page: all nodes before and after as bars, the legend, the pools, each with its nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.plan import Action
from renderer.page.drawing import DEFINITIONS, Colours, amounts_text, bar_svg, cores, gibibytes, node_svg, swatch
from renderer.page.markup import Html, element, joined, void
from renderer.page.picture import SYSTEM, Stage
from renderer.page.tables import cell, table, tag
from renderer.text import count, rough_price

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.plan import Change
    from renderer.page.picture import Load, NodeBox, Picture, PoolBox

INDEX: Final = 6
"""From so many pools on there is a table of them, to go to each."""
_SCALE: Final = (
    "In the bars, grey is requested by pods that run, blue by pods that wait, and hatched is what leaves. "
    "Below, each box is a node: its upper lane is cpu, its lower one memory, a pod as large as what it requests of "
    "them. Areas are to scale, one core as large as 4 Gi; what is plain is free."
)
_WORDS: Final = {
    Stage.GOES: "goes", Stage.PLANNED: "comes with the plan", Stage.APPROVED: "approved, not ordered yet",
    Stage.JOINING: "ordered, joining", Stage.STAYS: "",
}  # fmt: skip
_VERBS: Final = {
    Action.CREATE: "new pool", Action.REPLACE: "is replaced", Action.DELETE: "goes",
    Action.IMPORT: "is imported", Action.RELEASE: "is released",
}  # fmt: skip


def picture_part(picture: Picture, currency: str) -> Html:
    """Everything that is drawn; the texts beside it say the same."""
    colours = Colours(picture.workloads)
    many = len(picture.pools) >= INDEX
    return Html("".join((
        DEFINITIONS, _bars(picture), _legend(picture, colours), _index(picture) if many else "",
        *(_pool(number, pool, colours, currency) for number, pool in enumerate(picture.pools)),
    )))  # fmt: skip


def nodes_text(pool: PoolBox) -> str:
    """``3 → 5 nodes``, or ``3 nodes`` where nothing comes or goes."""
    if pool.before.nodes == pool.after.nodes:
        return count(pool.after.nodes, "node")
    return f"{pool.before.nodes} → {count(pool.after.nodes, 'node')}"


def share_text(asked: int, given: int) -> str:
    """In whole percent, rounded down so that nothing is said to be full that is not; ``–`` of nothing."""
    return f"{100 * asked // given} %" if given else "–"


def _bars(picture: Picture) -> Html:
    """Four lanes, cpu and memory before and after: what leaves is hatched before, who waits is marked after."""
    before, after = picture.before, picture.after
    most = (max(before.cpu, after.cpu), max(before.memory, after.memory))
    leaves = (picture.leaves.cpu, picture.leaves.memory)
    waits = (picture.waits.cpu_asked, picture.waits.memory_asked)
    rows: list[Html] = []
    for which, name in enumerate(("cpu", "memory")):
        for side, load, comes, goes in (("now", before, 0, leaves[which]), ("after", after, waits[which], 0)):
            drawn = bar_svg(load, most[which], memory=which == 1, comes=comes, goes=goes)
            told = element("span", _bar_text(load, memory=which == 1), class_="soft")
            rows.append(element("p", element("span", f"{name} {side}"), drawn, told))
    return element("div", *rows, class_="bars")


def _bar_text(load: Load, *, memory: bool) -> str:
    if memory:
        told = f"{gibibytes(load.memory_asked)} of {gibibytes(load.memory)} Gi"
        return f"{told} ({share_text(load.memory_asked, load.memory)})"
    return f"{cores(load.cpu_asked)} of {cores(load.cpu)} cores ({share_text(load.cpu_asked, load.cpu)})"


def _legend(picture: Picture, colours: Colours) -> Html:
    """What each sign that is drawn means."""
    boxes = [box for pool in picture.pools for box in pool.boxes]
    runs = [run for box in boxes for run in box.runs]
    signs = (
        *((f"h{place}", colours.letter(place), name, True) for place, name in enumerate(picture.workloads)),
        ("ho", "", "other workloads", any(colours.name(colours.place(run.workload)) == "ho" for run in runs)),
        ("hs", "", SYSTEM, any(run.workload == SYSTEM for run in runs)),
        ("ho w", "", "pods that wait, where the plan has them", any(run.comes for run in runs)),
        ("e c", "", "a node that comes", any(box.stage.comes for box in boxes)),
        ("e x", "", "a node that goes", any(box.stage is Stage.GOES for box in boxes)),
    )  # fmt: skip
    items = (
        element("li", swatch(class_, letter), element("span", name)) for class_, letter, name, used in signs if used
    )
    return joined((
        element("p", _SCALE, class_="soft"), element("ul", *items, class_="legend", aria_label="Legend")
    ))  # fmt: skip


def _index(picture: Picture) -> Html:
    rows = (
        (
            cell(element("a", pool.name or "no pool", href=f"#pool-{number}")),
            cell(", ".join(pool.flavors)), cell(nodes_text(pool), look="t"),
            cell(share_text(pool.before.cpu_asked, pool.before.cpu)),
            cell(share_text(pool.before.memory_asked, pool.before.memory)),
            cell(f"{pool.before.pods}"),
        )
        for number, pool in enumerate(picture.pools)
    )  # fmt: skip
    head = ("pool", "flavor", "nodes", "cpu requested", "memory requested", "pods")
    whole = table("Pools", head, rows, figures=(3, 4, 5))
    return element("details", element("summary", f"{count(len(picture.pools), 'pool')} in a table"), whole)


def _pool(number: int, pool: PoolBox, colours: Colours, currency: str) -> Html:
    change = pool.change
    marks = [tag(_verb(change), "stop" if change.action is Action.DELETE else "wait")] if change else []
    title = element(
        "h3", pool.name or "Nodes of no pool", " ",
        element("small", " · ".join((*(pool.flavors), *pool.zones))), *((" ", *marks) if marks else ()),
    )  # fmt: skip
    figures = [nodes_text(pool), *_loads(pool)]
    if change is not None:
        hours = change.cost_after.hourly - change.cost_before.hourly
        figures.append(rough_price(hours, change.cost_after.monthly - change.cost_before.monthly, currency))
    told = [part for place, figure in enumerate(figures)
            for part in (*((" · ",) if place else ()), element("span", figure))]  # fmt: skip
    boxes = element("div", *(_figure(pool, box, colours) for box in pool.boxes), class_="nodes")
    return element(
        "div", title, element("p", *told, class_="soft"), boxes, *_rest(pool), class_="pool",
        id=f"pool-{number}",
    )  # fmt: skip


def _verb(change: Change) -> str:
    before, after = change.before, change.after
    if change.action is not Action.UPDATE or before is None or after is None:
        return _VERBS[change.action]
    return "grows" if after.desired > before.desired else "shrinks" if after.desired < before.desired else "changes"


def _loads(pool: PoolBox) -> Iterator[str]:
    before, after = pool.before, pool.after
    pairs = (
        ("cpu", share_text(before.cpu_asked, before.cpu), share_text(after.cpu_asked, after.cpu)),
        ("memory", share_text(before.memory_asked, before.memory), share_text(after.memory_asked, after.memory)),
        ("pods", str(before.pods), str(after.pods)),
    )  # fmt: skip
    for name, was, will in pairs:
        yield f"{name} {was}" if was == will else f"{name} {was} → {will}"


def _figure(pool: PoolBox, box: NodeBox, colours: Colours) -> Html:
    short = box.name.removeprefix(f"{pool.name}-") or box.name
    name = f"{short} and {box.alike - 1} like it" if box.alike > 1 else short
    asked = box.asked
    states = ", ".join(filter(None, (_WORDS[box.stage], *box.notes)))
    more: list[str] = [void("br"), element("b", states)] if states else []
    full = f"cpu {share_text(asked[0], box.cpu)} · mem {share_text(asked[1], box.memory)}"
    caption = element("figcaption", name, void("br"), full if box.cpu else "size not known", *more)
    return element("figure", node_svg(box, colours), caption)


def _rest(pool: PoolBox) -> Iterator[Html]:
    rest = pool.rest
    if rest.nodes:
        told = amounts_text(rest.cpu_asked, rest.memory_asked, rest.cpu, rest.memory)
        yield element("p", f"and {count(rest.nodes, 'node')} more: {told} by {count(rest.pods, 'pod')}", class_="soft")
