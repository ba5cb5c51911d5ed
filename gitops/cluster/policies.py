"""All policy objects → one Policy: each name once, and every node pool with the node class it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from gitops.cluster.policy import Findings, read_node_class, read_node_pool
from gitops.decoding import Misfit
from gitops.errors import InputErrors
from planner.policy import NodeClass, NodePool, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gitops.cluster.items import Item

T = TypeVar("T", NodePool, NodeClass)
_REF = ("spec", "template", "spec", "nodeClassRef", "name")
_MOST_ERRORS = 10


def collect_policy(items: Iterable[Item], environment: Mapping[str, str]) -> tuple[Policy, tuple[str, ...]]:
    """The policy and warnings about fields that are not known. Raises InputError, or InputErrors with up to ten."""
    pools: list[tuple[NodePool | None, Findings]] = []
    classes: list[tuple[NodeClass | None, Findings]] = []
    for item in items:
        if item.kind == "NodePool":
            pools.append(read_node_pool(item, environment))
        else:
            classes.append(read_node_class(item, environment))
    everything = [findings for _, findings in (*pools, *classes)]
    policy = Policy(_once(pools), _once(classes))
    if all(made is not None for made, _ in classes):
        _check_classes(pools, policy)
    _raise_first(everything)
    warnings = sorted(warning for findings in everything for warning in findings.warnings)
    return policy, tuple(text for _, text in warnings)


def _once(read: Sequence[tuple[T | None, Findings]]) -> tuple[T, ...]:
    """Sorted by name; two different ones of a name are an error of the later one."""
    known: dict[str, tuple[T, Findings]] = {}
    for made, findings in read:
        if made is None:
            continue
        before, first = known.setdefault(made.name, (made, findings))
        if before != made:
            findings.errors.append(findings.item.refused(Misfit(
                f"is the name of another {findings.item.kind} too, at {first.item.body.place(('metadata', 'name'))}; "
                "names are used once", ("metadata", "name"),
            )))  # fmt: skip
    return tuple(known[name][0] for name in sorted(known))


def _check_classes(pools: Sequence[tuple[NodePool | None, Findings]], policy: Policy) -> None:
    there = ", ".join(one.name for one in policy.node_classes) or "none"
    for made, findings in pools:
        if made is not None and made.node_class and policy.node_class(made.node_class) is None:
            text = f"there is no OVHNodeClass {made.node_class!a}; there is: {there}"
            findings.errors.append(findings.item.refused(Misfit(text, _REF)))


def _raise_first(everything: Sequence[Findings]) -> None:
    errors = [error for findings in everything for error in findings.errors]
    errors.sort(key=lambda error: (error.place is None, error.place, str(error)))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InputErrors(errors[:_MOST_ERRORS], left_out=len(errors[_MOST_ERRORS:]))
