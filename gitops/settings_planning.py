"""The ``planning`` section of cluster.yaml → what plans are to be good at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gitops.cluster import wire
from gitops.cluster.fields import at, pairs
from gitops.cluster.needs import NeedsReader
from gitops.decoding import Misfit
from planner.aims import BUDGET, EXPENDABLE_BELOW, Aims, Headroom, MinValues, Objective, Preferences
from planner.quantity import parse_milliseconds
from planner.snapshot import PodTemplate

if TYPE_CHECKING:
    from gitops import settings_wire
    from gitops.settings_faults import Faults
    from planner.pods import Spread

AT = "spec.planning"
LARGEST_BUFFER = 10_000
"""Pods; more than all nodes of the largest cluster can hold is a slip of the hand."""
LONGEST_BUDGET = 3_600_000
"""Milliseconds."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?")
_CONTAINER = ("containers", 0, "resources")
_INT32 = range(-(2**31), 2**31)


def read_aims(written: settings_wire.Planning, faults: Faults) -> Aims:
    """What is written, with poolplan's defaults for the rest; every fault is noted in ``faults``."""
    objective, preferences = written.objective or "cheapest", written.preferences or "respect"
    min_values = written.min_values or "strict"
    return Aims(
        objective=faults.choice(f"{AT}.objective", objective, Objective) or Objective.CHEAPEST,
        preferences=faults.choice(f"{AT}.preferences", preferences, Preferences) or Preferences.RESPECT,
        min_values=faults.choice(f"{AT}.minValues", min_values, MinValues) or MinValues.STRICT,
        headroom=faults.attempt(AT, lambda: _headroom(written.headroom or ()), ()),
        default_spreads=faults.attempt(AT, lambda: _default_spreads(written.default_spread), None),
        expendable_below=faults.attempt(f"{AT}.expendableBelow", lambda: _cutoff(written.expendable_below), None),
        budget=faults.attempt(f"{AT}.solveBudget", lambda: parse_budget(written.solve_budget), BUDGET),
    )  # fmt: skip


def parse_budget(text: str | None) -> int:
    """Milliseconds of a duration like ``5s``. Raises Misfit, ValueRefused."""
    if text is None:
        return BUDGET
    budget = parse_milliseconds(text)
    if not 0 < budget <= LONGEST_BUDGET:
        raise Misfit(f"{text!a} is no time to search in; write a duration between 1ms and 1h")
    return budget


def _cutoff(written: int | None) -> int:
    if written is not None and written not in _INT32:
        raise Misfit(f"{written} is no priority that a pod can have; it has 32 bits")
    return EXPENDABLE_BELOW if written is None else written


def _default_spreads(written: list[wire.SpreadConstraint] | None) -> tuple[Spread, ...] | None:
    """As ``defaultConstraints`` of PodTopologySpreadArgs: without selectors, which Services and owners give."""
    if written is None:
        return None
    with at("defaultSpread"):
        for number, one in enumerate(written):
            if one.label_selector is not None or one.match_label_keys:
                field = "labelSelector" if one.label_selector is not None else "matchLabelKeys"
                text = "must not be there: kube-scheduler takes the selectors of Services and owners"
                raise Misfit(text, (number, field))
    try:
        return NeedsReader().read(wire.PodSpec(topology_spread_constraints=written), {}).spreads
    except Misfit as misfit:
        raise Misfit(misfit.message, ("defaultSpread", *misfit.path[1:])) from None


def _headroom(written: list[settings_wire.Headroom] | tuple[()]) -> tuple[Headroom, ...]:
    found: dict[tuple[str, str], Headroom] = {}
    for number, one in enumerate(written):
        with at("headroom", number):
            buffer = _buffer(one)
            if found.setdefault((buffer.namespace, buffer.name), buffer) is not buffer:
                raise Misfit(f"{one.name} stands twice in namespace {buffer.namespace}", ("name",))
    return tuple(found[key] for key in sorted(found))


def _buffer(one: settings_wire.Headroom) -> Headroom:
    for field, value in (("name", one.name), ("namespace", one.namespace)):
        if value is not None and not _NAME.fullmatch(value):
            raise Misfit(f"{value[:60]!a} is no name; use lower-case letters, digits and dashes", (field,))
    if not 0 <= one.replicas <= LARGEST_BUFFER:
        raise Misfit(f"is {one.replicas}; it is between 0 and {LARGEST_BUFFER}", ("replicas",))
    if not one.requests:
        raise Misfit("is empty: how much room does a pod of this buffer take?", ("requests",))
    return Headroom(name=one.name, namespace=one.namespace or "default", replicas=one.replicas, template=_template(one))


def _template(one: settings_wire.Headroom) -> PodTemplate:
    spec = wire.PodSpec(
        containers=[wire.Container(resources=wire.ResourceNeeds(requests=one.requests))],
        node_selector=one.node_selector, affinity=one.affinity, tolerations=one.tolerations,
        topology_spread_constraints=one.topology_spread_constraints, runtime_class_name=one.runtime_class_name,
    )  # fmt: skip
    try:
        needs = NeedsReader().read(spec, one.labels)
    except Misfit as misfit:
        in_container = misfit.path[:3] == _CONTAINER
        raise Misfit(misfit.message, misfit.path[3:] if in_container else misfit.path) from None
    return PodTemplate(labels=pairs(one.labels), needs=needs)
