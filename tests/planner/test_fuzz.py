"""Whole clusters with something wrong in them: there is a plan, or an error that says where; nothing else, ever.

Mutations are made on the objects as kubectl would write them, so the reading is tried as hard as the planning.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from gitops.catalogs.files import read_catalog
from gitops.cluster.files import Source
from gitops.cluster.items import items_of
from gitops.errors import InputError, InputErrors
from planner.decide import Decision, consider
from planner.errors import ValueRefused
from planner.explain import explain_pod
from renderer.document import plan_text
from renderer.explain import markdown_view, pod_document, pod_sections, text_view
from renderer.summary import summarize
from renderer.terminal import plan_view
from tests.planner.cluster import HERE, NOW, inputs_of
from tests.planner.test_random_clusters import clusters

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.planner.cluster import Object

T = TypeVar("T")
quick = settings(max_examples=40, suppress_health_check=list(HealthCheck))
ZONE = "topology.kubernetes.io/zone"
#: What people, generators and attackers put where something else should be.
WRONG: tuple[Any, ...] = (
    None, True, 0, -1, 1, 10**9, 10**30, 0.5, "", " ", "0", "-1", "1e30", "9e18", "NaN", "512m", "1000", "1Gi", "yes",
    "a" * 300, "ünïcode", "\x00", "\x1b[31mred", "a\nb", "\u202e", "☃", "In", "NotIn", "Gt", "NoSchedule", "Always",
    ZONE, "kubernetes.io/hostname", "eu-west-par-a", "b3-8", "default", "system", [], [{}], [None], ["a", "a"], {}, {"": ""},
    {"a": "b"}, {"cpu": "1e30"}, {"matchLabels": {}}, [[[]]],
)  # fmt: skip


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every field and list element of an object, in order."""
    found: list[tuple[str | int, ...]] = []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        found += [(*path, step), *places(one, (*path, step))]
    return found


def holder(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path[:-1]:
        value = value[step]
    return value


@st.composite
def broken(draw: st.DrawFn) -> list[Object]:
    """A small cluster in which one to four things are wrong."""
    objects = deepcopy(draw(clusters()))
    for _ in range(draw(st.integers(1, 4))):
        paths = places(objects)
        path = paths[draw(st.integers(0, len(paths) - 1))]
        inside, step = holder(objects, path), path[-1]
        match draw(st.sampled_from(("replace", "replace", "remove", "double", "move"))):
            case "replace":
                inside[step] = deepcopy(draw(st.sampled_from(WRONG)))
            case "remove":
                del inside[step]
            case "double" if isinstance(inside, list):
                inside.append(deepcopy(inside[int(step)]))
            case _:
                other = paths[draw(st.integers(0, len(paths) - 1))]
                inside[step] = deepcopy(holder(objects, other)[other[-1]])
    return objects


def attempt(objects: list[Object]) -> Decision | InputError | ValueRefused:
    """The decision, or how the input was refused."""
    try:
        return consider(inputs_of(objects), now=NOW)
    except (InputError, ValueRefused) as error:
        return error


def decided(objects: list[Object]) -> Decision | None:
    """The decision; None where the input was refused as it should be: line by line, with places.

    What concerns the cluster as a whole has no place: its region is unknown, or there are two.
    """
    found = attempt(objects)
    if isinstance(found, Decision):
        return found
    if isinstance(found, ValueRefused):
        assert str(found)
        assert "\n" not in str(found)
        return None
    errors = found.errors if isinstance(found, InputErrors) else (found,)
    assert errors
    assert all(located(one) for one in errors), str(found)
    return None


def located(error: InputError) -> bool:
    """Whether an error is one line that says where it stands."""
    return error.place is not None and error.place.line > 0 and error.place.column > 0 and "\n" not in str(error)


@quick
@given(broken())
def test_there_is_a_plan_or_an_error_that_says_where(objects: list[Object]) -> None:
    note(json.dumps(objects))
    decision = decided(objects)
    if decision is None:
        return
    plan = decision.plan
    lost = [pod for one in plan.unplaced for pod in one.pods]
    placed = [pod for one in plan.placements for pod in one.pods]
    assert len({*lost, *placed}) == len(lost) + len(placed)
    assert all(one.reasons and all(each.filter and each.detail for each in one.reasons) for one in plan.unplaced)
    assert plan_text(plan)
    assert printable(plan_view(summarize(plan)))


@quick
@given(broken(), st.integers(0, 10**6))
def test_every_pod_of_a_broken_cluster_can_be_explained(objects: list[Object], number: int) -> None:
    decision = decided(objects)
    if decision is None or not decision.inputs.snapshot.pods:
        return
    pods = decision.inputs.snapshot.pods
    study = explain_pod(decision, pods[number % len(pods)].key)
    assert printable(text_view(pod_sections(study)))
    assert printable(markdown_view(pod_sections(study)))
    assert json.loads(pod_document(study))["kind"] == "Explanation"


def printable(text: str) -> bool:
    """Whether nothing in a text can move a cursor or hide a line."""
    return all(char.isprintable() or char == "\n" for char in text)


CATALOG = (HERE / "catalog.yaml").read_text("utf-8")


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.integers(0, len(CATALOG) - 1), st.integers(0, 12), st.sampled_from(
    ("", "-", ".nan", ".inf", "-1", "1e30", "1e-30", "~", "[", "}", ": ", "\t", "'", "\x00", "٣", "0x10", "true", "&a *a"),
))  # fmt: skip
def test_a_broken_catalog_is_read_or_refused_with_its_place(
    tmp_path_factory: pytest.TempPathFactory, at: int, length: int, put: str
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "catalog.yaml"
    path.write_text(CATALOG[:at] + put + CATALOG[at + length :], "utf-8")
    found = outcome(lambda: read_catalog(path, warn=lambda _: None))
    if isinstance(found, InputError):
        assert located(found), str(found)
        return
    assert all(0 <= one.hourly <= 10**15 and (one.monthly is None or one.monthly >= 0) for one in found.flavors)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=60), st.integers(0, 600), st.booleans())
def test_broken_bytes_are_refused_with_their_file(put: bytes, at: int, as_yaml: bool) -> None:
    nodes = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"n{number}"}} for number in range(9)]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes}).encode()
    source = Source(f"cluster.{'yaml' if as_yaml else 'json'}", text[:at] + put + text[at:])
    found = outcome(lambda: list(items_of(source)))
    if isinstance(found, InputError):
        assert found.place is not None
        assert "\n" not in str(found)


def outcome(read: Callable[[], T]) -> T | InputError:
    try:
        return read()
    except InputError as error:
        return error
