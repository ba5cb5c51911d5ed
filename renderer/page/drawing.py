"""Nodes as boxes to scale, as inline SVG.

A box has two lanes, cpu above memory, as wide as each other. The area of a lane is what the node gives to pods, the
area of a segment what a pod requests of it: a core is as large as four Gi of memory, so a node of 1:4 has lanes of one
height. Lengths are whole tenths of a pixel, worked out in integers: the same node is the same bytes everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Final

from renderer.page.markup import Html, element, void
from renderer.page.picture import SYSTEM, Stage
from renderer.page.style import HUES
from renderer.text import count, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from renderer.page.picture import Load, NodeBox, Run

WIDE, HIGH = 460, 130
"""Tenths of a pixel that a node of one core is wide, and its cpu lane high: both grow with the root of the cores."""
NARROWEST, WIDEST, THINNEST = 300, 3000, 30
GAP, PAD = 16, 10
PER_CORE = 4 * 1024**3
SINGLE = 22
"""A pod narrower than this is not told from its neighbours of the same workload."""
LETTER = 95
NAMED_PODS = 8

_HATCH = void("path", d="M-1 1l2-2M0 6l6-6M5 7l2-2", class_="hatch")
_DOTS = (void("rect", width=3, height=3, class_="f"), void("circle", cx=1, cy=1, r=".6", class_="dot"))
DEFINITIONS: Final = element(
    "svg",
    element("pattern", _HATCH, id="hatch", width=6, height=6, patternUnits="userSpaceOnUse"),
    element("pattern", *_DOTS, id="dots", width=3, height=3, patternUnits="userSpaceOnUse"),
    class_="defs", width=0, height=0, aria_hidden="true", focusable="false",
)  # fmt: skip
"""Once a page: what the boxes refer to."""


class Colours:
    """The class of each workload's colour, and the letter of one that has a colour of its own."""

    def __init__(self, workloads: Sequence[str]) -> None:
        self._places: Mapping[str, int] = {one: place for place, one in enumerate(workloads[: len(HUES)])}

    def place(self, workload: str) -> int:
        """In this order they are drawn: those with a colour, all others, daemon sets."""
        return len(HUES) + 1 if workload == SYSTEM else self._places.get(workload, len(HUES))

    def name(self, place: int) -> str:
        return ("ho", "hs")[place - len(HUES)] if place >= len(HUES) else f"h{place}"

    def letter(self, place: int) -> str:
        return "ABCDEFGH"[place] if place < len(HUES) else ""


