"""Plans as data: a case file says which pools are declared and desired, and what drives each change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from planner.canonical import digest_of
from planner.diff import action_for
from planner.plan import (
    Action,
    Certificate,
    Change,
    Cost,
    Evidence,
    ExpectedNode,
    Pending,
    PlacedNode,
    Plan,
    Price,
    Reason,
    Refusal,
    Unplaced,
)
from planner.pods import Owner
from planner.pools import Pool, PoolName, PoolSet, ProviderState
from planner.quantity import parse_money
from planner.resources import Resources
from planner.taints import Taint

FOLDER = Path(__file__).parent.parent / "data" / "renderer"
CASES = sorted(path.parent.name for path in FOLDER.glob("*/case.yaml"))

Data = dict[str, Any]


def load_case(name: str) -> Plan:
    """The plan of a case file."""
    case = YAML(typ="safe", pure=True).load(FOLDER / name / "case.yaml")
    declared, desired = (PoolSet.of(pool_of(one) for one in case.get(side, ())) for side in ("declared", "desired"))
    names = sorted(declared.names() | desired.names())
    changes = [_change(declared.get(name), desired.get(name), case.get("changes", {}).get(name, {})) for name in names]
    return Plan(
        declared=declared, desired=desired, changes=tuple(one for one in changes if one.action is not Action.NOOP),
        placements=tuple(_placed(one) for one in case.get("placements", ())),
        unplaced=tuple(_unplaced(one) for one in case.get("unplaced", ())),
        cost=_cost(case["cost"]), certificate=Certificate(**case["certificate"]) if "certificate" in case else None,
        pending=Pending(**case.get("pending", {})), warnings=tuple(case.get("warnings", ())),
        evidence=Evidence(
            snapshot=digest_of("snapshot"), policy=digest_of("policy"), catalog=digest_of("catalog"),
            pools=digest_of("pools"), now="2026-03-01T12:00:00Z", prices="a price list, 2026-02-28",
        ),
    )  # fmt: skip


def pool_of(data: Data) -> Pool:
    """A pool from the fields that differ from the defaults."""
    fields = {key: value for key, value in data.items() if key not in ("id", "taints")}
    for key in ("labels", "annotations"):
        fields[key] = tuple(sorted(fields.get(key, {}).items()))
    for key in ("zones", "finalizers"):
        fields[key] = tuple(fields.get(key, ()))
    taints = tuple(Taint(**taint) for taint in data.get("taints", ()))
    return Pool(**fields, taints=taints, state=ProviderState(id=data["id"]) if "id" in data else None)


def _change(before: Pool | None, after: Pool | None, data: Data) -> Change:
    action, forcing = action_for(before, after)
    known = after or before
    return Change(
        pool=PoolName(known.name if known else ""), action=action, before=before, after=after, forces_replace=forcing,
        reasons=tuple(Reason(code, text) for code, text in data.get("reasons", {}).items()),
        pods=tuple((_owner(text), number) for text, number in data.get("pods", {}).items()),
        victims=tuple(data.get("victims", ())), priority=data.get("priority", 0),
        cost_before=_price(data.get("cost", {}).get("before")), cost_after=_price(data.get("cost", {}).get("after")),
    )  # fmt: skip


def _placed(data: Data) -> PlacedNode:
    look = data.get("expected")
    expected = None
    if look is not None:
        labels = {**look.get("labels", {}), "kubernetes.io/hostname": data["node"]}
        expected = ExpectedNode(
            labels=tuple(sorted(labels.items())), annotations=tuple(sorted(look.get("annotations", {}).items())),
            taints=tuple(Taint(**taint) for taint in look.get("taints", ())), source=look.get("source", "formula"),
            capacity=Resources.parse(look["capacity"]), allocatable=Resources.parse(look["allocatable"]),
        )  # fmt: skip
    return PlacedNode(name=data["node"], pool=data.get("pool", ""), pods=tuple(data["pods"]), expected=expected)


def _unplaced(data: Data) -> Unplaced:
    reasons = [Refusal(node_pool=pool, filter=kind, detail=detail) for pool, kind, detail in data["reasons"]]
    owner = _owner(data["owner"]) if "owner" in data else None
    return Unplaced(pods=tuple(data["pods"]), owner=owner, reasons=tuple(reasons))


def _owner(text: str) -> Owner:
    kind, _, path = text.partition(" ")
    namespace, _, name = path.partition("/")
    return Owner(kind, namespace, name)


def _cost(data: Data) -> Cost:
    return Cost(
        currency=data["currency"], before=_price(data.get("before")), after=_price(data.get("after")),
        lower_bound_hourly=parse_money(data.get("bound", "0")),
    )  # fmt: skip


def _price(hourly: str | None) -> Price:
    amount = parse_money(hourly or "0")
    return Price(amount, amount * 730)
