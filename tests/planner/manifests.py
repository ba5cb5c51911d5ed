"""What single Kubernetes manifests ask for and allow: amounts, labels, taints, ports. Shares nothing with the planner.

Written from the Kubernetes documentation: resource management, sidecar containers, pod-level resources, assigning pods
to nodes, taints and tolerations.
"""

from __future__ import annotations

import math
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Object = dict[str, Any]
SUFFIXES = {
    "m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
}  # fmt: skip
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
ANYWHERE = "0.0.0.0"  # noqa: S104 - Kubernetes' word for every address of a node


def key(pod: Object) -> str:
    return f"{pod['metadata'].get('namespace', 'default')}/{pod['metadata']['name']}"


def labels(one: Object) -> dict[str, str]:
    found: dict[str, str] = one["metadata"].get("labels") or {}
    return found


# Resources


@cache
def quantity(text: str | int) -> Decimal:
    text = str(text)
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if text.endswith(suffix):
            return Decimal(text.removesuffix(suffix)) * SUFFIXES[suffix]
    return Decimal(text)


def amounts(quantities: Mapping[str, str | int]) -> dict[str, int]:
    """Whole numbers, rounded up as the scheduler does: cpu in thousandths, everything else in units."""
    return {name: math.ceil(quantity(text) * (1000 if name == "cpu" else 1)) for name, text in quantities.items()}


def requests(spec: Object) -> dict[str, int]:
    """What the scheduler sets aside: the most that runs at one time, or what the pod itself names; and its overhead."""
    always, peak = _together(_asks(one) for one in spec["containers"]), dict[str, int]()
    before: dict[str, int] = {}
    for container in spec.get("initContainers", ()):
        moment = _together((before, _asks(container)))
        peak = {name: max(peak.get(name, 0), moment.get(name, 0)) for name in {**peak, **moment}}
        if container.get("restartPolicy") == "Always":
            before = moment
    always = _together((always, before))
    total = {name: max(always.get(name, 0), peak.get(name, 0)) for name in {**always, **peak}}
    total |= _asks(spec)
    return _together((total, amounts(spec.get("overhead") or {}), {"pods": 1}))


def _asks(one: Object) -> dict[str, int]:
    """Requests; a limit stands in for a request that is not written."""
    resources = one.get("resources") or {}
    return amounts({**(resources.get("limits") or {}), **(resources.get("requests") or {})})


def _together(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in many:
        for name, amount in one.items():
            total[name] = total.get(name, 0) + amount
    return total


def host_ports(spec: Object) -> frozenset[tuple[str, str, int]]:
    """Protocol, address and port of what is opened on the node itself."""
    lasting = [one for one in spec.get("initContainers", ()) if one.get("restartPolicy") == "Always"]
    ports = [port for one in (*spec["containers"], *lasting) for port in one.get("ports", ())]
    own = spec.get("hostNetwork", False)
    numbers = [(port, port.get("hostPort") or (port.get("containerPort", 0) if own else 0)) for port in ports]
    return frozenset((port.get("protocol", "TCP"), port.get("hostIP") or ANYWHERE, number) for port, number in numbers if number)


def clash(one: tuple[str, str, int], two: tuple[str, str, int]) -> bool:
    anywhere = ANYWHERE in (one[1], two[1])
    return (one[0], one[2]) == (two[0], two[2]) and (anywhere or one[1] == two[1])


# Labels and taints


def chosen(spec: Object, node: Object) -> bool:
    """nodeSelector, and any one of the required node affinity's terms."""
    have = labels(node)
    if any(have.get(name) != value for name, value in (spec.get("nodeSelector") or {}).items()):
        return False
    required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(REQUIRED)
    return required is None or any(term_holds(term, node) for term in required["nodeSelectorTerms"])


def term_holds(term: Object, node: Object) -> bool:
    """Everything in it; a term without anything matches no node."""
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    name = {"metadata.name": node["metadata"]["name"]}
    holds = all(expression(one, labels(node)) for one in expressions) and all(expression(one, name) for one in fields)
    return bool(expressions or fields) and holds


def expression(one: Object, have: Mapping[str, str]) -> bool:
    value, values = have.get(one["key"]), one.get("values", [])
    match one["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return _number(value) is not None and int(str(value)) > int(values[0])
        case "Lt":
            return _number(value) is not None and int(str(value)) < int(values[0])
    raise AssertionError(one)


def _number(value: str | None) -> int | None:
    try:
        return int(value) if value is not None else None
    except ValueError:
        return None


def tolerated(tolerations: Iterable[Object], node: Object) -> bool:
    """Whether every taint that keeps pods off is tolerated, those included that the node's state brings."""
    taints = [*node.get("spec", {}).get("taints", ())]
    if node.get("spec", {}).get("unschedulable"):
        taints.append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
    if any(one["type"] == "Ready" and one["status"] != "True" for one in node["status"].get("conditions", ())):
        taints.append({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
    if not taints:
        return True
    given = list(tolerations)
    return all(
        any(tolerates(one, taint) for one in given) for taint in taints if taint["effect"] != "PreferNoSchedule"
    )


def tolerates(one: Object, taint: Object) -> bool:
    if one.get("effect") and one["effect"] != taint["effect"]:
        return False
    if one.get("operator") == "Exists":
        return one.get("key") in (None, "", taint["key"])
    return one.get("key") == taint["key"] and (one.get("value") or "") == (taint.get("value") or "")


def selected(selector: Object | None, have: Mapping[str, str]) -> bool:
    """A label selector of pods: absent selects none, empty selects all."""
    if selector is None:
        return False
    if any(have.get(name) != value for name, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(expression(one, have) for one in selector.get("matchExpressions", ()))