def node_svg(box: NodeBox, colours: Colours) -> Html:
    """A box with its pods, in scale with every other on the page."""
    wide, lanes = _lanes(box)
    bottom = lanes[-1].top + lanes[-1].high + PAD
    parts = [void("path", class_="f", d="".join(_rect(PAD, lane.top, wide, lane.high) for lane in lanes))]
    letters: list[Html] = []
    for comes, place in sorted({(run.comes, colours.place(run.workload)) for run in box.runs}):
        runs = [run for run in box.runs if (run.comes, colours.place(run.workload)) == (comes, place)]
        shapes = [(lane, lane.take(runs, wide)) for lane in lanes]
        path = "".join(_rect(PAD + x, lane.top, width, lane.high) for lane, found in shapes for x, width in found)
        if path:
            parts.append(void("path", class_=f"{colours.name(place)} {'w' if comes else 'p'}", d=path))
            looks = "g" if box.stage is Stage.GOES else "k" if comes else None
            letters += _letters(*shapes[0], colours.letter(place), looks)
    edge = _rect(PAD // 2, PAD // 2, wide + PAD, bottom - PAD)
    if box.stage is Stage.GOES:
        parts.append(void("path", fill="url(#hatch)", d=edge))
    line = "e x" if box.stage is Stage.GOES else "e c" if box.stage.comes else "e"
    parts.append(void("path", class_=line, d=edge))
    title = element("title", node_title(box, colours))
    return element("svg", title, *parts, *letters, width=_pixels(wide + 2 * PAD), height=_pixels(bottom), role="img")


def node_title(box: NodeBox, colours: Colours) -> str:
    """Everything that the box shows, in words."""
    alike = f" and {count(box.alike - 1, 'node')} like it" if box.alike > 1 else ""
    if not box.cpu and not box.runs:
        return f"{box.name}{alike}: how large it will be is not known"
    asked = box.asked
    held = [
        f"{run.pods} × {run.workload}{_lettered(colours, run)}{' (waits for it)' if run.comes else ''}"
        for run in sorted(box.runs, key=lambda run: (not run.comes, colours.place(run.workload), run))
    ]
    told = "; ".join(shortened(held, NAMED_PODS, "group")) or "no pod"
    return f"{box.name}{alike}: {amounts_text(*asked, box.cpu, box.memory)}; {told}"


def amounts_text(cpu_asked: int, memory_asked: int, cpu: int, memory: int) -> str:
    """``3.2 of 3.9 cores and 9.5 of 14.2 Gi requested``."""
    return f"{cores(cpu_asked)} of {cores(cpu)} cores and {gibibytes(memory_asked)} of {gibibytes(memory)} Gi requested"


def cores(millis: int) -> str:
    """With one decimal below a hundred."""
    return _rounded(millis, 1000)


def gibibytes(amount: int) -> str:
    return _rounded(amount, 1024**3)


def bar_svg(load: Load, most: int, *, memory: bool, comes: int = 0, goes: int = 0) -> Html:
    """One lane of many nodes, as wide as the page lets it be where it holds ``most``: what they give, and of that what
    is requested. ``comes`` of the requests are of pods that wait; ``goes`` of what is given leaves.
    """
    given, asked = (load.memory, load.memory_asked) if memory else (load.cpu, load.cpu_asked)
    scale = max(1, most)
    wide, filled = 1000 * given // scale, 1000 * min(given, asked) // scale
    new, leaving = 1000 * min(asked, comes) // scale, 1000 * min(given, goes) // scale
    parts = [
        void("rect", class_="f", width=wide, height=16), void("rect", class_="ho", width=filled - new, height=16),
        *([void("rect", class_="new", x=filled - new + 2, width=max(1, new - 2), height=16)] if new else []),
        *([void("rect", class_="gone", x=wide - leaving, width=leaving, height=16)] if leaving else []),
    ]  # fmt: skip
    return element(
        "svg", *parts, viewBox="0 0 1000 16", preserveAspectRatio="none", aria_hidden="true", focusable="false"
    )  # fmt: skip


def swatch(class_: str, letter: str = "") -> Html:
    """A small piece of a colour or of a kind of edge, for the legend."""
    shape = "M1 1h18v12H1z"
    label = [element("text", letter, x="6.5", y=10)] if letter else []
    back = [void("path", class_="f", d=shape)] if class_.startswith("e") else []
    hatch = [void("path", fill="url(#hatch)", d=shape)] if class_ == "e x" else []
    parts = (*back, *hatch, void("path", class_=class_, d=shape), *label)
    return element("svg", *parts, width=20, height=14, aria_hidden="true", focusable="false")


@dataclass
class _Lane:
    """A lane while it is filled from the left; tenths of a pixel."""

    top: int
    high: int
    total: int
    memory: bool
    taken: int = 0
    asked: int = 0

    def take(self, runs: Sequence[Run], wide: int) -> list[tuple[int, int]]:
        """Where the pods of one colour lie: left edges and widths. A node that is asked for too much is full."""
        found: list[tuple[int, int]] = []
        for run in runs:
            each = run.memory if self.memory else run.cpu
            single = wide * each // max(1, self.total) >= SINGLE
            for number in range(run.pods if single else 1):
                self.asked += each if single else each * run.pods
                end = min(wide, wide * self.asked // max(1, self.total))
                if end > self.taken:
                    found.append((self.taken, end - self.taken))
                    self.taken = end
                elif number:
                    break
        return found


def _lanes(box: NodeBox) -> tuple[int, tuple[_Lane, _Lane]]:
    """The width of both lanes, and the lanes. Their areas are to scale, but of what is too thin to be seen."""
    cpu, memory = (box.cpu, box.memory * 1000 // PER_CORE) if box.cpu else (1000, 1000)
    root = isqrt(cpu * 1000)  # a thousand times the root of the cores
    wide = max(NARROWEST, min(WIDE * root // 1000, WIDEST))
    high, memory_high = (max(THINNEST, WIDE * HIGH * each // (1000 * wide)) for each in (cpu, memory))
    first = _Lane(top=PAD, high=high, total=box.cpu, memory=False)
    return wide, (first, _Lane(top=PAD + high + GAP, high=memory_high, total=box.memory, memory=True))


def _letters(lane: _Lane, found: Sequence[tuple[int, int]], letter: str, looks: str | None) -> Iterator[Html]:
    """The letter once in what a workload has of the cpu lane, where there is room for it."""
    if not (letter and found) or lane.high < LETTER:
        return
    left, right = found[0][0], found[-1][0] + found[-1][1]
    if right - left >= LETTER:
        place = {"x": _pixels(PAD + left + 25), "y": _pixels(lane.top + lane.high // 2 + 33)}
        yield element("text", letter, class_=looks, **place)


def _lettered(colours: Colours, run: Run) -> str:
    letter = colours.letter(colours.place(run.workload))
    return f" ({letter})" if letter else ""


def _rect(x: int, y: int, wide: int, high: int) -> str:
    return f"M{_pixels(x)} {_pixels(y)}h{_pixels(wide)}v{_pixels(high)}h-{_pixels(wide)}z"


def _pixels(tenths: int) -> str:
    whole, tenth = divmod(tenths, 10)
    return f"{whole}.{tenth}" if tenth else str(whole)


def _rounded(amount: int, unit: int) -> str:
    """To a tenth below a hundred units, to whole ones above."""
    tenths = (amount * 10 + unit // 2) // unit
    if tenths >= 1000:
        return f"{(amount + unit // 2) // unit:,}".replace(",", "\u202f")
    return _pixels(tenths)
