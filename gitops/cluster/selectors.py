"""Selectors of nodes and of pods → requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.cluster.fields import at, modern
from gitops.decoding import Misfit
from planner import labels as known
from planner.requirements import OPERATORS, Requirement, Requirements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitops.cluster.wire import Expression, LabelSelector, NodeSelectorTerm

_NAME = "metadata.name"


def label_selector(selector: LabelSelector | None) -> Requirements | None:
    """A selector of pods or namespaces: absent selects nothing (None), empty selects everything."""
    if selector is None:
        return None
    found = [Requirement(key, frozenset({value})) for key, value in (selector.match_labels or {}).items()]
    with at("matchExpressions"):
        found += _expressions(selector.match_expressions or ())
    return Requirements.of(found)


def node_labels(selector: dict[str, str] | None) -> Requirements:
    """What a ``nodeSelector`` asks of a node, by modern label names."""
    return Requirements.of(Requirement(modern(key), frozenset({value})) for key, value in (selector or {}).items())


def node_terms(terms: Sequence[NodeSelectorTerm]) -> tuple[tuple[Requirements, ...], tuple[str, ...] | None]:
    """The OR-ed terms that can match a node, and the node names where all of them name the same ones.

    A term without expressions matches no node. Names that only some terms have are asked for by host name, which
    kubelet sets to the node's name on every node of MKS.
    """
    read = [_node_term(number, term) for number, term in enumerate(terms) if _says_something(term)]
    names = {one for _, one in read}
    if len(names) == 1 and (shared := names.pop()) is not None:
        return tuple(requirements for requirements, _ in read), shared
    return tuple(
        requirements if listed is None else requirements.intersect(_host_names("In", listed))
        for requirements, listed in read
    ), None


def node_term(term: NodeSelectorTerm) -> Requirements:
    """One term on its own, node names asked for by host name."""
    requirements, names = _term(term)
    return requirements if names is None else requirements.intersect(_host_names("In", names))


def _node_term(number: int, term: NodeSelectorTerm) -> tuple[Requirements, tuple[str, ...] | None]:
    with at(number):
        return _term(term)


def _says_something(term: NodeSelectorTerm) -> bool:
    return bool(term.match_expressions or term.match_fields)


def _term(term: NodeSelectorTerm) -> tuple[Requirements, tuple[str, ...] | None]:
    with at("matchExpressions"):
        requirements = Requirements.of(_expressions(term.match_expressions or (), of_nodes=True))
    names: frozenset[str] | None = None
    for number, one in enumerate(term.match_fields or ()):
        with at("matchFields", number):
            _check_field(one)
            if one.operator == "In":
                names = frozenset(one.values or ()) & (names if names is not None else frozenset(one.values or ()))
            else:
                requirements = requirements.intersect(_host_names("NotIn", one.values or ()))
    return requirements, None if names is None else tuple(sorted(names))


def _check_field(one: Expression) -> None:
    if one.key != _NAME:
        raise Misfit(f"{one.key!a} is no field a node can be chosen by; only {_NAME} is", ("key",))
    if one.operator not in ("In", "NotIn"):
        raise Misfit(f"{one.operator!a} is unknown here; it is In or NotIn", ("operator",))
    if not one.values:
        raise Misfit("at least one node name is needed", ("values",))


def _host_names(operator: str, names: Sequence[str]) -> Requirements:
    return Requirements.of([Requirement.parse(known.HOSTNAME, operator, names)])


def _expressions(expressions: Iterable[Expression], *, of_nodes: bool = False) -> list[Requirement]:
    return [expression(number, one, of_nodes=of_nodes) for number, one in enumerate(expressions)]


def expression(number: int, one: Expression, *, of_nodes: bool) -> Requirement:
    """One expression of a list. Raises Misfit with the path within the list."""
    if one.operator not in OPERATORS:
        raise Misfit(f"{one.operator!a} is unknown; it is one of {', '.join(OPERATORS)}", (number, "operator"))
    with at(number):
        return Requirement.parse(modern(one.key) if of_nodes else one.key, one.operator, one.values or ())
