"""The benchmarks run, and their plans hold: each on something tiny, so that they do not rot. Nothing is timed here."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks import apply_overhead, cluster, evidence, growth, made, mixes, page, paper, process, review, scheduling
from benchmarks.yardstick import first_fit
from renderer.nodes import quantities

if TYPE_CHECKING:
    from types import ModuleType

PROGRAMS: dict[str, tuple[ModuleType, list[str]]] = {
    "mixes": (mixes, ["--pods", "20", "--mixes", "web,everything"]),
    "paper": (paper, ["--pods", "20", "--mixes", "web,odd"]),
    "scheduling": (scheduling, ["--pods", "15", "--runs", "1", "--yardstick"]),
    "growth": (growth, ["--series", "pods,flavors", "--scale", "0.005", "--runs", "1"]),
    "cluster": (cluster, ["--nodes", "3", "--running", "40", "--pending", "6", "--runs", "1"]),
    "review": (review, ["--clusters", "2", "--runs", "1"]),
    "apply_overhead": (apply_overhead, ["--pools", "1", "--runs", "1"]),
    "page": (page, ["--nodes", "3,7", "--runs", "1"]),
    "evidence": (evidence, ["--pods", "20", "--nodes", "3", "--running", "40", "--pending", "6"]),
}
COUNT = 120


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_prints_json_and_its_plans_hold(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    program, given = PROGRAMS[name]
    monkeypatch.setattr(sys, "argv", [name, *given, "--json"])
    program.main()
    told = json.loads(capsys.readouterr().out)
    for one in told.get("results", [told]):
        assert one["faults"] == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_prints_a_table(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    program, given = PROGRAMS[name]
    monkeypatch.setattr(sys, "argv", [name, *given, "--no-check"])
    program.main()
    printed = capsys.readouterr().out
    columns = {line.count(" | ") for line in printed.splitlines() if line.startswith("|")}
    assert len(columns) == 1


def test_a_growth_can_be_drawn() -> None:
    told = growth.series("flavors", 0.005, 1, check=False)
    assert growth.drawing(told).count("<circle") == len(told)


def test_processes_are_measured() -> None:
    one = process.measure(["--help"], name="help", target=1, runs=1)
    assert one.seconds > 0
    assert one.megabytes > 0


@pytest.mark.parametrize("mix", mixes.MIXES)
def test_the_yardstick_keeps_the_rules_too(mix: str) -> None:
    objects = mixes.made_mix(mix, COUNT)
    result = mixes.packed(made.inputs_of(objects))
    named = [(f"node-{number}", one, pods) for number, (one, pods) in enumerate(result.nodes)]
    nodes = [made.node(name, one.flavor.name, one.zone, quantities(one.figures.allocatable)) for name, one, _ in named]
    assert made.faults_of(objects, nodes, [(name, pods) for name, _, pods in named]) == []
    assert sum(len(pods) for _, pods in result.nodes) == COUNT
    assert result.unplaced == ()


def test_the_yardstick_keeps_the_rules_of_karpenters_benchmark() -> None:
    objects = scheduling.made_pods(150)
    result = first_fit(made.inputs_of(objects).snapshot.pods, scheduling.candidates())
    assert len(result.nodes) == 30
    assert result.hourly == sum(one.hourly for one, _ in result.nodes)


def test_the_mixes_are_the_same_every_time() -> None:
    assert mixes.made_mix("everything", 50) == mixes.made_mix("everything", 50)
    assert scheduling.made_pods(50) == scheduling.made_pods(50)
