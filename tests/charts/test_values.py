"""The chart's values: all of them are described and checked, and what alerts and dashboard ask for exists."""

from __future__ import annotations

import importlib.util
import json
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from gitops.controller.metrics import metrics
from gitops.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "poolplan"
CASES: dict[str, Any] = YAML(typ="safe").load((Path(__file__).parent / "values.yaml").read_text("utf-8"))
DEFAULTS: dict[str, Any] = YAML(typ="safe").load((CHART / "values.yaml").read_text("utf-8"))
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text("utf-8"))


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("charts_generate", ROOT / "charts" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def merged(base: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """As Helm lays values over each other: maps are merged, all else is replaced."""
    both = {
        key: merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in changed.items()
    }
    return {**base, **both}


def faults(values: dict[str, Any]) -> list[str]:
    """The paths that the schema refuses, shortest first."""
    found = {".".join(map(str, error.absolute_path)) for error in Draft7Validator(SCHEMA).iter_errors(values)}
    return sorted(found, key=lambda path: (len(path), path))


@pytest.mark.parametrize("path", sorted(generator().FILES), ids=lambda path: path.name)
def test_what_is_generated_is_current(path: Path) -> None:
    assert generator().FILES[path]() == path.read_text("utf-8"), "python charts/generate.py rewrites it"


def test_the_schema_is_one() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_the_schema_knows_every_value_and_no_other() -> None:
    def names(values: dict[str, Any], schema: dict[str, Any], path: str = "") -> None:
        known = schema.get("properties")
        if schema.get("additionalProperties") is False:
            assert set(known or ()) - {"global"} == set(values), path
        for key, value in values.items():
            if isinstance(value, dict) and known:
                names(value, known[key], f"{path}.{key}")

    names(DEFAULTS, SCHEMA)


def test_only_the_project_is_needed() -> None:
    assert faults(DEFAULTS) == ["ovh.serviceName"]
    assert faults(merged(DEFAULTS, CASES["base"])) == []


@pytest.mark.parametrize("number", range(len(CASES["good"])))
def test_good_values_are_taken(number: int) -> None:
    assert faults(merged(merged(DEFAULTS, CASES["base"]), CASES["good"][number])) == []


@pytest.mark.parametrize("number", range(len(CASES["bad"])))
def test_bad_values_are_refused_where_they_stand(number: int) -> None:
    case = CASES["bad"][number]
    # Without the defaults: a map that replaces one has to say all of it.
    assert faults({**CASES["base"], **case["of"]})[:1] == [case["path"]]


# What is watched


def expressions() -> Iterator[tuple[str, str]]:
    """Every PromQL expression of the chart, with what it is for."""
    for group in YAML(typ="safe").load((CHART / "files" / "alerts.yaml").read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for panel in json.loads((CHART / "files" / "dashboard.json").read_text("utf-8"))["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


@cache
def labels_by_metric() -> dict[str, set[str]]:
    """What /metrics has: each metric by the name that Prometheus stores, with its labels."""
    found = {}
    for family in metrics([], Tally(), datetime(2026, 1, 1, tzinfo=UTC)):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = set(family._labelnames)  # type: ignore[attr-defined]
    return found


EXPRESSIONS = sorted(set(expressions()))


@pytest.mark.parametrize(("what", "expression"), EXPRESSIONS, ids=range(len(EXPRESSIONS)))
def test_what_is_asked_for_exists(what: str, expression: str) -> None:
    names = set(re.findall(r"\bpoolplan_\w+", expression))
    assert names, what
    assert names <= labels_by_metric().keys(), what
    asked = {label for one in re.findall(r"\{([^}]*)\}", expression) for label in re.findall(r"(\w+)\s*(?:=~|=|!=)", one)}
    asked |= {label for one in re.findall(r"\bby \(([^)]*)\)", expression) for label in re.findall(r"\w+", one)}
    for name in sorted(names):
        assert asked <= labels_by_metric()[name], (what, name)


def test_alerts_say_what_to_do() -> None:
    for group in YAML(typ="safe").load((CHART / "files" / "alerts.yaml").read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("critical", "warning", "info"), rule
            assert rule["annotations"]["summary"], rule
            assert rule["annotations"]["description"].endswith("."), rule


def test_no_two_panels_lie_upon_each_other() -> None:
    panels = json.loads((CHART / "files" / "dashboard.json").read_text("utf-8"))["panels"]
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) + panels[0]["gridPos"]["w"] <= 24
