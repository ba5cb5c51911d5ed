"""Boxes are to scale: areas of lanes and pods follow cores and bytes; whatever is asked for, nothing leaves its lane."""

from __future__ import annotations

import re
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderer.page.drawing import Colours, cores, gibibytes, node_svg, node_title
from renderer.page.picture import SYSTEM, NodeBox, Run, Stage

GI = 1024**3
RECT = re.compile(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z")
COLOURS = Colours(["Deployment shop/api"])
Rect = tuple[float, ...]


def rects(svg: str, class_: str) -> list[Rect]:
    """x, y, width and height of everything with this class."""
    paths = re.findall(rf'<path class="{class_}" d="([^"]*)"', svg)
    return [tuple(float(one) for one in found) for path in paths for found in RECT.findall(path)]


def area(rect: Rect) -> float:
    return prod(rect[2:])


def box(cpu: int, memory: int, *runs: Run, stage: Stage = Stage.STAYS) -> NodeBox:
    return NodeBox(name="node-1", stage=stage, cpu=cpu, memory=memory, runs=runs)


@pytest.mark.parametrize(("cpu", "gib"), [(2000, 8), (4000, 8), (8000, 64), (16000, 64), (64000, 256), (128000, 512)])
def test_lanes_are_as_large_as_what_the_node_gives(cpu: int, gib: int) -> None:
    first = rects(node_svg(box(1000, 4 * GI), COLOURS), "f")
    lanes = rects(node_svg(box(cpu, gib * GI), COLOURS), "f")
    assert area(lanes[0]) / area(first[0]) == pytest.approx(cpu / 1000, rel=0.05)
    assert area(lanes[1]) / area(first[1]) == pytest.approx(gib / 4, rel=0.05)


def test_a_pod_is_as_large_as_what_it_requests() -> None:
    svg = node_svg(box(8000, 32 * GI, Run(comes=False, workload="Deployment shop/api", cpu=2000, memory=4 * GI, pods=2)), COLOURS)
    lanes, pods = rects(svg, "f"), rects(svg, "h0 p")
    assert len(pods) == 4
    assert [area(one) / area(lane) for one, lane in zip(pods, (lanes[0], lanes[0], lanes[1], lanes[1]), strict=True)] == pytest.approx([0.25, 0.25, 0.125, 0.125], rel=0.02)


runs = st.builds(
    Run, comes=st.booleans(), workload=st.sampled_from(["Deployment shop/api", "Job a/b", SYSTEM]),
    cpu=st.integers(0, 9000), memory=st.integers(0, 40 * GI), pods=st.integers(1, 300),
)  # fmt: skip
boxes = st.builds(
    NodeBox, name=st.just("node-1"), stage=st.sampled_from(Stage), cpu=st.integers(0, 200_000),
    memory=st.integers(0, 2000 * GI), runs=st.lists(runs, max_size=6, unique=True).map(lambda found: tuple(sorted(found))),
)  # fmt: skip


@given(boxes)
def test_pods_lie_beside_each_other_within_their_lanes(one: NodeBox) -> None:
    svg = node_svg(one, COLOURS)
    lanes = rects(svg, "f")
    for lane in lanes:
        x, y, wide, _ = lane
        inside = sorted(pod for pod in rects(svg, "h[0-9os] [pw]") if pod[1] == y)
        ends = [x, *(left + width for left, _, width, _ in inside)]
        assert all(left >= end - 0.05 for (left, *_), end in zip(inside, ends, strict=False))
        assert ends[-1] <= x + wide + 0.05


@given(boxes)
def test_a_box_stays_small_in_bytes(one: NodeBox) -> None:
    assert len(node_svg(one, COLOURS)) < 30_000


def test_what_comes_and_what_goes_is_said_too() -> None:
    waits = Run(comes=True, workload="Deployment shop/api", cpu=500, memory=GI, pods=3)
    assert node_title(box(4000, 16 * GI, waits), COLOURS) == (
        "node-1: 1.5 of 4 cores and 3 of 16 Gi requested; 3 × Deployment shop/api (A) (waits for it)"
    )
    assert "url(#hatch)" in node_svg(box(4000, 16 * GI, stage=Stage.GOES), COLOURS)
    assert 'class="e c"' in node_svg(box(4000, 16 * GI, stage=Stage.JOINING), COLOURS)


def test_a_node_of_unknown_size_says_so() -> None:
    assert "is not known" in node_title(box(0, 0, stage=Stage.APPROVED), COLOURS)


@pytest.mark.parametrize(("millis", "text"), [(0, "0"), (40, "0"), (50, "0.1"), (3999, "4"), (12340, "12.3"), (99_960, "100"), (1_234_567, "1\u202f235")])
def test_amounts_are_short(millis: int, text: str) -> None:
    assert cores(millis) == text
    assert gibibytes(millis * GI // 1000) == text or millis % 1000
